"""A secret goes only where it was typed for: to which origins, with which redirects and TLS.

Whoever may edit an integration may not thereby read its secrets, so a changed scheme, host, port,
redirect or TLS setting asks for the secret again. The secrets of an authentication are bound to the
token URL as well, and so are the tokens that it issues.
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
class Use:
    """One way in which a secret is used: where it is sent, what redirects do, whom TLS trusts.

    ``tls`` is a digest of the authorities that were added; empty for the system's alone.
    """

    origin: str
    redirects: str
    tls: str = ""


Uses = frozenset[Use]


def uses_of_secrets(integration: CompiledIntegration) -> dict[str, Uses]:
    """Return for each secret how commands, authentication and TLS of *integration* use it."""
    tls = _digest(integration)
    found: dict[str, set[Use]] = {}
    for command in integration.commands.values():
        for name, origins in command.secret_origins.items():
            uses = (Use(str(origin), command.redirects, tls) for origin in origins)
            found.setdefault(name, set()).update(uses)
    if integration.connection_secrets:
        everywhere = uses_of_authentication(integration)
        for name in integration.connection_secrets:
            found.setdefault(name, set()).update(everywhere)
    return {name: frozenset(uses) for name, uses in found.items()}


def uses_of_authentication(integration: CompiledIntegration) -> Uses:
    """Return where the credentials of *integration*, and tokens that result from them, are sent."""
    return frozenset(_uses_of_authentication(integration))


def _uses_of_authentication(integration: CompiledIntegration) -> Iterator[Use]:
    tls = _digest(integration)
    for command in integration.commands.values():
        for origin in command.origins:
            yield Use(str(origin), command.redirects, tls)
    for origin in integration.authentication.origins if integration.authentication else ():
        yield Use(str(origin), _DENY, tls)


def _digest(integration: CompiledIntegration) -> str:
    authorities = integration.tls.ca if integration.tls else ""
    return hashlib.sha256(authorities.encode()).hexdigest()[:32] if authorities else ""


def to_json(uses: Uses) -> dict[str, Any]:
    """Return *uses* for the column ``bound_to``."""
    return {"uses": [_row(use) for use in sorted(uses)]}


def _row(use: Use) -> list[str]:
    return [use.origin, use.redirects, use.tls] if use.tls else [use.origin, use.redirects]


def from_json(bound_to: Mapping[str, Any]) -> Uses:
    """Return what :func:`to_json` wrote."""
    return frozenset(Use(*row) for row in bound_to.get("uses", ()))


def is_bound(integration: CompiledIntegration, bound: Mapping[str, Uses]) -> bool:
    """Return whether *integration* sends each of its secrets only where it was typed for."""
    wanted = uses_of_secrets(integration)
    return all(uses <= bound.get(name, frozenset()) for name, uses in wanted.items())


def problem_of(name: str, *, wanted: Uses, bound: Uses) -> Problem | None:
    """Return what to tell whoever would send the secret *name* elsewhere than it was typed for."""
    if wanted <= bound:
        return None
    return Problem(
        code="secret-moved",
        where=f"secrets.{name}",
        message=f"Type {name} again: {_change(wanted, bound)}",
    )


def _change(wanted: Uses, bound: Uses) -> str:
    new = {use.origin for use in wanted} - {use.origin for use in bound}
    if new:
        before = {use.origin for use in bound}
        instead = f" instead of {_listed(before)}" if before else ""
        return f"it would now be sent to {_listed(new)}{instead}."
    if {use.tls for use in wanted} - {use.tls for use in bound}:
        return "the authorities that TLS trusts changed."
    return f"the redirects of a command that sends it to {_listed(_turned(wanted, bound))} changed."


def _turned(wanted: Uses, bound: Uses) -> set[str]:
    return {use.origin for use in wanted - bound}


def _listed(origins: set[str]) -> str:
    return " and ".join(sorted(origins))
