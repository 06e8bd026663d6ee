"""A secret goes only where it was typed for: to which origins, and whether redirects are followed.

Whoever may edit an integration may not thereby read its secrets, so a changed scheme, host, port or
redirect setting asks for the secret again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from billhook.engine.command import Command
from billhook.engine.errors import Problem


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """One way in which a secret is used: the origin it is sent to, and that command's redirects."""

    origin: str
    redirects: str


Uses = frozenset[Use]


def uses_of_secrets(commands: Iterable[Command]) -> dict[str, Uses]:
    """Return for each secret how *commands* use it."""
    found: dict[str, set[Use]] = {}
    for command in commands:
        for name, origins in command.secret_origins.items():
            uses = (Use(str(origin), command.redirects) for origin in origins)
            found.setdefault(name, set()).update(uses)
    return {name: frozenset(uses) for name, uses in found.items()}


def to_json(uses: Uses) -> dict[str, Any]:
    """Return *uses* for the column ``bound_to``."""
    return {"uses": [[use.origin, use.redirects] for use in sorted(uses)]}


def from_json(bound_to: Mapping[str, Any]) -> Uses:
    """Return what :func:`to_json` wrote."""
    return frozenset(Use(origin, redirects) for origin, redirects in bound_to.get("uses", ()))


def is_bound(command: Command, bound: Mapping[str, Uses]) -> bool:
    """Return whether *command* sends each of its secrets only where it was typed for."""
    wanted = uses_of_secrets([command])
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
    return f"the redirects of a command that sends it to {_listed(_turned(wanted, bound))} changed."


def _turned(wanted: Uses, bound: Uses) -> set[str]:
    return {use.origin for use in wanted - bound}


def _listed(origins: set[str]) -> str:
    return " and ".join(sorted(origins))
