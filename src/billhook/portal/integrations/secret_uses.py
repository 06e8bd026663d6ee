"""Uses of secrets: the origins, redirects and TLS settings for which each was typed.

The right to edit an integration must not include the right to read its secrets, so a changed
scheme, host, port, redirect or TLS setting requires the secret again. The secrets of authentication
are bound to the token URL as well, and so are the tokens that it issues.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from billhook.engine.errors import Problem
from billhook.engine.integration import CompiledIntegration

_DENY: Final = "deny"
"""The authentication's own requests never follow a redirect."""


@dataclass(frozen=True, slots=True, order=True)
class SecretUse:
    """One way in which a secret is used: where it is sent, what redirects do, whom TLS trusts.

    ``tls`` is a digest of the authorities that were added; empty for the system's alone.
    """

    origin: str
    redirects: str
    tls: str = ""


SecretUses = frozenset[SecretUse]


def uses_of_secrets(integration: CompiledIntegration) -> dict[str, SecretUses]:
    """Return for each secret how commands, authentication and TLS of *integration* use it."""
    tls = _digest(integration)
    found: dict[str, set[SecretUse]] = {}
    for command in integration.commands.values():
        for name, origins in command.secret_origins.items():
            uses = (SecretUse(str(origin), command.redirects, tls) for origin in origins)
            found.setdefault(name, set()).update(uses)
    if integration.connection_secrets:
        everywhere = uses_of_authentication(integration)
        for name in integration.connection_secrets:
            found.setdefault(name, set()).update(everywhere)
    return {name: frozenset(uses) for name, uses in found.items()}


def uses_of_authentication(integration: CompiledIntegration) -> SecretUses:
    """Return where the credentials of *integration*, and tokens that result from them, are sent."""
    return frozenset(_uses_of_authentication(integration))


def _uses_of_authentication(integration: CompiledIntegration) -> Iterator[SecretUse]:
    tls = _digest(integration)
    for command in integration.commands.values():
        for origin in command.origins:
            yield SecretUse(str(origin), command.redirects, tls)
    for origin in integration.authentication.origins if integration.authentication else ():
        yield SecretUse(str(origin), _DENY, tls)


def _digest(integration: CompiledIntegration) -> str:
    authorities = integration.tls.ca if integration.tls else ""
    return hashlib.sha256(authorities.encode()).hexdigest()[:32] if authorities else ""


def to_json(uses: SecretUses) -> dict[str, Any]:
    """Return *uses* for the column ``bound_to``."""
    return {"uses": [_row(use) for use in sorted(uses)]}


def _row(use: SecretUse) -> list[str]:
    return [use.origin, use.redirects, use.tls] if use.tls else [use.origin, use.redirects]


def from_json(bound_to: Mapping[str, Any]) -> SecretUses:
    """Return what :func:`to_json` wrote."""
    return frozenset(SecretUse(*row) for row in bound_to.get("uses", ()))


def is_bound(integration: CompiledIntegration, bound: Mapping[str, SecretUses]) -> bool:
    """Return whether *integration* uses each of its secrets only as it was typed for."""
    wanted = uses_of_secrets(integration)
    return all(uses <= bound.get(name, frozenset()) for name, uses in wanted.items())


def problem_of(name: str, *, wanted: SecretUses, bound: SecretUses) -> Problem | None:
    """Return the problem if the secret *name* would be used in ways for which it wasn't typed."""
    if wanted <= bound:
        return None
    return Problem(
        code="secret-moved",
        where=f"secrets.{name}",
        message=f"Type {name} again: {_change(wanted, bound)}",
    )


def _change(wanted: SecretUses, bound: SecretUses) -> str:
    new = {use.origin for use in wanted} - {use.origin for use in bound}
    if new:
        before = {use.origin for use in bound}
        instead = f" instead of {_listed(before)}" if before else ""
        return f"it would now be sent to {_listed(new)}{instead}."
    if {use.tls for use in wanted} - {use.tls for use in bound}:
        return "the CA certificates that TLS trusts changed."
    return f"the redirects of a command that sends it to {_listed(_turned(wanted, bound))} changed."


def _turned(wanted: SecretUses, bound: SecretUses) -> set[str]:
    return {use.origin for use in wanted - bound}


def _listed(origins: set[str]) -> str:
    return " and ".join(sorted(origins))
