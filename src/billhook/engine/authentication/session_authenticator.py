"""Authenticates with a session: requests open it, and all others carry what they give."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from billhook.engine.answer.conditions import any_holds
from billhook.engine.answer.content import Content
from billhook.engine.answer.effort import AS_TEXT, Weighed, joined
from billhook.engine.answer.reading import Reading, session_reason, take_session
from billhook.engine.authentication.authenticator import STEP, Channel, SignedRequest
from billhook.engine.authentication.session_plan import SessionPlan
from billhook.engine.authentication.shared_credential import SharedCredential
from billhook.engine.authentication.signed_request import with_header
from billhook.engine.body import MEMORY_LIMIT
from billhook.engine.command.derive import with_derived
from billhook.engine.command.step import Step
from billhook.engine.egress.url import Origin
from billhook.engine.errors import (
    AuthenticationFailed,
    DocumentNotFound,
    MissingValue,
    SourceError,
    SourceSaidNo,
    TokenError,
    WebPageInstead,
)
from billhook.engine.http.cookies import CookieJar, with_cookies
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http_status import REFUSED
from billhook.engine.reader.pool import Inspection, readers
from billhook.engine.secret import Secret
from billhook.engine.tokens.values import Given, UnfitValue, Values

if TYPE_CHECKING:
    from billhook.engine.http.transport import Response, Transport

_Result = TypeVar("_Result")
TIMEOUT: Final = 30.0
"""Seconds for all requests that open a session."""
MAX_BYTES: Final = 1_000_000
_SUCCESS: Final = range(200, 400)
"""A login form often responds with a redirect: unless it is followed, it holds the values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """An open session: values by token name, cookies, and the time when it was opened (monotonic).

    ``addresses`` are origin and path of the requests that opened it.
    """

    given: Mapping[str, Given]
    cookies: CookieJar
    addresses: frozenset[tuple[Origin, str]]
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
        if cookies := session.cookies.of(request.origin):
            request = replace(with_cookies(request, cookies), carries_secret=True)
        try:
            for name, template in self._plan.headers:
                request = with_header(request, name, template.fill(values))
        except UnfitValue as unfit:
            raise AuthenticationFailed(
                f"A value of the session is not allowed in a header: it {unfit.reason}"
            ) from None
        return request

    async def is_refusal(self, response: Response, channel: Channel) -> bool:
        """Return whether the session has ended, as when a redirect leads back to the login page.

        If it goes on, the cookies that *response* sets belong to it. A response too large for
        memory is a document.
        """
        if response.status in REFUSED or self._leads_back(response):
            return True
        if await self._has_ended(response, channel):
            return True
        self._keep_cookies(response)
        return False

    async def _has_ended(self, response: Response, channel: Channel) -> bool:
        """Return whether a condition for the end of a session holds."""
        if not self._plan.refused or response.body.size > MEMORY_LIMIT:
            return False
        inspection = Inspection(
            work=partial(any_holds, self._plan.refused),
            content=_content_of(response),
            values=self._no_values,
            plan=joined(*self._plan.refused),
        )
        return await readers.read(inspection, deadline=channel.deadline, share=channel.share)

    def _keep_cookies(self, response: Response) -> None:
        """Keep the cookies that the origin of a session in cookies sets later, as browsers do."""
        session = self._shared.current
        if session is not None and session.cookies.of(response.origin):
            session.cookies.take(response.origin, response.headers)

    def _leads_back(self, response: Response) -> bool:
        """Return whether redirects led to the address of a request that opens the session."""
        session = self._shared.current
        if not response.redirected_to or session is None:
            return False
        return (response.origin, _path(response.redirected_to)) in session.addresses

    def _is_usable(self, session: OpenSession) -> bool:
        return self._kept is None or time.monotonic() - session.opened < self._kept

    async def _open(self, channel: Channel, old: OpenSession | None) -> OpenSession:  # noqa: ARG002 - as every renewal
        """Send the requests that open a session; their responses give its values and cookies."""
        command = self._plan.command
        terms = RunTerms(
            limits=replace(command.limits, timeout=TIMEOUT, max_bytes=MAX_BYTES),
            redirects=command.redirects,
            deadline=asyncio.get_running_loop().time() + TIMEOUT,
            trace=channel.trace,
            share=channel.share,
        )
        opening = _Opening(self._plan, command.values({}, secrets=self._secrets), terms)
        for number in range(len(command.steps)):
            await opening.send(number, channel.transport)
        return opening.session(self._given)

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """The values of the last session."""
        session = self._shared.current
        if session is None:
            return ()
        texts = [*(given.text for given in session.given.values()), *session.cookies.values]
        return tuple(Secret(text) for text in texts if text)

    async def close(self) -> None:
        """Wait for a session that is being opened."""
        await self._shared.close()


