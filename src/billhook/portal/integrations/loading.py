"""Reads integrations and API keys for the store: the rows become compiled commands and secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import structlog

from billhook.engine.command import Command
from billhook.engine.errors import ConfigurationError
from billhook.engine.files import command_from_json
from billhook.engine.secret import Secret
from billhook.portal.integrations import binding
from billhook.portal.integrations.crypto import KeyRing, SecretUnreadableError
from billhook.portal.integrations.models import ApiKey, Integration, Revision, StoredSecret
from billhook.portal.integrations.vault import decrypt_secret, key_ring

log = structlog.get_logger("billhook.store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One enabled integration as the store needs it."""

    id: str
    organisation_id: str
    name: str
    version: int
    commands: tuple[Command, ...]
    secrets: Mapping[str, Secret]


def read_revision() -> int:
    """Return the number that grows with every change."""
    return Revision.objects.filter(pk=1).values_list("number", flat=True).first() or 0


def read_valid_keys() -> list[tuple[str, str, str]]:
    """Return digest, id and organisation id of every API key that isn't revoked."""
    keys = ApiKey.objects.filter(revoked_at=None).order_by()
    return list(keys.values_list("digest", "id", "organisation_id"))


def read_versions() -> list[tuple[str, int]]:
    """Return id and version of every enabled integration, in the order of each organisation."""
    return list(Integration.objects.filter(enabled=True).values_list("id", "version"))


def load_integrations(ids: Collection[str]) -> dict[str, Loaded]:
    """Return the enabled integrations among *ids*."""
    rows = Integration.objects.filter(enabled=True, id__in=ids).prefetch_related("stored_secrets")
    return {row.id: _load(row) for row in rows}


def _load(row: Integration) -> Loaded:
    stored = list(row.stored_secrets.all())
    bound = {secret.name: binding.from_json(secret.bound_to) for secret in stored}
    return Loaded(
        id=row.id,
        organisation_id=row.organisation_id,
        name=row.name,
        version=row.version,
        commands=tuple(c for c in compiled(row, bound) if _is_bound(row, c, bound)),
        secrets=dict(_readable(row, stored)),
    )


def compiled(row: Integration, secrets: Collection[str]) -> Iterator[Command]:
    """Compile the commands of *row*. One that this version can't compile is logged and left out."""
    for typed in row.commands:
        try:
            config = command_from_json(typed)
            yield Command.compile(config, variables=row.variables, secrets=secrets)
        except ConfigurationError as error:
            codes = sorted({problem.code for problem in error.problems})
            log.warning("command-not-usable", integration=row.id, codes=codes)


def _is_bound(row: Integration, command: Command, bound: Mapping[str, binding.Uses]) -> bool:
    # the services refuse to save such a command: a row like this wasn't written by them
    if binding.is_bound(command, bound):
        return True
    log.error("secret-moved", integration=row.id, command=command.name)
    return False


def _readable(row: Integration, stored: list[StoredSecret]) -> Iterator[tuple[str, Secret]]:
    ring = key_ring() if stored else None
    for secret in stored:
        value = _read(row, secret, ring)
        if value is not None:
            yield secret.name, value


def _read(row: Integration, secret: StoredSecret, ring: KeyRing | None) -> Secret | None:
    try:
        return decrypt_secret(secret, ring=ring) if ring else None
    except SecretUnreadableError:
        log.warning("secret-not-readable", integration=row.id, secret=secret.name)
        return None
