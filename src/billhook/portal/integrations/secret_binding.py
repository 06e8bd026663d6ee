"""The binding of a secret: everything that its value was typed for.

The right to edit an integration must not include the right to read its secrets. A request that
sends one could be made to repeat it, and what follows could show it or carry it away. So a secret
is bound to the commands that use it, whole: their requests with the variables in them, what is
read from the responses, where redirects lead, the authentication, and whom TLS trusts. After a
change of any of these, it has to be typed again. Time limits, names and other commands don't
matter.

The same goes for a secret for which a source issues a token or a session, since the commands carry
that. A secret that only signs can't be repeated by a source: it is bound to the authentication and
to the origins. Tokens that a person obtained by connecting are bound like a secret, but that person
may change the commands: somebody else has to connect again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from billhook.engine.command.command import Command
from billhook.engine.config import CommandConfig, IntegrationConfig
from billhook.engine.errors import Problem
from billhook.engine.integration import CompiledIntegration
from billhook.engine.integration_file.file import command_to_json, write_integration

_UNBOUND: Final = frozenset({"name", "timeout", "max_bytes", "retries", "tokens"})
"""Keys of a command that can't show a secret to anybody."""
_CONNECTION: Final = "the authentication or TLS"


@dataclass(frozen=True, slots=True, order=True)
class SecretUse:
    """An origin that a secret can reach, what redirects do there, and whom TLS trusts.

    ``tls`` is a digest of the authorities that were added; empty for the system's alone.
    """

    origin: str
    redirects: str
    tls: str = ""


SecretUses = frozenset[SecretUse]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretBinding:
    """The commands and origins that one secret is bound to.

    ``uses`` are the origins that it can reach. ``commands`` are digests of the commands that use
    it, and of the connection, each with its name for people (empty where it was stored).
    """

    uses: SecretUses = frozenset()
    commands: Mapping[str, str]

    def covers(self, wanted: SecretBinding) -> bool:
        """Return whether a secret with this binding may be used as *wanted*."""
        return wanted.uses <= self.uses and wanted.commands.keys() <= self.commands.keys()

    def to_json(self) -> dict[str, Any]:
        """Return it for the column ``bound_to``."""
        return {**uses_to_json(self.uses), "commands": sorted(self.commands)}

    @classmethod
    def from_json(cls, bound_to: Mapping[str, Any]) -> SecretBinding:
        """Return what :meth:`to_json` wrote."""
        digests = dict.fromkeys(bound_to.get("commands", ()), "")
        return cls(uses=uses_from_json(bound_to), commands=digests)


NOTHING: Final = SecretBinding(commands={})
"""The binding of a secret that isn't used."""


def bindings_of(
    config: IntegrationConfig, compiled: CompiledIntegration
) -> dict[str, SecretBinding]:
    """Return the binding that each secret of *config* needs, which *compiled* was made from."""
    uses = uses_of_secrets(compiled)
    return {
        name: SecretBinding(uses=uses[name], commands=dict(_digests(name, config, compiled)))
        for name in uses
    }


def _digests(
    secret: str, config: IntegrationConfig, compiled: CompiledIntegration
) -> Iterator[tuple[str, str]]:
    authentication = compiled.authentication
    is_sent = authentication is not None and secret in authentication.sent_secrets
    if secret in compiled.connection_secrets:
        yield _digest(secret, config, None), _CONNECTION
    for command in config.commands:
        live = compiled.commands.get(command.name) or compiled.lists.get(command.name)
        if live is None:
            continue
        carries = is_sent and _is_authenticated(compiled, command.name)
        if carries or secret in live.secrets:
            yield _digest(secret, config, command), f"the command {command.name}"


def _is_authenticated(compiled: CompiledIntegration, name: str) -> bool:
    """Return whether a request of the command or list *name* carries the authentication."""
    commands = [each for its_name, each in _requests(compiled) if its_name == name]
    return any(step.authenticate for each in commands for step in each.all_steps)


def _requests(compiled: CompiledIntegration) -> Iterator[tuple[str, Command]]:
    """Yield every command with its name; a list has several, one for each pass."""
    yield from compiled.commands.items()
    for name, listing in compiled.lists.items():
        yield from ((name, command) for command in listing.commands)


def commands_of_tokens(config: IntegrationConfig, compiled: CompiledIntegration) -> frozenset[str]:
    """Return digests of the commands of *config* that carry what a source issued."""
    return frozenset(
        _digest("", config, command)
        for command in config.commands
        if _is_authenticated(compiled, command.name)
    )


