"""An open source: the connections of one integration, and everything that it adds to them.

This is the one place where the chain is put together. From the outside in: the breaker, which knows
when to leave the source alone; the retries of what may be sent again; authentication, renewed for
each try, since a signature is good for one; the network. What an integration doesn't use isn't
there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

from billhook.engine.answer.document import Document
from billhook.engine.authentication.authenticator import Authenticator
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.authentication.scheme import AuthenticationPlan
from billhook.engine.authentication.tls import TlsPlan
from billhook.engine.authentication.token_store import TokenStore
from billhook.engine.authentication.transport import SignedTransport
from billhook.engine.command.command import Command
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.resolver import Resolver
from billhook.engine.egress.url import Origin
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.http.breaker import BreakerState, BreakerTransport, OnPause, SourcePause
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.retries import RetryingTransport
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport, Response, Transport
from billhook.engine.listing.listing import Listing
from billhook.engine.listing.pace import ListPace
from billhook.engine.listing.page import ListedPage
from billhook.engine.listing.plan import ListPart
from billhook.engine.listing.position import ListPosition
from billhook.engine.listing.read import ListTerms, read_list
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from billhook.engine.tokens.catalogue import Value, nearest

_NO_VALUES: Final[Mapping[str, Value]] = MappingProxyType({})


class Source:
    """The open source of an integration. Close it when done; it is an async context manager.

    It is also the transport of everything that the integration sends.
    """

    def __init__(
        self,
        commands: Mapping[str, Command],
        *,
        lists: Mapping[str, Listing] = MappingProxyType({}),
        authentication: AuthenticationPlan | None,
        tls: TlsPlan | None,
        command_tls: Mapping[str, TlsPlan],
        secrets: Mapping[str, Secret],
        policy: EgressPolicy,
        token_store: TokenStore | None = None,
        resolver: Resolver | None = None,
        folder: Path | None = None,
    ) -> None:
        self._commands = commands
        self._lists = lists
        every: tuple[Command | Listing, ...] = (*commands.values(), *lists.values())
        self._secrets = secrets
        self._http = HttpTransport(
            policy,
            resolver=resolver,
            folder=folder,
            ssl_context=tls.bind(secrets) if tls else None,
            ssl_origins=_origins(every, authentication),
            command_contexts={name: plan.bind(secrets) for name, plan in command_tls.items()},
            secrets=lambda: (*secrets.values(), *self.credentials),
        )
        self._authenticator: Authenticator | None = None
        chain: Transport = self._http
        if authentication is not None:
            self._authenticator = make_authenticator(
                authentication, secrets, token_store=token_store
            )
            chain = SignedTransport(
                self._http,
                authenticator=self._authenticator,
                origins=_union(command.signed_origins for command in every),
                line_out=RetryingTransport(self._http),
            )
        self._steady = chain
        if any(command.limits.retries for command in commands.values()):
            chain = RetryingTransport(chain)
        self._breaker = BreakerTransport(chain)

    async def run(
        self,
        command: str,
        values: Mapping[str, Value] = _NO_VALUES,
        /,
        *,
        trace: Trace | None = None,
        limits: Limits | None = None,
        run_id: str | None = None,
        **more_values: Value,
    ) -> Document:
        """Run *command* with *values* for its tokens, and return the document.

        Values may also be given as keyword arguments. *trace* takes every exchange. *limits*
        replace the command's own. *run_id* fills ``{{RunId}}``. The caller closes the document.
        Raises ConfigurationError for an unknown command, and what
        :func:`billhook.engine.run.run_command` raises.
        """
        found = self._commands.get(command)
        if found is None:
            raise ConfigurationError((_unknown_command(command, self._commands),))
        if limits is not None:
            found = replace(found, limits=limits)
        filled = found.values({**values, **more_values}, secrets=self._secrets, run_id=run_id)
        return await run_command(found, filled, transport=self, trace=trace)

    async def read_list(
        self,
        name: str,
        part: ListPart,
        *,
        position: ListPosition | None = None,
        customers: Sequence[str] = (),
        pace: ListPace | None = None,
        trace: Trace | None = None,
        run_id: str | None = None,
        share: str = "",
        tolerant: bool = False,
    ) -> AsyncIterator[ListedPage]:
        """Yield the pages of *part* of the list command *name*, from *position* on.

        *customers* are those to ask for, where the command asks for one at a time. Give the same
        *pace* to all lists of the source. A list that is throttled waits on its own, and doesn't
        open the breaker, which would keep documents from contacts. Raises ConfigurationError for an
        unknown command, and what :func:`billhook.engine.listing.read.read_list` raises.
        """
        listing = self._lists.get(name)
        if listing is None:
            raise ConfigurationError((_unknown_command(name, self._lists),))
        terms = ListTerms(
            transport=self._steady,
            pace=pace or ListPace(listing.limits),
            secrets=self._secrets,
            trace=Trace() if trace is None else trace,
            run_id=run_id,
            share=share,
            customers=customers,
            tolerant=tolerant,
        )
        async for page in read_list(listing, part, terms, position):
            yield page

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request*; see :class:`billhook.engine.http.transport.Transport`."""
        return await self._breaker.exchange(request, terms)

    @property
    def state(self) -> BreakerState:
        """Whether the source is used, left alone, or about to be tried again."""
        return self._breaker.state

    def watch_pauses(self, on_pause: OnPause) -> None:
        """Have *on_pause* called when a command is paused, and when it is in use again."""
        self._breaker.on_pause = on_pause

    def adopt_pause(self, command: str, pause: SourcePause | None) -> None:
        """Take over a pause of *command* that another process found, or its end."""
        self._breaker.adopt(command, pause)

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """Tokens or a session that authentication obtained: mask them in responses."""
        return self._authenticator.credentials if self._authenticator is not None else ()

    @property
    def line_out(self) -> Transport:
        """The guarded transport without authentication, for a flow that obtains tokens."""
        return self._http

    async def close(self) -> None:
        """Wait for a renewal in progress to save its tokens; then close all connections."""
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


def _union(sets: Iterable[frozenset[Origin]]) -> frozenset[Origin]:
    return frozenset().union(*sets)


def _origins(
    commands: Iterable[Command | Listing], authentication: AuthenticationPlan | None
) -> frozenset[Origin]:
    """Return the origins that get to see a client certificate."""
    own = _union(command.origins for command in commands)
    return own | (authentication.origins if authentication else frozenset())


def _unknown_command(name: str, known: Iterable[str]) -> Problem:
    near = nearest(name, known)
    advice = f"Did you mean {near}?" if near else f"It has: {', '.join(known) or 'none'}."
    return Problem(
        code="unknown-command",
        message=f'The integration has no command "{name}". {advice}',
        suggestion=near,
    )
