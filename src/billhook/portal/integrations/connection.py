"""The connection of an integration: a member agrees at the other system, which issues tokens.

A pending connection waits in the member's session for ten minutes and for one response. Its code is
exchanged for tokens through the same guarded transport as every other request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from django.db import connections

from billhook.engine.authentication.authorization import begin_authorization, finish_authorization
from billhook.engine.authentication.oauth2_client import OAuthClient, make_client
from billhook.engine.egress.guard import secret_may_travel
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.url import Url, parse_url
from billhook.engine.errors import (
    AuthenticationFailed,
    BillhookError,
    ConfigurationError,
    Problem,
    denied,
)
from billhook.engine.http.trace import Trace
from billhook.engine.secret import Secret
from billhook.portal.installation import environment
from billhook.portal.integrations.access import tokens_of
from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.loading import load_one
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.policy import egress_policy
from billhook.portal.integrations.sealer import Sealer
from billhook.portal.integrations.secret_binding import uses_of_authentication
from billhook.portal.integrations.services import mark_connected
from billhook.portal.integrations.store import get_store
from billhook.portal.organisations.models import Member

log = structlog.get_logger("billhook.connecting")

WAITING_SECONDS: Final = 600
MOST_WAITING: Final = 5
"""Pending connections of one member at the same time; the oldest are dropped."""
CALLBACK: Final = "/oauth/callback"
_SESSION_KEY: Final = "connecting"
_BY_CODE: Final = "oauth2-authorization-code"
_PATIENCE: Final = 40.0
_NOT_PENDING: Final = "This response doesn't match a pending connection. Start again."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionStatus:
    """Whether an integration has the tokens that its scheme needs, and since when.

    ``begins`` means that a member connects it; otherwise its first token is a secret.
    """

    begins: bool
    is_connected: bool
    connected_at: datetime | None
    connected_by: str
    renewed_at: datetime | None
    callback: str


def connection_of(integration: Integration) -> ConnectionStatus | None:
    """Return the status of *integration*'s connection; None if its scheme needs none."""
    scheme = (integration.authentication or {}).get("scheme")
    if scheme not in {_BY_CODE, "oauth2-refresh-token"}:
        return None
    tokens = tokens_of(integration)
    has_tokens = tokens is not None and bool(tokens.ciphertext)
    return ConnectionStatus(
        begins=scheme == _BY_CODE,
        is_connected=has_tokens,
        connected_at=tokens.connected_at if tokens and has_tokens else None,
        connected_by=str(tokens.connected_by or "") if tokens and has_tokens else "",
        renewed_at=tokens.changed_at if tokens and has_tokens else None,
        callback=callback_address(),
    )


def callback_address() -> str:
    """Return the address to which other systems send members back: it is registered there."""
    return f"{environment.current().public_url.rstrip('/')}{CALLBACK}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingConnection:
    """A connection that has begun. ``verifier`` is sealed for the member who began it."""

    organisation_id: str
    integration_id: str
    version: int
    begun_at: float
    verifier: str

    @property
    def is_over(self) -> bool:
        """Whether it has waited too long."""
        return time.time() - self.begun_at > WAITING_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPage:
    """The page of the other system where the member agrees."""

    url: str

    @property
    def host(self) -> str:
        """The host of its address."""
        return urlsplit(self.url).hostname or ""


def begin_connection(
    *, member: Member, integration: Integration, session: MutableMapping[str, Any]
) -> ConsentPage:
    """Begin a connection, which then waits in *session*.

    Raises:
        BillhookError: if the integration has another scheme, or can't be used yet.
    """
    _, client = _load(integration)
    _refuse_open_line(client.authorize_url, egress_policy(integration.organisation_id))
    authorization = begin_authorization(client, redirect_uri=callback_address())
    verifier = authorization.verifier
    pending = PendingConnection(
        organisation_id=integration.organisation_id,
        integration_id=integration.id,
        version=integration.version,
        begun_at=time.time(),
        verifier=Sealer(member=member).seal(verifier) if verifier else "",
    )
    others = list(session.get(_SESSION_KEY, {}).items())[-MOST_WAITING + 1 :]
    session[_SESSION_KEY] = {**dict(others), authorization.state: asdict(pending)}
    return ConsentPage(url=authorization.url)


