"""Reads integrations and API keys for the store: the rows become compiled commands and secrets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

import structlog

from billhook.engine.config import CommandConfig, IntegrationConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration import CompiledIntegration, try_to_compile
from billhook.engine.integration_file.file import (
    authentication_from_json,
    command_from_json,
    tls_from_json,
)
from billhook.engine.secret import Secret
from billhook.portal.integrations import secret_uses
from billhook.portal.integrations.crypto import KeyRing, SecretUnreadableError
from billhook.portal.integrations.live import LiveIntegration, Stamp
from billhook.portal.integrations.models import ApiKey, Integration, Revision, StoredSecret
from billhook.portal.integrations.policy import Wiring, open_source
from billhook.portal.integrations.shared_transport import ClosableTransport, SharedTransport
from billhook.portal.integrations.token_store import token_store_of
from billhook.portal.integrations.vault import decrypt_secret, key_ring

log = structlog.get_logger("billhook.store")

OpenSource = Callable[[Wiring], ClosableTransport]


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


def load_integrations(
    ids: Collection[str], *, open_source: OpenSource = open_source
) -> dict[str, LiveIntegration]:
    """Return the enabled integrations among *ids*; each opens its source when it is first used."""
    rows = Integration.objects.filter(enabled=True, id__in=ids).prefetch_related("stored_secrets")
    return {row.id: load_one(row, open_source=open_source) for row in rows}


def read_origins() -> dict[str, frozenset[Origin]]:
    """Return the origins that each enabled integration needs, by its name. No secret is read."""
    rows = Integration.objects.filter(enabled=True).prefetch_related("stored_secrets")
    return {str(row): origins_of(row) for row in rows}


def origins_of(row: Integration) -> frozenset[Origin]:
    """Return the origins that one integration needs."""
    compiled = _usable(row)
    authentication = compiled.authentication
    return compiled.origins | (authentication.origins if authentication else frozenset())


def load_one(row: Integration, *, open_source: OpenSource = open_source) -> LiveIntegration:
    """Return the integration *row*, on or off, as the store would have it."""
    compiled = _usable(row)
    wiring = Wiring(
        integration=compiled,
        secrets=dict(_readable(row, list(row.stored_secrets.all()))),
        token_store=token_store_of(row, compiled),
    )
    return LiveIntegration(
        id=row.id,
        organisation_id=row.organisation_id,
        name=row.name,
        stamp=(row.version, row.connection),
        on_failure=row.on_failure,
        keeping=row.keeping,
        wiring=wiring,
        transport=SharedTransport(lambda: open_source(wiring)),
    )


def _usable(row: Integration) -> CompiledIntegration:
    """Return the parts of *row* that may be used. Others are logged and left out."""
    stored = row.stored_secrets.all()
    bound = {secret.name: secret_uses.from_json(secret.bound_to) for secret in stored}
    try:
        compilation = try_to_compile(_config_of(row, bound))
    except ConfigurationError as error:
        _complain(row, error.problems)
        return _nothing_of(row)
    if compilation.problems:
        _complain(row, compilation.problems)
    if not compilation.connects:
        return _nothing_of(row)
    compiled = compilation.integration
    commands = {
        name: command
        for name, command in compiled.commands.items()
        if _is_bound(row, replace(compiled, commands={name: command}), bound)
    }
    return replace(compiled, commands=commands)


def _nothing_of(row: Integration) -> CompiledIntegration:
    return CompiledIntegration(name=row.name, commands={}, authentication=None, tls=None)


def _config_of(row: Integration, secrets: Collection[str]) -> IntegrationConfig:
    return IntegrationConfig(
        name=row.name,
        variables=row.variables,
        secrets=tuple(secrets),
        authentication=authentication_from_json(row.authentication) if row.authentication else None,
        tls=tls_from_json(row.tls) if row.tls else None,
        commands=tuple(_readable_commands(row)),
    )


def _readable_commands(row: Integration) -> Iterator[CommandConfig]:
    """Read the commands of *row*. One that this version can't read is logged and left out."""
    for typed in row.commands:
        try:
            yield command_from_json(typed)
        except ConfigurationError as error:
            _complain(row, error.problems)


def _complain(row: Integration, problems: Iterable[Problem]) -> None:
    codes = sorted({problem.code for problem in problems})
    log.warning("command-not-usable", integration=row.id, codes=codes)


def _is_bound(
    row: Integration, one_command: CompiledIntegration, bound: Mapping[str, secret_uses.SecretUses]
) -> bool:
    # the services refuse to save such a command: a row like this wasn't written by them
    if secret_uses.is_bound(one_command, bound):
        return True
    log.error("secret-moved", integration=row.id, command=next(iter(one_command.commands)))
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
