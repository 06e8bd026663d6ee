"""A transport that signs requests, and renews a credential that is refused."""

from __future__ import annotations

from dataclasses import replace

from billhook.engine.authentication.authenticator import Authenticator, Channel
from billhook.engine.egress.url import Origin
from billhook.engine.errors import SourceRefused
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response, Transport


class SignedTransport:
    """Passes requests on to *inner*, authenticated if they go to *origins*.

    The origins are those of the commands' own URLs: an address from a response gets no credential,
    unless it is one of them. When the source refuses a renewable credential (an access token, a
    session), the credential is renewed once and the request is sent once more, even a POST: a
    refused request has had no effect. The authentication's own requests go through *line_out*.
    """

    def __init__(
        self,
        inner: Transport,
        *,
        authenticator: Authenticator,
        origins: frozenset[Origin],
        line_out: Transport | None = None,
    ) -> None:
        self._inner = inner
        self._authenticator = authenticator
        self._origins = origins
        self._line_out = line_out or inner

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request* signed; see :class:`billhook.engine.http.transport.Transport`."""
        may_sign = request.authenticate and request.origin in self._origins
        if not may_sign and request.complete is None:
            return await self._inner.exchange(request, terms)
        if not may_sign:
            request = replace(request, authenticate=False)
        channel = Channel(
            transport=self._line_out,
            deadline=terms.deadline,
            trace=terms.trace,
            share=terms.share,
        )
        signed = await self._authenticator.sign(request, channel)
        response = await self._inner.exchange(signed.request, terms)
        if signed.credential is None or not await self._is_refusal(response, channel):
            return response
        response.body.close()
        terms.trace.conclude(SourceRefused.code)
        terms.cookies.forget(request.origin)  # they belong to the credential that was refused
        again = await self._authenticator.sign(request, channel, refused=signed.credential)
        return await self._inner.exchange(again.request, terms)

    async def _is_refusal(self, response: Response, channel: Channel) -> bool:
        try:
            return await self._authenticator.is_refusal(response, channel)
        except BaseException:
            response.body.close()
            raise
