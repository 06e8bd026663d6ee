"""For tests of programs that use the engine: a transport without a network, and its responses.

transport = FakeTransport(make_response(make_pdf()))
document = await run_command(command, values, transport=transport)
assert transport.requests[0].target == "/items/INV0000001"
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from billhook.engine.body import Body
from billhook.engine.command.command import Command
from billhook.engine.command.compile import compile_command
from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import BillhookError, SourceTimeout
from billhook.engine.http.cookies import with_cookies
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import OK
from billhook.engine.http.transport import Response

Scripted = Response | BillhookError | Callable[[WebRequest], Response]
"""One response: a response, an error to raise, or a function that makes a response."""

_ORIGIN: Final = Origin(scheme="https", host="billing.example", port=443)
_SMALLEST_PDF: Final = 500


class FakeTransport:
    """Gives responses from a script instead of the network, and keeps the requests.

    Each response is used once, in order; when none is left, a request raises LookupError. Like the
    real transport it notes an attempt for each request and adds the cookies of the run; unlike it,
    it follows no redirect and judges no address. *delay* is in seconds, for each response.
    """

    def __init__(self, *responses: Scripted, delay: float = 0.0) -> None:
        self._responses = list(responses)
        self._delay = delay
        self.requests: list[WebRequest] = []

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Return the next response, or raise it if it is an error."""
        request = with_cookies(request, terms.cookies.of(request.origin))
        self.requests.append(request)
        progress = terms.trace.begin(request.step, request.method)
        try:
            async with asyncio.timeout_at(terms.deadline):
                await asyncio.sleep(self._delay)
            response = self._next(request)
        except TimeoutError:
            progress.end(SourceTimeout.code)
            raise SourceTimeout("whole") from None
        except BillhookError as error:
            progress.end(error.code)
            raise
        progress.status, progress.received = response.status, response.body.size
        progress.end(OK)
        return response

    def _next(self, request: WebRequest) -> Response:
        if not self._responses:
            raise LookupError(f"no response is left for request {len(self.requests)}")
        response = self._responses.pop(0)
        if isinstance(response, BillhookError):
            raise response
        response = response if isinstance(response, Response) else response(request)
        return response if response.target else replace(response, target=request.target)


def make_response(
    body: bytes = b"",
    *,
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
    origin: Origin = _ORIGIN,
) -> Response:
    """Return a whole response with *body*."""
    return Response(status=status, headers=tuple(headers), body=Body(body), origin=origin)


def make_command(
    url: str = "https://billing.example/items/{{InvoiceNumber}}",
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    body: str = "",
    secrets: Iterable[str] = (),
    variables: Mapping[str, str] | None = None,
    accept: Iterable[str] = ("application/pdf",),
) -> Command:
    """Compile a ``GetInvoiceImage`` of one request."""
    step = StepConfig(method=method, url=url, headers=tuple(headers), body=body)
    config = CommandConfig(name="GetInvoiceImage", steps=(step,), accept=tuple(accept))
    return compile_command(config, variables=variables or {}, secrets=secrets)


def make_pdf(size: int = 1000) -> bytes:
    """Return a PDF of one empty page that readers open, of exactly *size* bytes (500 at least)."""
    if size < _SMALLEST_PDF:
        raise ValueError(f"a PDF needs {_SMALLEST_PDF} bytes at least")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    )
    text, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(text))
        text += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    comment = size - len(_finish(text, offsets))
    return _finish(text + b"%".ljust(comment - 1, b"0") + b"\n", offsets)


def _finish(text: bytes, offsets: list[int]) -> bytes:
    """Add the table of objects and the end (ISO 32000-1, 7.5.4 and 7.5.5)."""
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(offsets) + 1
    return (
        text
        + b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, entries)
        + b"trailer\n<< /Size %d /Root 1 0 R >>\n" % size
        + b"startxref\n%010d\n%%%%EOF\n" % len(text)
    )