def _digest(secret: str, config: IntegrationConfig, command: CommandConfig | None) -> str:
    """Return a digest of *command* and of how the integration connects.

    The name of *secret* isn't in it: a secret may get another name.
    """
    table = command_to_json(command) if command else {}
    connection = replace(config, name="", variables={}, secrets=(), commands=())
    bound = {key: value for key, value in table.items() if key not in _UNBOUND}
    text = json.dumps([write_integration(connection), bound], sort_keys=True)
    used = {name: value for name, value in config.variables.items() if _token(name).search(text)}
    text = _token(secret).sub("{{", text) if secret else text
    whole = json.dumps([text, used], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def _token(name: str) -> re.Pattern[str]:
    return re.compile(r"\{\{" + re.escape(name) + r"(?![\w.])", re.ASCII)


def uses_of_secrets(integration: CompiledIntegration) -> dict[str, SecretUses]:
    """Return for each secret the origins that it can reach through commands of *integration*."""
    tls = _tls_digest(integration)
    found: dict[str, set[SecretUse]] = {}
    for _, command in _requests(integration):
        uses = {SecretUse(str(origin), command.redirects, tls) for origin in command.origins}
        for name in command.secrets:
            found.setdefault(name, set()).update(uses)
    for listing in integration.lists.values():
        for name in listing.secrets:  # that of a nudge is sent nowhere
            found.setdefault(name, set())
    if integration.connection_secrets:
        everywhere = uses_of_authentication(integration)
        for name in integration.connection_secrets:
            found.setdefault(name, set()).update(everywhere)
    return {name: frozenset(uses) for name, uses in found.items()}


def uses_of_authentication(integration: CompiledIntegration) -> SecretUses:
    """Return where the credentials of *integration*, and tokens that result from them, are sent."""
    return frozenset(_uses_of_authentication(integration))


def _uses_of_authentication(integration: CompiledIntegration) -> Iterator[SecretUse]:
    tls = _tls_digest(integration)
    for _, command in _requests(integration):
        for origin in command.origins:
            yield SecretUse(str(origin), command.redirects, tls)
    authentication = integration.authentication
    if authentication is not None:
        for origin in authentication.origins:
            yield SecretUse(str(origin), authentication.redirects, tls)


def _tls_digest(integration: CompiledIntegration) -> str:
    authorities = integration.tls.ca if integration.tls else ""
    return hashlib.sha256(authorities.encode()).hexdigest()[:32] if authorities else ""


def uses_to_json(uses: SecretUses) -> dict[str, Any]:
    """Return *uses* for the column ``bound_to`` of tokens."""
    return {"uses": [_row(use) for use in sorted(uses)]}


def _row(use: SecretUse) -> list[str]:
    return [use.origin, use.redirects, use.tls] if use.tls else [use.origin, use.redirects]


def uses_from_json(bound_to: Mapping[str, Any]) -> SecretUses:
    """Return what :func:`uses_to_json` wrote."""
    return frozenset(SecretUse(*row) for row in bound_to.get("uses", ()))


def problem_of(name: str, *, wanted: SecretBinding, bound: SecretBinding) -> Problem | None:
    """Return the problem if the secret *name* would be used in ways for which it wasn't typed."""
    if bound.covers(wanted):
        return None
    return Problem(
        code="secret-moved",
        where=f"secrets.{name}",
        message=f"Type {name} again: {_change(wanted, bound)}",
    )


def _change(wanted: SecretBinding, bound: SecretBinding) -> str:
    now = {use.origin for use in wanted.uses}
    before = {use.origin for use in bound.uses}
    if now - before and before - now:
        return (
            f"it would now be sent to {_listed(now - before)} instead of {_listed(before - now)}."
        )
    if now - before:
        more = ", too" if before else ""
        return f"what uses it would now send requests to {_listed(now - before)}{more}."
    if {use.tls for use in wanted.uses} - {use.tls for use in bound.uses}:
        return "the CA certificates that TLS trusts changed."
    if not wanted.uses <= bound.uses:
        origins = {use.origin for use in wanted.uses - bound.uses}
        return f"the redirects of a command that sends it to {_listed(origins)} changed."
    changed = {name for key, name in wanted.commands.items() if key not in bound.commands}
    return f"it is used by {_listed(changed)}, which changed."


def _listed(texts: set[str]) -> str:
    return " and ".join(sorted(texts))
