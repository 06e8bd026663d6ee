"""Authenticates with a session: the response to one request gives values for all others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from billhook.engine.answer.content import Content
from billhook.engine.authentication.authenticator import STEP, Channel, SignedRequest
from billhook.engine.authentication.session_plan import SessionPlan
from billhook.engine.authentication.shared_credential import SharedCredential
from billhook.engine.authentication.signed_request import with_header
from billhook.engine.body import MEMORY_LIMIT
from billhook.engine.command.command import Command
from billhook.engine.errors import (
    AmbiguousAnswer,
    AuthenticationFailed,
    DocumentNotFound,
    MissingValue,
    SourceError,
    TokenError,
)
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http_status import REFUSED
from billhook.engine.secret import Secret
from billhook.engine.tokens.values import Given, UnfitValue, Values

if TYPE_CHECKING:
    from billhook.engine.http.transport import Response

TIMEOUT: Final = 30.0
MAX_BYTES: Final = 1_000_000
_SUCCESS: Final = range(200, 400)
"""A login form often responds with a redirect, which isn't followed: it holds the values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """An open session: values by token name, and the time when it was opened (monotonic)."""

    given: Mapping[str, Given]
    opened: float


class SessionAuthenticator:
    """Opens a session when it is needed, and a new one when it is refused or older than *kept*."""

    def __init__(
        self,
        plan: SessionPlan,
        *,
        secrets: Mapping[str, Secret],
        given: Mapping[str, Given],
        kept: float | None = None,
    ) -> None:
        self._plan = plan
        self._secrets = {name: secrets[name] for name in plan.secrets}
        self._given = given
        self._kept = kept
        self._no_values = Values({})
        self._shared = SharedCredential(renew=self._open, is_usable=self._is_usable)

    async def sign(
        self, request: WebRequest, channel: Channel, *, refused: object | None = None
    ) -> SignedRequest:
        """Return *request* with the values of a session that isn't *refused*."""
        session = await self._shared.get(channel, refused=refused)
        completed = request
        if request.complete is not None:
            completed = replace(request.complete(session.given), carries_secret=True)
        if request.authenticate:
            completed = self._with_headers(completed, session)
        return SignedRequest(completed, session)

    def _with_headers(self, request: WebRequest, session: OpenSession) -> WebRequest:
        values = Values({**self._given, **session.given})
        try:
            for name, template in self._plan.headers:
                request = with_header(request, name, template.fill(values))
        except UnfitValue as unfit:
            raise AuthenticationFailed(
                f"A value of the session is not allowed in a header: it {unfit.reason}"
            ) from None
        return request

    def is_refusal(self, response: Response) -> bool:
        """Return whether the session has ended. A response too large for memory is a document."""
        if response.status in REFUSED:
            return True
        if not self._plan.refused or response.body.size > MEMORY_LIMIT:
            return False
        content = Content(response.status, response.headers, response.body)
        return any(condition.holds(content, self._no_values) for condition in self._plan.refused)

    def _is_usable(self, session: OpenSession) -> bool:
        return self._kept is None or time.monotonic() - session.opened < self._kept

    async def _open(self, channel: Channel, old: OpenSession | None) -> OpenSession:  # noqa: ARG002 - as every renewal
        """Send the request that opens a session, and extract the session from its response."""
        command = self._plan.command
        values = command.values({}, secrets=self._secrets)
        try:
            response = await channel.transport.exchange(
                _fill(command, values),
                RunTerms(
                    limits=replace(command.limits, timeout=TIMEOUT, max_bytes=MAX_BYTES),
                    redirects="deny",
                    deadline=asyncio.get_running_loop().time() + TIMEOUT,
                    trace=channel.trace,
                ),
            )
        except SourceError as error:
            raise AuthenticationFailed(
                f"The request that opens the session failed. {error}"
            ) from None
        with response.body:
            content = Content(response.status, response.headers, response.body)
            self._judge(content, values)
            return OpenSession(given=self._take(content, values), opened=time.monotonic())

    def _judge(self, content: Content, values: Values) -> None:
        if content.status in REFUSED:
            raise AuthenticationFailed(
                f"The source did not accept the credentials (status {content.status} for the "
                "request that opens the session). Type them again."
            )
        if content.status not in _SUCCESS:
            raise AuthenticationFailed(
                f"The source responded with status {content.status} to the request that opens the "
                "session. Compare the request with the source's documentation."
            )
        if not all(condition.holds(content, values) for condition in self._plan.success):
            raise AuthenticationFailed(
                "The response to the request that opens the session says that it failed. Type the "
                "credentials again, or compare success_when with the response."
            )

    def _take(self, content: Content, values: Values) -> dict[str, Given]:
        try:
            return {extract.token: extract.take(content, values) for extract in self._plan.extracts}
        except DocumentNotFound:
            raise AuthenticationFailed(
                "The response to the request that opens the session holds no session. Type the "
                "credentials again, or compare the paths of the values with the response."
            ) from None
        except (MissingValue, AmbiguousAnswer) as error:
            raise AuthenticationFailed(f"The request gave no session. {error}") from None

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """The values of the last session."""
        session = self._shared.current
        texts = [given.text for given in session.given.values()] if session is not None else []
        return tuple(Secret(text) for text in texts if text)

    async def close(self) -> None:
        """Wait for a session that is being opened."""
        await self._shared.close()


def _fill(command: Command, values: Values) -> WebRequest:
    step = command.steps[0]
    try:
        filled = step.fill(step.derived(values))
    except TokenError as error:
        raise AuthenticationFailed(
            f"The request that opens the session can't be filled. {error}"
        ) from None
    return replace(filled, step=STEP, authenticate=False, carries_secret=True)
