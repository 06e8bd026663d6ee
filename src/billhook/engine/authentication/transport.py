"""A transport that signs what it carries, and signs in again when a credential is refused."""

from __future__ import annotations

from dataclasses import replace

from billhook.engine.authentication.scheme import Line, Scheme
from billhook.engine.errors import SourceRefused
from billhook.engine.http.request import Limits, Origin, WebRequest
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import Response, Transport


class SignedTransport:
    """Passes requests on to *inner* with the sign-in added, to *origins* alone.

    The origins are those that the commands' own URLs name: an address that came out of an answer
    gets no credential, unless it is one of them. When the source refuses a credential that can be
    had anew (an access token, a session), it is had anew once and the request is sent once more:
    what was refused was not done, so a POST is no exception. Requests that sign in go through
    *line_out*.
    """

    def __init__(
        self,
        inner: Transport,
        *,
        scheme: Scheme,
        origins: frozenset[Origin],
        line_out: Transport | None = None,
    ) -> None:
        self._inner = inner
        self._scheme = scheme
        self._origins = origins
        self._line_out = line_out or inner

    async def exchange(
        self,
        request: WebRequest,
        *,
        limits: Limits,
        redirects: str,
        deadline: float,
        trace: Trace,
    ) -> Response:
        """Send *request* signed; see :class:`billhook.engine.http.transport.Transport`."""
        may_sign = request.authenticate and request.origin in self._origins
        if not may_sign and request.complete is None:
            return await self._inner.exchange(
                request, limits=limits, redirects=redirects, deadline=deadline, trace=trace
            )
        if not may_sign:
            request = replace(request, authenticate=False)
        line = Line(transport=self._line_out, deadline=deadline, trace=trace)
        signed = await self._scheme.sign(request, line)
        response = await self._inner.exchange(
            signed.request, limits=limits, redirects=redirects, deadline=deadline, trace=trace
        )
        if signed.credential is None or not self._scheme.is_refusal(response):
            return response
        response.body.close()
        trace.conclude(SourceRefused.code)
        again = await self._scheme.sign(request, line, refused=signed.credential)
        return await self._inner.exchange(
            again.request, limits=limits, redirects=redirects, deadline=deadline, trace=trace
        )