class _Opening:
    """A session that is being opened: its requests one by one, and what their responses give."""

    def __init__(self, plan: SessionPlan, values: Values, terms: RunTerms) -> None:
        self._plan = plan
        self._values = values
        self._terms = terms
        self._taken: dict[str, Given] = {}
        self._addresses: set[tuple[Origin, str]] = set()
        self._request = "The request that opens the session"

    async def send(self, number: int, transport: Transport) -> None:
        """Send the request with *number*, judge its response, and take its values and cookies."""
        steps = self._plan.command.steps
        if len(steps) > 1:
            self._request = f"Request {number + 1} of those that open the session"
        request = self._fill(steps[number])
        self._addresses.add((request.origin, _path(request.target)))
        try:
            response = await transport.exchange(request, self._terms)
        except SourceError as error:
            raise AuthenticationFailed(f"{self._request} failed. {error}") from None
        with response.body:
            self._terms.cookies.take(response.origin, response.headers)
            content = _content_of(response)
            await self._judge_status(content, steps[number])
            given = await self._take(content, steps[number])
        self._taken |= given
        self._values = self._values.with_more({**self._values.given, **given})

    def _fill(self, step: Step) -> WebRequest:
        try:
            self._values = step.derived(self._values)
            filled = step.fill(self._values)
        except (TokenError, MissingValue) as error:
            raise AuthenticationFailed(f"{self._request} can't be filled. {error}") from None
        return replace(filled, step=STEP, authenticate=False, carries_secret=True)

    async def _judge_status(self, content: Content, step: Step) -> None:
        if content.status in _SUCCESS:
            return
        if content.status in REFUSED:
            message = (
                "The source did not accept the credentials. Type them again. "
                f"({self._request} got status {content.status}.)"
            )
        else:
            message = (
                f"{self._request} got status {content.status}. Compare it with the source's "
                "documentation."
            )
        reading = step.reading or Reading()
        reason = await self._inspect(partial(session_reason, reading), content, reading)
        raise self._failed(message, reason)

    async def _take(self, content: Content, step: Step) -> Mapping[str, Given]:
        """Judge the response, and take the values out of it."""
        reading = step.reading or Reading()
        is_last = step is self._plan.command.steps[-1]
        refuses_form = is_last and self._plan.cookies and not reading.success_when
        try:
            return await self._inspect(
                partial(take_session, reading, refuses_form=refuses_form), content, reading
            )
        except SourceSaidNo as error:
            message = (
                f"{self._request} got a response that says that it failed. Type the credentials "
                "again, or compare its conditions for success with the response."
            )
            raise self._failed(message, error.source_reason) from None
        except WebPageInstead as error:
            message = (
                f"{self._request} got a page with a login form again, so the source probably did "
                "not accept the credentials. Type them again. If it did, add a condition for "
                "success, such as a cookie that exists."
            )
            raise self._failed(message, error.source_reason) from None
        except DocumentNotFound as error:
            message = (
                f"{self._request} got a response that holds no session. Type the credentials "
                "again, or compare the paths of the values with the response."
            )
            raise self._failed(message, error.source_reason) from None
        except SourceError as error:
            raise self._failed(
                f"{self._request} gave no session. {error}", error.source_reason
            ) from None

    async def _inspect(
        self, work: Callable[[Content, Values], _Result], content: Content, reading: Reading
    ) -> _Result:
        parts: list[Weighed] = [*reading.success_when, *reading.extracts, AS_TEXT]
        if reading.reason is not None:
            parts.append(reading.reason)
        inspection = Inspection(
            work=work, content=content, values=self._values, plan=joined(*parts)
        )
        terms = self._terms
        return await readers.read(inspection, deadline=terms.deadline, share=terms.share)

    def _failed(self, message: str, source_reason: str) -> AuthenticationFailed:
        """Return the error, with the source's own reason until it has given part of a session."""
        error = AuthenticationFailed(message)
        error.source_reason = "" if self._taken else source_reason
        return error

    def session(self, given: Mapping[str, Given]) -> OpenSession:
        """Return the session, now that all responses are there; *given* are stored secrets."""
        if self._plan.cookies and not self._terms.cookies.values:
            raise AuthenticationFailed(
                "The source set no cookie when the session was opened. Type the credentials "
                "again, or compare the requests with the source's documentation."
            )
        try:
            values = with_derived(Values({**given, **self._taken}), self._plan.derives)
        except TokenError as error:
            raise AuthenticationFailed(
                f"A value of the session can't be derived. {error}"
            ) from None
        names = self._taken.keys() | {derive.token for derive in self._plan.derives}
        return OpenSession(
            given={name: values.given[name] for name in names},
            cookies=self._terms.cookies if self._plan.cookies else CookieJar(),
            addresses=frozenset(self._addresses),
            opened=time.monotonic(),
        )


def _content_of(response: Response) -> Content:
    return Content(response.status, response.all_headers, response.body)


def _path(target: str) -> str:
    return target.partition("?")[0]