def _refuse_open_line(address: str, policy: EgressPolicy) -> None:
    """Refuse to send a member and secrets over http, unless the operator allows it."""
    url = parse_url(address)
    verdict = secret_may_travel(url, policy) if isinstance(url, Url) else url
    if not verdict.allowed:
        raise denied(verdict)


def take_pending(session: MutableMapping[str, Any], state: str) -> PendingConnection:
    """Remove and return the connection that waits for *state*; or raise AuthenticationFailed."""
    waiting = dict(session.get(_SESSION_KEY, {}))
    found = waiting.pop(state, None)
    if found is None:
        raise AuthenticationFailed(_NOT_PENDING, connect_again=True)
    session[_SESSION_KEY] = waiting
    taken = PendingConnection(**found)
    if taken.is_over:
        message = "You took more than ten minutes to come back. Start again."
        raise AuthenticationFailed(message, connect_again=True)
    return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeExchange:
    """A connection whose code has arrived, ready to be exchanged for tokens."""

    member: Member
    integration: Integration
    live: LiveIntegration
    client: OAuthClient
    verifier: Secret | None
    query: str
    state: str

    async def run(self) -> None:
        """Exchange the code and save the tokens; raise BillhookError if that fails."""
        wiring = self.live.wiring
        if wiring.token_store is None:
            raise AuthenticationFailed(_NOT_PENDING)
        try:
            async with get_store().one_off_source(wiring) as source:
                await finish_authorization(
                    self.client,
                    query=self.query,
                    state=self.state,
                    verifier=self.verifier,
                    redirect_uri=callback_address(),
                    token_store=wiring.token_store,
                    transport=source.line_out,
                    trace=Trace(),
                    deadline=asyncio.get_running_loop().time() + _PATIENCE,
                )
        except BillhookError as error:
            log.warning("not-connected", integration=self.integration.id, error=error.code)
            raise
        await asyncio.to_thread(self._mark)
        log.info("connected", integration=self.integration.id, member=self.member.id)

    def _mark(self) -> None:
        uses = uses_of_authentication(self.live.wiring.integration)
        try:
            mark_connected(integration=self.integration, user=self.member.user, uses=uses)
        finally:
            connections.close_all()


def finish_connection(
    *, member: Member, integration: Integration, pending: PendingConnection, query: str, state: str
) -> CodeExchange:
    """Prepare the exchange of the code in *query*; nothing is sent yet.

    Raises:
        BillhookError: if the integration has changed, or another member began the connection.
    """
    verifier = Sealer(member=member).open(pending.verifier) if pending.verifier else None
    if pending.verifier and verifier is None:
        raise AuthenticationFailed(_NOT_PENDING, connect_again=True)
    if pending.version != integration.version:
        message = "The integration was changed in the meantime. Start again."
        raise AuthenticationFailed(message, connect_again=True)
    live, client = _load(integration)
    return CodeExchange(
        member=member,
        integration=integration,
        live=live,
        client=client,
        verifier=verifier,
        query=query,
        state=state,
    )


def _load(integration: Integration) -> tuple[LiveIntegration, OAuthClient]:
    live = load_one(integration)
    authentication = live.wiring.integration.authentication
    if not live.commands or authentication is None or authentication.scheme.name != _BY_CODE:
        message = "This integration can't be connected yet. Correct its authentication and save it."
        problem = Problem(code="not-connectable", where="authentication", message=message)
        raise ConfigurationError((problem,))
    return live, make_client(authentication, live.wiring.secrets)
