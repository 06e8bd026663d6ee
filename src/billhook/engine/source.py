"""A source, ready for use: its connections with everything that an integration adds to them.

This is the one place where the chain is put together. From the outside in: the breaker, which knows
when to leave the source alone; the repetition of what may be repeated; the sign-in, anew for each
try, since a signature is good for one; the network. What an integration doesn't use isn't there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from billhook.engine.authentication.authenticator import Authenticator
from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.authentication.scheme import AuthenticationPlan
from billhook.engine.authentication.tls import TlsPlan, compile_tls
from billhook.engine.authentication.token_store import TokenKeeper
from billhook.engine.authentication.transport import SignedTransport
from billhook.engine.command.command import Command
from billhook.engine.command.compile import compile_command
from billhook.engine.config import IntegrationConfig
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.resolver import Resolver
from billhook.engine.http.breaker import BreakerState, BreakerTransport
from billhook.engine.http.request import Limits, Origin, WebRequest
from billhook.engine.http.retries import RetryingTransport
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport, Response, Transport
from billhook.engine.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """What an integration says of its connections, compiled: sign-in, TLS, and where it goes.

    ``origins`` are those of the commands' own URLs, ``signed_origins`` those of them that the
    sign-in goes to.
    """

    authentication: AuthenticationPlan | None
    tls: TlsPlan | None
    origins: frozenset[Origin]
    signed_origins: frozenset[Origin]
    may_repeat: bool

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that sign-in and TLS use."""
        plans = [plan for plan in (self.authentication, self.tls) if plan is not None]
        return frozenset().union(*(plan.secrets for plan in plans))


def plan_source(config: IntegrationConfig, commands: Collection[Command]) -> SourcePlan:
    """Compile what *config* says beside its *commands*, which are compiled already.

    Raises ConfigurationError with every mistake in the sign-in, or in TLS.
    """
    authentication: AuthenticationPlan | None = None
    if config.authentication is not None:
        authentication = compile_authentication(
            config.authentication, variables=config.variables, secrets=config.secrets
        )
    return SourcePlan(
        authentication=authentication,
        tls=compile_tls(config.tls, secrets=config.secrets) if config.tls else None,
        origins=frozenset().union(*(command.origins for command in commands)),
        signed_origins=frozenset().union(*(command.signed_origins for command in commands)),
        may_repeat=any(command.limits.retries for command in commands),
    )


class Source:
    """The transport of one integration. Close it when done; it is a context manager, too."""

    def __init__(
        self,
        plan: SourcePlan,
        *,
        secrets: Mapping[str, Secret],
        policy: EgressPolicy,
        keeper: TokenKeeper | None = None,
        resolver: Resolver | None = None,
        folder: Path | None = None,
    ) -> None:
        self._http = HttpTransport(
            policy,
            resolver=resolver,
            folder=folder,
            ssl_context=plan.tls.bind(secrets) if plan.tls else None,
            ssl_origins=plan.origins
            | (plan.authentication.origins if plan.authentication else frozenset()),
        )
        self._authenticator: Authenticator | None = None
        chain: Transport = self._http
        if plan.authentication is not None:
            self._authenticator = make_authenticator(plan.authentication, secrets, keeper=keeper)
            chain = SignedTransport(
                self._http,
                authenticator=self._authenticator,
                origins=plan.signed_origins,
                line_out=RetryingTransport(self._http),
            )
        if plan.may_repeat:
            chain = RetryingTransport(chain)
        self._breaker = BreakerTransport(chain)

    async def exchange(
        self,
        request: WebRequest,
        *,
        limits: Limits,
        redirects: str,
        deadline: float,
        trace: Trace,
    ) -> Response:
        """Send *request*; see :class:`billhook.engine.http.transport.Transport`."""
        return await self._breaker.exchange(
            request, limits=limits, redirects=redirects, deadline=deadline, trace=trace
        )

    @property
    def state(self) -> BreakerState:
        """Whether the source is used, left alone, or about to be tried again."""
        return self._breaker.state

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """Tokens or a session that the sign-in has had: where an answer repeats them, mask them."""
        return self._authenticator.credentials if self._authenticator is not None else ()

    @property
    def line_out(self) -> Transport:
        """The guarded way out without sign-in, for whoever signs a person in there."""
        return self._http

    async def close(self) -> None:
        """Wait for a sign-in under way, so that its tokens are kept; then close all connections."""
        if self._authenticator is not None:
            await self._authenticator.close()
        await self._http.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def open_source(
    config: IntegrationConfig,
    *,
    secrets: Mapping[str, Secret],
    policy: EgressPolicy,
    keeper: TokenKeeper | None = None,
    commands: Collection[Command] | None = None,
    resolver: Resolver | None = None,
    folder: Path | None = None,
) -> Source:
    """Return the source that *config* describes, with the values of its *secrets*.

    *commands* are those of *config*, if they are compiled already. *keeper* holds the tokens that
    OAuth 2 gives out from one run to the next. Raises ConfigurationError with every mistake, and
    TokenError for a secret that is missing or unfit.
    """
    if commands is None:
        commands = [
            compile_command(
                each,
                variables=config.variables,
                secrets=config.secrets,
                authentication=config.authentication,
            )
            for each in config.commands
        ]
    return Source(
        plan_source(config, commands),
        secrets=secrets,
        policy=policy,
        keeper=keeper,
        resolver=resolver,
        folder=folder,
    )
