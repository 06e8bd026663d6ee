"""Repeatable requests are retried after a temporary failure, within the deadline; no others are."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from billhook.engine.egress.url import Origin
from billhook.engine.errors import (
    BillhookError,
    NotADocument,
    SourceBroken,
    SourceCutShort,
    SourceTimeout,
    SourceTlsFailed,
    SourceTooLarge,
    SourceUnreachable,
)
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.retries import FIRST_PAUSE, LONGEST_ASKED, RetryingTransport, asked_pause
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport, Response
from billhook.engine.testing import FakeTransport, make_response
from engine.origins import answer, serving

SOURCE = Origin(scheme="https", host="billing.example", port=443)


def request(*, repeatable: bool = True, method: str = "GET", origin: Origin = SOURCE) -> WebRequest:
    return WebRequest(
        step="Get",
        method=method,
        url=f"{origin}/1",
        origin=origin,
        target="/1",
        headers=(),
        body=None,
        carries_secret=False,
        repeatable=repeatable,
    )


class Client:
    """A transport that repeats, with a clock that doesn't wait and chances that are known."""

    def __init__(self, *answers: object, chance: float = 1.0) -> None:
        self.network = FakeTransport(*answers)  # type: ignore[arg-type]
        self.pauses: list[float] = []
        self.trace = Trace()
        self.transport = RetryingTransport(self.network, sleep=self.sleep, chance=lambda: chance)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def get(
        self,
        *,
        retries: int = 2,
        within: float = 60.0,
        repeatable: bool = True,
        method: str = "GET",
    ) -> Response:
        return await self.transport.exchange(
            request(repeatable=repeatable, method=method),
            RunTerms(
                limits=Limits(timeout=30.0, max_bytes=1000, retries=retries),
                redirects="deny",
                deadline=asyncio.get_running_loop().time() + within,
                trace=self.trace,
            ),
        )

    @property
    def attempts(self) -> list[tuple[int | None, str]]:
        return [(attempt.status, attempt.outcome) for attempt in self.trace.attempts]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_temporary_failure_is_retried(status):
    stumble = make_response(b"busy", status=status)
    client = Client(stumble, make_response(b"1"))
    response = await client.get()
    assert (response.status, response.body.read()) == (200, b"1")
    assert client.attempts == [(status, "source-status"), (200, "ok")]
    with pytest.raises(ValueError, match="closed"):
        stumble.body.read()


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(SourceUnreachable(), id="unreachable"),
        pytest.param(SourceCutShort(), id="cut short"),
        pytest.param(SourceTimeout("connect"), id="connecting took too long"),
        pytest.param(SourceTimeout("lookup"), id="the lookup took too long"),
    ],
)
async def test_a_connection_failure_is_retried(error):
    client = Client(error, make_response(b"1"))
    assert (await client.get()).status == 200
    assert client.attempts == [(None, error.code), (200, "ok")]


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 408, 409, 500, 501])
async def test_another_response_is_final(status):
    client = Client(make_response(status=status))
    assert (await client.get()).status == status
    assert client.pauses == []


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(SourceTimeout("headers"), id="it thinks too long"),
        pytest.param(SourceTimeout("whole"), id="the deadline"),
        pytest.param(SourceTlsFailed(), id="TLS"),
        pytest.param(SourceBroken(), id="no HTTP"),
        pytest.param(SourceTooLarge(1), id="too large"),
        pytest.param(NotADocument(), id="no document"),
    ],
)
async def test_another_error_is_final(error):
    client = Client(error)
    with pytest.raises(BillhookError) as caught:
        await client.get()
    assert caught.value is error
    assert client.pauses == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "stumble", [make_response(status=503), make_response(status=429)], ids=["503", "429"]
)
async def test_a_request_that_is_not_repeatable_is_sent_once(method, stumble):
    client = Client(stumble)
    assert (await client.get(repeatable=False, method=method)).status in {503, 429}
    assert client.pauses == []


async def test_a_request_that_is_not_repeatable_is_sent_once_even_if_the_connection_breaks():
    client = Client(SourceCutShort())
    with pytest.raises(SourceCutShort):
        await client.get(repeatable=False)
    assert len(client.network.requests) == 1


