"""A session: a sign-in request whose answer gives values that later requests carry."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from billhook.engine.answer.content import Content
from billhook.engine.authentication.scheme import Line, Signed
from billhook.engine.authentication.session_plan import SessionPlan
from billhook.engine.authentication.shared import Shared
from billhook.engine.authentication.signing import with_header
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
from billhook.engine.secret import Secret
from billhook.engine.tokens.values import Given, UnfitValue, Values

if TYPE_CHECKING:
    from billhook.engine.http.transport import Response

STEP: Final = "sign-in"
TIMEOUT: Final = 30.0
MAX_BYTES: Final = 1_000_000
_REFUSED: Final = frozenset({401, 403})
_SUCCESS: Final = range(200, 400)
"""A form that signs in often answers with a redirect, which isn't followed: its values are here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a session gave: values by token name, and when it was opened (monotonic)."""

    given: Mapping[str, Given]
    opened: float


class SessionScheme:
    """Opens a session when it is needed, and another one when it is refused or *kept* too long."""

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
        self._shared = Shared(renew=self._open, is_usable=self._is_usable)

    async def sign(
        self, request: WebRequest, line: Line, *, refused: object | None = None
    ) -> Signed:
        """Return *request* with the values of a session that isn't *refused*."""
        session = await self._shared.get(line, refused=refused)
        completed = request
        if request.complete is not None:
            completed = replace(request.complete(session.given), carries_secret=True)
        if request.authenticate:
            completed = self._with_headers(completed, session)
        return Signed(completed, session)

    def _with_headers(self, request: WebRequest, session: Session) -> WebRequest:
        values = Values({**self._given, **session.given})
        try:
            for name, template in self._plan.headers:
                request = with_header(request, name, template.fill(values))
        except UnfitValue as unfit:
            raise AuthenticationFailed(
                f"The session gave a value that can't stand in a header: it {unfit.reason}"
            ) from None
        return request

    def is_refusal(self, response: Response) -> bool:
        """Say whether the session has ended. An answer too large for memory is a document."""
        if response.status in _REFUSED:
            return True
        if not self._plan.refused or response.body.size > MEMORY_LIMIT:
            return False
        content = Content(response.status, response.headers, response.body)
        return any(condition.holds(content, self._no_values) for condition in self._plan.refused)

    def _is_usable(self, session: Session) -> bool:
        return self._kept is None or time.monotonic() - session.opened < self._kept

    async def _open(self, line: Line, old: Session | None) -> Session:  # noqa: ARG002 - as every renewal
        """Send the sign-in request and take the session out of its answer."""
        command = self._plan.command
        values = command.values({}, secrets=self._secrets)
        try:
            response = await line.transport.exchange(
                _fill(command, values),
                limits=replace(command.limits, timeout=TIMEOUT, max_bytes=MAX_BYTES),
                redirects="deny",
                deadline=asyncio.get_running_loop().time() + TIMEOUT,
                trace=line.trace,
            )
        except SourceError as error:
            raise AuthenticationFailed(f"The sign-in request failed. {error}") from None
        with response.body:
            content = Content(response.status, response.headers, response.body)
            self._judge(content, values)
            return Session(given=self._take(content, values), opened=time.monotonic())

    def _judge(self, content: Content, values: Values) -> None:
        if content.status in _REFUSED:
            raise AuthenticationFailed(
                f"The source did not accept the credentials (answer {content.status} to the "
                "sign-in request). Type them again."
            )
        if content.status not in _SUCCESS:
            raise AuthenticationFailed(
                f"The source answered {content.status} to the sign-in request. "
                "Compare it with the source's documentation."
            )
        if not all(condition.holds(content, values) for condition in self._plan.success):
            raise AuthenticationFailed(
                "The source answered the sign-in request, but the answer itself says that it "
                "failed. Type the credentials again, or compare success_when with the answer."
            )

    def _take(self, content: Content, values: Values) -> dict[str, Given]:
        try:
            return {extract.token: extract.take(content, values) for extract in self._plan.extracts}
        except DocumentNotFound:
            raise AuthenticationFailed(
                "The answer to the sign-in request holds no session. Type the credentials again, "
                "or compare the paths of its values with the answer."
            ) from None
        except (MissingValue, AmbiguousAnswer) as error:
            raise AuthenticationFailed(f"The sign-in request gave no session. {error}") from None

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """What the last session gave."""
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
        raise AuthenticationFailed(f"The sign-in request can't be filled. {error}") from None
    return replace(filled, step=STEP, authenticate=False, carries_secret=True)
