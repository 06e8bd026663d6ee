"""One compiled integration: its commands, its authentication and its TLS, ready to be opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from billhook.engine.command.command import Command
from billhook.engine.command.compile import compile_command
from billhook.engine.config import IntegrationConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration_file.bounds import at_most, find_excess
from billhook.engine.integration_file.clear_keys import find_clear_keys
from billhook.engine.list_config import LIST_COMMANDS, ListCommandConfig
from billhook.engine.secret import Secret

if TYPE_CHECKING:
    from billhook.engine.authentication.scheme import AuthenticationPlan
    from billhook.engine.authentication.tls import TlsPlan
    from billhook.engine.authentication.token_store import TokenStore
    from billhook.engine.egress.policy import EgressPolicy
    from billhook.engine.egress.resolver import Resolver
    from billhook.engine.listing.listing import Listing
    from billhook.engine.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledIntegration:
    """An integration without problems, and without the values of its secrets.

    ``lists`` are its list commands, in the order of a sync; ``commands`` are all others.
    ``command_tls`` is that of commands with a client certificate of their own. ``notes`` are
    remarks on its configuration that prevent nothing.
    """

    name: str
    commands: Mapping[str, Command]
    lists: Mapping[str, Listing] = field(default_factory=dict)
    authentication: AuthenticationPlan | None
    tls: TlsPlan | None
    command_tls: Mapping[str, TlsPlan] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()

    @property
    def _every(self) -> tuple[Command | Listing, ...]:
        return (*self.commands.values(), *self.lists.values())

    @property
    def origins(self) -> frozenset[Origin]:
        """The origins of the commands' own URLs."""
        return frozenset().union(*(each.origins for each in self._every))

    @property
    def secrets(self) -> frozenset[str]:
        """The names of all secrets that it uses."""
        used = (each.secrets for each in self._every)
        return frozenset(self.connection_secrets.union(*used))

    @property
    def connection_secrets(self) -> frozenset[str]:
        """The names of the secrets that its authentication and TLS use."""
        own = self.command_tls.values()
        plans = [plan for plan in (self.authentication, self.tls, *own) if plan is not None]
        return frozenset().union(*(plan.secrets for plan in plans))

    def open(
        self,
        *,
        secrets: Mapping[str, Secret],
        policy: EgressPolicy,
        token_store: TokenStore | None = None,
        resolver: Resolver | None = None,
        folder: Path | None = None,
    ) -> Source:
        """Return the source of this integration, with a connection pool of its own.

        *token_store* keeps OAuth 2 tokens from one run to the next; schemes whose tokens must be
        kept need one. Response bodies that don't fit into memory go to *folder*. Raises TokenError
        for a secret that is missing or can't be used, and ConfigurationError for a certificate
        that can't.
        """
        from billhook.engine.source import Source  # it loads aiohttp, which compiling doesn't need

        return Source(
            self.commands,
            lists=self.lists,
            authentication=self.authentication,
            tls=self.tls,
            command_tls=self.command_tls,
            secrets=secrets,
            policy=policy,
            token_store=token_store,
            resolver=resolver,
            folder=folder,
        )


def compile_integration(config: IntegrationConfig) -> CompiledIntegration:
    """Compile *config*; raise ConfigurationError with every problem in it."""
    compilation = try_to_compile(config)
    if compilation.problems:
        raise ConfigurationError(compilation.problems)
    return compilation.integration


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """The parts of an integration that compile, and the problems of the others.

    Commands with a problem aren't in ``integration``. ``connects`` says whether its authentication
    and TLS have no problem: unless they do, its commands can't be run.
    """

    integration: CompiledIntegration
    problems: tuple[Problem, ...]
    connects: bool


