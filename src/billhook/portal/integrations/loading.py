"""Reads integrations for the store: the rows become compiled commands and secrets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

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
from billhook.portal.integrations.crypto import KeyRing, KeyRingError, SecretUnreadableError
from billhook.portal.integrations.live import LEAST_KILOBYTES, LiveIntegration
from billhook.portal.integrations.models import Integration, StoredSecret
from billhook.portal.integrations.policy import Wiring, open_source
from billhook.portal.integrations.sample_source import is_sample_origin
from billhook.portal.integrations.secret_binding import (
    SecretUses,
    uses_from_json,
    uses_of_secrets,
)
from billhook.portal.integrations.shared_transport import ClosableTransport, SharedTransport
from billhook.portal.integrations.token_store import token_store_of
from billhook.portal.integrations.vault import decrypt_secret, key_ring
from billhook.portal.nodes.pauses import pause_board

log = structlog.get_logger("billhook.store")

OpenSource = Callable[[Wiring], ClosableTransport]

_COMPILED: Final = 8
"""Bytes that each character of a configuration takes when it is compiled."""
_KILOBYTES_OF_TLS: Final = 500


def load_integrations(
    ids: Collection[str], *, open_source: OpenSource = open_source
) -> dict[str, LiveIntegration]:
    """Return the enabled integrations among *ids*; each opens its source when it is first used."""
    rows = Integration.objects.filter(enabled=True, id__in=ids).prefetch_related("stored_secrets")
    return {row.id: load_one(row, open_source=open_source) for row in rows}


def count_enabled() -> int:
    """Return the number of enabled integrations."""
    return Integration.objects.filter(enabled=True).count()


def read_origins(most: int) -> list[tuple[Integration, frozenset[Origin]]]:
    """Return each enabled integration with the origins that it needs. No secret is read.

    If there are more than *most*, these are the ones that were changed last.
    """
    rows = Integration.objects.filter(enabled=True).prefetch_related("stored_secrets")
    needed = ((row, origins_of(row)) for row in rows.order_by("-changed_at")[:most])
    return [(row, origins) for row, origins in needed if not all(map(is_sample_origin, origins))]


def origins_of(row: Integration) -> frozenset[Origin]:
    """Return the origins that one integration needs."""
    compiled = _usable(row)
    authentication = compiled.authentication
    return compiled.origins | (authentication.origins if authentication else frozenset())


def load_one(row: Integration, *, open_source: OpenSource = open_source) -> LiveIntegration:
    """Return the integration *row*, on or off, as the store would have it."""
    compiled = _usable(row)
    wiring = Wiring(
        organisation_id=row.organisation_id,
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
        transport=SharedTransport(lambda: pause_board().watch(open_source(wiring), row.id)),
        kilobytes=_kilobytes(row),
    )


def _kilobytes(row: Integration) -> int:
    """Estimate the memory that *row* takes when it is compiled and in use."""
    typed = repr((row.variables, row.commands, row.authentication))
    of_tls = _KILOBYTES_OF_TLS if row.tls else 0
    return LEAST_KILOBYTES + len(typed) * _COMPILED // 1024 + of_tls


def _usable(row: Integration) -> CompiledIntegration:
    """Return the parts of *row* that may be used. Others are logged and left out."""
    stored = row.stored_secrets.all()
    bound = {secret.name: uses_from_json(secret.bound_to) for secret in stored}
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
        if _is_bound(row, replace(compiled, commands={name: command}, lists={}), bound)
    }
    lists = {
        name: listing
        for name, listing in compiled.lists.items()
        if _is_bound(row, replace(compiled, commands={}, lists={name: listing}), bound)
    }
    return replace(compiled, commands=commands, lists=lists)


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
    row: Integration, one_command: CompiledIntegration, bound: Mapping[str, SecretUses]
) -> bool:
    # the services refuse to save such a command: a row like this wasn't written by them
    wanted = uses_of_secrets(one_command)
    if all(uses <= bound.get(name, frozenset()) for name, uses in wanted.items()):
        return True
    [name] = [*one_command.commands, *one_command.lists]
    log.error("secret-moved", integration=row.id, command=name)
    return False


def _readable(row: Integration, stored: list[StoredSecret]) -> Iterator[tuple[str, Secret]]:
    ring = _ring_for(row) if stored else None
    for secret in stored:
        value = _read(row, secret, ring)
        if value is not None:
            yield secret.name, value


def _ring_for(row: Integration) -> KeyRing | None:
    try:
        return key_ring()
    except KeyRingError:
        log.error("keys-not-usable", integration=row.id)  # noqa: TRY400 - no trace for each row
        return None


def _read(row: Integration, secret: StoredSecret, ring: KeyRing | None) -> Secret | None:
    try:
        return decrypt_secret(secret, ring=ring) if ring else None
    except SecretUnreadableError:
        log.warning("secret-not-readable", integration=row.id, secret=secret.name)
        return None
