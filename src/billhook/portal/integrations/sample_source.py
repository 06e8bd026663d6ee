"""The built-in sample billing system: its documents are drawn in this process, and nothing is sent.

It has three invoices: one whose document comes at once, one that takes a few seconds, and one that
fails. So a new installation shows a VIEW, and what contacts see of a failure, before any other
system is connected.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from billhook.engine.body import Body
from billhook.engine.egress.url import Origin
from billhook.engine.http.breaker import BreakerState, State
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response
from billhook.engine.integration import CompiledIntegration
from billhook.engine.secret import Secret
from billhook.sample.ledger import make_ledger
from billhook.sample.pdf import draw_invoice

SAMPLE_ADDRESS: Final = "https://sample.billhook.invalid"
"""The address of the sample: a name that no lookup can find (RFC 6761)."""
AT_ONCE, SLOW, FAILING = "SAMPLE-1", "SAMPLE-2", "SAMPLE-3"
SLOW_SECONDS: Final = 4.0
_HOST: Final = SAMPLE_ADDRESS.removeprefix("https://")


def is_sample(integration: CompiledIntegration) -> bool:
    """Return whether *integration* asks nothing but the built-in sample."""
    origins = integration.origins
    return bool(origins) and all(is_sample_origin(origin) for origin in origins)


def is_sample_origin(origin: Origin) -> bool:
    """Return whether *origin* is the built-in sample's."""
    return str(origin).removeprefix("https://").partition(":")[0] == _HOST


class SampleSource:
    """The sample as a source: a transport that answers from this process."""

    state: Final = BreakerState(state=State.CLOSED, since=None, next_try=None, failures=0)
    credentials: tuple[Secret, ...] = ()

    @property
    def line_out(self) -> SampleSource:
        """The source itself: it needs no authentication."""
        return self

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Return the response to *request*, as any transport does."""
        progress = terms.trace.begin(request.step, request.method)
        number = next((each for each in (AT_ONCE, SLOW, FAILING) if each in request.url), "")
        if number == SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        status, kind, body = await asyncio.to_thread(_answer, number)
        progress.status, progress.received = status, len(body)
        progress.end("ok")
        headers = (("Content-Type", kind),)
        return Response(status=status, headers=headers, body=Body(body), origin=request.origin)

    async def close(self) -> None:
        """Do nothing: there are no connections."""


def _answer(number: str) -> tuple[int, str, bytes]:
    if number in {AT_ONCE, SLOW}:
        return 200, "application/pdf", _draw(number)
    if number == FAILING:
        return 500, "text/plain", b"This sample invoice always fails, to show what contacts see."
    return 404, "text/plain", b"The sample has no such invoice."


def _draw(number: str) -> bytes:
    invoice = make_ledger(datetime.now(UTC).date())[0 if number == AT_ONCE else 1]
    return draw_invoice(replace(invoice, number=number))