def try_to_compile(config: IntegrationConfig) -> Compilation:
    """Compile each part of *config* independently, and return what compiles and all problems.

    Of an integration beyond its bounds, nothing is compiled. At most 100 problems are reported.
    """
    excess = list(find_excess(config))
    if excess:
        nothing = CompiledIntegration(name=config.name, commands={}, authentication=None, tls=None)
        return Compilation(integration=nothing, problems=at_most(excess), connects=False)
    connection: list[Problem] = []
    authentication = _compile_authentication(config, connection)
    tls = _compile_tls(config, connection)
    command_tls = dict(_compile_command_tls(config, connection))
    problems = [*connection, *_repeated_commands(config)]
    commands = dict(_compile_commands(config, problems))
    lists = dict(_compile_lists(config, problems))
    notes = list(authentication.notes) if authentication else []
    notes += [note for command in commands.values() for note in command.notes]
    notes += [note for listing in lists.values() for note in listing.notes]
    notes += find_clear_keys(config)
    return Compilation(
        integration=CompiledIntegration(
            name=config.name,
            commands=commands,
            lists={name: lists[name] for name in LIST_COMMANDS if name in lists},
            authentication=authentication,
            tls=tls,
            command_tls=command_tls,
            notes=tuple(dict.fromkeys(notes)),
        ),
        # a variable's problem is found by each command
        problems=at_most(list(dict.fromkeys(problems))),
        connects=not connection,
    )


def _compile_authentication(
    config: IntegrationConfig, problems: list[Problem]
) -> AuthenticationPlan | None:
    if config.authentication is None:
        return None
    from billhook.engine.authentication.compile import (
        compile_authentication,  # only what is used is loaded
    )

    try:
        return compile_authentication(
            config.authentication, variables=config.variables, secrets=config.secrets
        )
    except ConfigurationError as error:
        problems += error.problems
        return None


def _compile_tls(config: IntegrationConfig, problems: list[Problem]) -> TlsPlan | None:
    if config.tls is None:
        return None
    from billhook.engine.authentication.tls import compile_tls  # only what is used is loaded

    try:
        return compile_tls(config.tls, secrets=config.secrets)
    except ConfigurationError as error:
        problems += error.problems
        return None


def _compile_command_tls(
    config: IntegrationConfig, problems: list[Problem]
) -> Iterator[tuple[str, TlsPlan]]:
    for command in config.commands:
        if not command.client_certificate and not command.passphrase:
            continue
        from billhook.engine.authentication.tls import compile_command_tls  # only what is used

        try:
            plan = compile_command_tls(command, config.tls, secrets=config.secrets)
        except ConfigurationError as error:
            problems += error.problems
        else:
            if plan is not None:
                yield command.name, plan


def _repeated_commands(config: IntegrationConfig) -> Iterator[Problem]:
    for name, count in Counter(command.name for command in config.commands).items():
        if count > 1:
            yield Problem(
                code="command-twice",
                message=f"There are {count} commands {name}. Give each its own name.",
                where=f"commands.{name}",
            )


def _compile_commands(
    config: IntegrationConfig, problems: list[Problem]
) -> Iterator[tuple[str, Command]]:
    for command in config.commands:
        if isinstance(command, ListCommandConfig):
            continue
        try:
            compiled = compile_command(
                command,
                variables=config.variables,
                secrets=config.secrets,
                authentication=config.authentication,
            )
        except ConfigurationError as error:
            problems += error.problems
        else:
            yield command.name, compiled


def _compile_lists(
    config: IntegrationConfig, problems: list[Problem]
) -> Iterator[tuple[str, Listing]]:
    typed = [each for each in config.commands if isinstance(each, ListCommandConfig)]
    if not typed:
        return
    from billhook.engine.listing.compile.command import (
        compile_listing,  # only what is used is loaded
    )

    for command in typed:
        try:
            listing = compile_listing(
                command,
                variables=config.variables,
                secrets=config.secrets,
                authentication=config.authentication,
            )
        except ConfigurationError as error:
            problems += error.problems
        else:
            yield command.name, listing


def open_source(
    config: IntegrationConfig,
    *,
    secrets: Mapping[str, Secret],
    policy: EgressPolicy,
    token_store: TokenStore | None = None,
    resolver: Resolver | None = None,
    folder: Path | None = None,
) -> Source:
    """Compile *config* and open it, in one call."""
    return compile_integration(config).open(
        secrets=secrets, policy=policy, token_store=token_store, resolver=resolver, folder=folder
    )
