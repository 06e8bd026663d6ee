"""Reads integrations and API keys for the store: the rows become compiled commands and secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import structlog

from billhook.engine.command.command import Command
from billhook.engine.config import IntegrationConfig
from billhook.engine.errors import ConfigurationError
from billhook.engine.http.request import Origin
from billhook.engine.integration_file.file import (
    authentication_from_json,
    command_from_json,
    tls_from_json,
)
from billhook.engine.secret import Secret
from billhook.engine.source import SourcePlan, plan_source
from billhook.portal.integrations import binding
from billhook.portal.integrations.crypto import KeyRing, SecretUnreadableError
from billhook.portal.integrations.drafts import compile_one
from billhook.portal.integrations.keeper import keeper_of
from billhook.portal.integrations.models import ApiKey, Integration, Revision, StoredSecret
from billhook.portal.integrations.policy import Wiring
from billhook.portal.integrations.vault import decrypt_secret, key_ring

log = structlog.get_logger("billhook.store")

Stamp = tuple[int, int]
"""Tells one state of an integration from another: its version, and that of its connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One enabled integration as the store needs it."""

    id: str
    organisation_id: str
    name: str
    stamp: Stamp
    on_failure: str
    keeping: str
    commands: tuple[Command, ...]
    wiring: Wiring


def read_revision() -> int:
    """Return the number that grows with every change."""
    return Revision.objects.filter(pk=1).values_list("number", flat=True).first() or 0


def read_valid_keys() -> list[tuple[str, str, str]]:
    """Return digest, id and organisation id of every API key that isn't revoked."""
    keys = ApiKey.objects.filter(revoked_at=None).order_by()
    return list(keys.values_list("digest", "id", "organisation_id"))


def read_stamps() -> list[tuple[str, Stamp]]:
    """Return id and stamp of every enabled integration, each organisation's in its order."""
    rows = Integration.objects.filter(enabled=True).order_by("position", "created_at")
    found = rows.values_list("id", "version", "connection")
    return [(id_, (version, connection)) for id_, version, connection in found]


def load_integrations(ids: Collection[str]) -> dict[str, Loaded]:
    """Return the enabled integrations among *ids*."""
    rows = Integration.objects.filter(enabled=True, id__in=ids).prefetch_related("stored_secrets")
    return {row.id: _load(row) for row in rows}


def read_origins() -> dict[str, frozenset[Origin]]:
    """Return the origins that each enabled integration needs, by its name. No secret is read."""
    rows = Integration.objects.filter(enabled=True).prefetch_related("stored_secrets")
    return {str(row): _origins(row) for row in rows}


def _origins(row: Integration) -> frozenset[Origin]:
    stored = row.stored_secrets.all()
    bound = {secret.name: binding.from_json(secret.bound_to) for secret in stored}
    commands, plan = _usable(row, bound)
    own = (origin for command in commands for origin in command.origins)
    return frozenset((*own, *(plan.authentication.origins if plan.authentication else ())))


def load_one(row: Integration) -> Loaded:
    """Return the integration *row*, on or off, as the store would have it."""
    return _load(row)


def _load(row: Integration) -> Loaded:
    stored = list(row.stored_secrets.all())
    bound = {secret.name: binding.from_json(secret.bound_to) for secret in stored}
    commands, plan = _usable(row, bound)
    return Loaded(
        id=row.id,
        organisation_id=row.organisation_id,
        name=row.name,
        stamp=(row.version, row.connection),
        on_failure=row.on_failure,
        keeping=row.keeping,
        commands=commands,
        wiring=Wiring(
            plan=plan,
            secrets=dict(_readable(row, stored)),
            keeper=keeper_of(row, plan, commands),
        ),
    )


def _usable(
    row: Integration, bound: Mapping[str, binding.Uses]
) -> tuple[tuple[Command, ...], SourcePlan]:
    """Return the commands of *row* that may be used, and what all of them say of the source."""
    try:
        config = _config_without_commands(row, bound)
        compiled = tuple(_compiled(row, config))
        plan = plan_source(config, compiled)
    except ConfigurationError as error:
        _complain(row, error)
        return (), plan_source(IntegrationConfig(name=row.name), ())
    commands = tuple(each for each in compiled if _is_bound(row, each, bound, plan))
    return commands, plan if len(commands) == len(compiled) else plan_source(config, commands)


def _config_without_commands(row: Integration, secrets: Collection[str]) -> IntegrationConfig:
    return IntegrationConfig(
        name=row.name,
        variables=row.variables,
        secrets=tuple(secrets),
        authentication=authentication_from_json(row.authentication) if row.authentication else None,
        tls=tls_from_json(row.tls) if row.tls else None,
    )


def _compiled(row: Integration, config: IntegrationConfig) -> Iterator[Command]:
    """Compile the commands of *row*. One that this version can't compile is logged and left out."""
    for typed in row.commands:
        try:
            yield compile_one(command_from_json(typed), config)
        except ConfigurationError as error:
            _complain(row, error)


def _complain(row: Integration, error: ConfigurationError) -> None:
    codes = sorted({problem.code for problem in error.problems})
    log.warning("command-not-usable", integration=row.id, codes=codes)


def _is_bound(
    row: Integration, command: Command, bound: Mapping[str, binding.Uses], plan: SourcePlan
) -> bool:
    # the services refuse to save such a command: a row like this wasn't written by them
    if binding.is_bound(command, bound, plan=plan):
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