async def test_a_post_that_only_reads_is_sent_again():
    client = Client(SourceUnreachable(), make_response(b"1"))
    assert (await client.get(method="POST")).status == 200


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_there_are_as_many_attempts_as_configured_and_the_last_response_counts(retries):
    client = Client(*(make_response(b"%d" % n, status=503) for n in range(retries + 1)))
    response = await client.get(retries=retries)
    assert (response.status, response.body.read()) == (503, b"%d" % retries)
    assert len(client.attempts) == retries + 1


async def test_the_last_error_counts():
    client = Client(make_response(status=503), SourceCutShort(), SourceUnreachable())
    with pytest.raises(SourceUnreachable):
        await client.get()


# Pauses


async def test_the_pause_grows_and_is_shortened_randomly():
    client = Client(*(make_response(status=503) for _ in range(5)), chance=1.0)
    await client.get(retries=4)
    assert client.pauses == [FIRST_PAUSE * factor for factor in (1, 2, 4, 8)]
    client = Client(*(make_response(status=503) for _ in range(3)), chance=0.25)
    await client.get()
    assert client.pauses == [FIRST_PAUSE / 4, FIRST_PAUSE / 2]


async def test_the_pause_is_the_one_that_the_source_asks_for():
    client = Client(
        make_response(status=429, headers=[("retry-after", "7")]), make_response(b"1"), chance=0.5
    )
    await client.get()
    assert client.pauses == [7 + FIRST_PAUSE / 2]


@pytest.mark.parametrize(
    ("headers", "within"),
    [
        pytest.param([("Retry-After", f"{LONGEST_ASKED + 1:.0f}")], 600.0, id="longer than ours"),
        pytest.param([("Retry-After", "7")], 6.0, id="beyond the deadline"),
        pytest.param([("Retry-After", "9" * 9)], 600.0, id="for years"),
    ],
)
async def test_a_wait_that_is_too_long_ends_the_attempts(headers, within):
    client = Client(make_response(b"busy", status=503, headers=headers))
    response = await client.get(within=within)
    assert (response.status, response.body.read()) == (503, b"busy")
    assert client.pauses == []


async def test_there_is_no_further_attempt_after_the_deadline():
    client = Client(SourceUnreachable())
    with pytest.raises(SourceUnreachable):
        await client.get(within=FIRST_PAUSE / 2)
    assert client.pauses == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("0", 0.0, id="at once"),
        pytest.param(" 12 ", 12.0, id="spaces"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", 0.0, id="a date gone by"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 -0000", 0.0, id="a date without a zone"),
        pytest.param("soon", None, id="a word"),
        pytest.param("-5", None, id="below nothing"),
        pytest.param("1.5", None, id="a fraction"),
        pytest.param("٧", None, id="another script's digit"),
        pytest.param("9" * 30, None, id="too many digits"),
        pytest.param("", None, id="nothing"),
        pytest.param(f"Wed, 21 Oct {'9' * 20} 07:28:00 GMT", None, id="a year of twenty digits"),
        pytest.param(f"Wed, 21 Oct 2015 07:28:00 +{'9' * 20}", None, id="a zone of twenty digits"),
    ],
)
def test_a_wait_is_parsed_as_its_rfc_says(value, expected):
    assert asked_pause((("Retry-After", value),)) == expected


def test_a_date_is_a_wait_until_then():
    moment = datetime.now(UTC) + timedelta(seconds=100)
    asked = asked_pause((("Retry-After", format_datetime(moment, usegmt=True)),))
    assert asked is not None
    assert 90 < asked <= 100


async def test_requests_are_really_repeated_on_the_wire():
    answers = iter([answer(b"busy", "Retry-After: 0", status="503 Busy"), answer(b"1")])

    async def script(peer):
        while True:
            await peer.request()
            await peer.send(next(answers))

    async with serving(script) as source, HttpTransport(source.policy()) as http:
        trace = Trace()
        origin = Origin(scheme="http", host="127.0.0.1", port=source.port)
        response = await RetryingTransport(http, chance=lambda: 0.0).exchange(
            request(origin=origin),
            RunTerms(
                limits=Limits(timeout=30.0, max_bytes=1000, retries=1),
                redirects="deny",
                deadline=asyncio.get_running_loop().time() + 30,
                trace=trace,
            ),
        )
        assert response.body.read() == b"1"
    assert [attempt.status for attempt in trace.attempts] == [503, 200]
