"""A secret goes only where it was typed for: to which origins, with which redirects and TLS.

Whoever may edit an integration may not thereby read its secrets, so a changed scheme, host, port,
redirect or TLS setting asks for the secret again. The secrets of a sign-in are bound to the token
URL as well, and so are the tokens that it gives out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from billhook.engine.command.command import Command
from billhook.engine.errors import Problem
from billhook.engine.source import SourcePlan

_DENY: Final = "deny"
"""A sign-in's own requests never follow a redirect."""


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """One way in which a secret is used: where it is sent, what redirects do, whom TLS trusts.

    ``tls`` is a digest of the authorities that were added; empty for the system's alone.
    """

    origin: str
    redirects: str
    tls: str = ""


Uses = frozenset[Use]


def uses_of_secrets(
    commands: Collection[Command], plan: SourcePlan | None = None
) -> dict[str, Uses]:
    """Return for each secret how *commands* use it, and the sign-in and TLS of *plan* for them."""
    tls = _digest(plan)
    found: dict[str, set[Use]] = {}
    for command in commands:
        for name, origins in command.secret_origins.items():
            uses = (Use(str(origin), command.redirects, tls) for origin in origins)
            found.setdefault(name, set()).update(uses)
    if plan is not None and plan.secrets:
        everywhere = uses_of_source(commands, plan)
        for name in plan.secrets:
            found.setdefault(name, set()).update(everywhere)
    return {name: frozenset(uses) for name, uses in found.items()}


def uses_of_source(commands: Iterable[Command], plan: SourcePlan) -> Uses:
    """Return where the sign-in of *plan*, and whatever comes of it, is sent with *commands*."""
    return frozenset(_uses_of_source(commands, plan))


def _uses_of_source(commands: Iterable[Command], plan: SourcePlan) -> Iterator[Use]:
    tls = _digest(plan)
    for command in commands:
        for origin in command.origins:
            yield Use(str(origin), command.redirects, tls)
    for origin in plan.authentication.origins if plan.authentication else ():
        yield Use(str(origin), _DENY, tls)


def _digest(plan: SourcePlan | None) -> str:
    authorities = plan.tls.ca if plan and plan.tls else ""
    return hashlib.sha256(authorities.encode()).hexdigest()[:32] if authorities else ""


def to_json(uses: Uses) -> dict[str, Any]:
    """Return *uses* for the column ``bound_to``."""
    return {"uses": [_row(use) for use in sorted(uses)]}


def _row(use: Use) -> list[str]:
    return [use.origin, use.redirects, use.tls] if use.tls else [use.origin, use.redirects]


def from_json(bound_to: Mapping[str, Any]) -> Uses:
    """Return what :func:`to_json` wrote."""
    return frozenset(Use(*row) for row in bound_to.get("uses", ()))


def is_bound(
    command: Command, bound: Mapping[str, Uses], *, plan: SourcePlan | None = None
) -> bool:
    """Return whether *command* sends each of its secrets only where it was typed for."""
    wanted = uses_of_secrets([command], plan)
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
