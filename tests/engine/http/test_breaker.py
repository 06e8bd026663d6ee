"""A source that keeps failing is paused, and tried again automatically."""

from __future__ import annotations

import asyncio

import pytest

from billhook.engine.egress.url import Origin
from billhook.engine.errors import (
    AuthenticationFailed,
    BillhookError,
    SourceBroken,
    SourceCutShort,
    SourceEncoded,
    SourcePaused,
    SourceTimeout,
    SourceTlsFailed,
    SourceTooLarge,
    SourceTooSlow,
    SourceUnreachable,
    denied,
)
from billhook.engine.http.breaker import (
    FAILURES,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    BreakerTransport,
    State,
)
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.testing import FakeTransport, make_response
from billhook.engine.verdict import Verdict

SOURCE = Origin(scheme="https", host="billing.example", port=443)
LIMITS = Limits(timeout=30.0, max_bytes=1000)


class Client:
    """A breaker with a clock that a test sets."""

    def __init__(self) -> None:
        self.network = FakeTransport()
        self.now = 1000.0
        self.transport = BreakerTransport(self.network, clock=lambda: self.now)

    async def get(self, answer: object, step: str = "Get", command: str = "GetInvoiceImage") -> str:
        """Send a request that would get *answer*; return the status or the error's code."""
        self.network._responses = [answer]  # type: ignore[list-item]
        request = WebRequest(
            step=step,
            method="GET",
            url=f"{SOURCE}/1",
            origin=SOURCE,
            target="/1",
            headers=(),
            body=None,
            carries_secret=False,
        )
        try:
            response = await self.transport.exchange(
                request,
                RunTerms(
                    limits=LIMITS,
                    redirects="deny",
                    deadline=asyncio.get_running_loop().time() + 30,
                    trace=Trace(),
                    command=command,
                ),
            )
        except BillhookError as error:
            return error.code
        return str(response.status)

    async def fail(
        self, times: int = FAILURES, step: str = "Get", command: str = "GetInvoiceImage"
    ) -> None:
        for _ in range(times):
            assert await self.get(SourceUnreachable(), step, command) == "source-unreachable"

    @property
    def state(self) -> State:
        return self.transport.state.state


def ok() -> object:
    return make_response(b"1")


FAILING = [
    pytest.param(SourceUnreachable, id="unreachable"),
    pytest.param(SourceTlsFailed, id="TLS"),
    pytest.param(lambda: SourceTimeout("headers"), id="timeout"),
    pytest.param(lambda: SourceTooSlow("body"), id="too slow"),
    pytest.param(SourceBroken, id="no HTTP"),
    pytest.param(SourceCutShort, id="cut short"),
    pytest.param(AuthenticationFailed, id="no authentication"),
    pytest.param(lambda: make_response(status=500), id="500"),
    pytest.param(lambda: make_response(status=503), id="503"),
    pytest.param(lambda: make_response(status=429), id="429"),
]
HARMLESS = [
    pytest.param(lambda: make_response(b"1"), id="200"),
    pytest.param(lambda: make_response(status=404), id="not found"),
    pytest.param(lambda: make_response(status=400), id="400"),
    pytest.param(lambda: make_response(status=403), id="403"),
    pytest.param(lambda: SourceTooLarge(1), id="too large"),
    pytest.param(
        lambda: AuthenticationFailed(connect_again=True), id="somebody has to connect again"
    ),
    pytest.param(SourceEncoded, id="an encoding"),
    pytest.param(lambda: denied(Verdict.DENIED_LOOPBACK), id="the egress policy"),
]


@pytest.mark.parametrize("answer", FAILING)
async def test_failures_of_the_source_in_a_row_open_it(answer):
    client = Client()
    for _ in range(FAILURES):
        assert client.state is State.CLOSED
        await client.get(answer())
    assert client.state is State.OPEN
    assert await client.get(ok()) == "source-paused"
    assert len(client.network.requests) == FAILURES


@pytest.mark.parametrize("answer", HARMLESS)
async def test_failures_not_caused_by_the_source_never_open_it(answer):
    client = Client()
    for _ in range(3 * FAILURES):
        await client.get(answer())
    assert client.state is State.CLOSED


async def test_a_success_between_failures_keeps_it_closed():
    client = Client()
    for _ in range(3):
        await client.fail(FAILURES - 1)
        assert await client.get(make_response(status=404)) == "404"
    assert client.state is State.CLOSED


async def test_a_working_search_does_not_hide_a_failing_document_step():
    client = Client()
    for _ in range(FAILURES):
        await client.get(ok(), "Find")
        await client.fail(1, "Get")
    assert client.state is State.OPEN


async def test_a_command_that_keeps_failing_is_paused_alone():
    client = Client()
    for _ in range(FAILURES):
        await client.get(make_response(status=500), command="GetStatement")
    assert await client.get(ok(), command="GetStatement") == "source-paused"
    assert await client.get(ok()) == "200"
    state = client.transport.state
    assert (state.state, state.commands) == (State.OPEN, ("GetStatement",))


async def test_failures_of_several_commands_are_not_added_up_nor_cleared_by_each_other():
    client = Client()
    await client.fail(FAILURES - 1, command="GetStatement")
    await client.fail(FAILURES - 1)
    assert client.state is State.CLOSED
    assert await client.get(ok()) == "200"
    await client.fail(1, command="GetStatement")
    assert client.transport.state.commands == ("GetStatement",)


async def test_a_source_that_is_down_is_left_alone_by_every_command_in_use():
    client = Client()
    for command in ("GetPaymentLink", "GetInvoiceImage"):
        await client.fail(command=command)
        client.now += 1
    state = client.transport.state
    assert state.commands == ("GetInvoiceImage", "GetPaymentLink")
    assert state.next_try == client.now - 1 + FIRST_PAUSE  # the later one
    client.now += FIRST_PAUSE
    assert await client.get(ok()) == "200"
    assert client.transport.state.commands == ("GetPaymentLink",)


async def test_a_pause_that_another_process_found_is_of_its_command():
    client = Client()
    found = []
    client.transport.on_pause = lambda command, pause: found.append((command, pause))
    await client.fail(command="GetStatement")
    [(command, pause)] = found
    other = Client()
    other.transport.adopt(command, pause)
    assert await other.get(ok(), command="GetStatement") == "source-paused"
    assert await other.get(ok()) == "200"
    other.transport.adopt(command, None)
    assert await other.get(ok(), command="GetStatement") == "200"


async def test_after_the_pause_one_request_is_let_through_and_closes_it():
    client = Client()
    await client.fail()
    client.now += FIRST_PAUSE - 0.1
    assert await client.get(ok()) == "source-paused"
    client.now += 0.1
    assert client.state is State.HALF_OPEN
    assert await client.get(ok()) == "200"
    assert client.state is State.CLOSED
    await client.fail(FAILURES - 1)
    assert client.state is State.CLOSED


async def test_the_pause_doubles_up_to_a_limit_and_restarts_after_a_success():
    client = Client()
    await client.fail()
    pauses = []
    for _ in range(8):
        state = client.transport.state
        assert state.next_try is not None
        pauses.append(state.next_try - client.now)
        client.now = state.next_try
        await client.fail(1)
    assert pauses[:4] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    client.now += LONGEST_PAUSE
    assert await client.get(ok()) == "200"
    await client.fail()
    assert client.transport.state.next_try == client.now + FIRST_PAUSE


async def test_a_step_that_still_fails_opens_it_again_at_once_for_twice_as_long():
    client = Client()
    await client.fail()
    client.now += FIRST_PAUSE
    assert await client.get(ok(), "Find") == "200"
    assert client.state is State.CLOSED
    await client.fail(1)
    assert client.state is State.OPEN
    assert client.transport.state.next_try == client.now + 2 * FIRST_PAUSE


async def test_only_one_trial_request_is_sent_at_a_time():
    client = Client()
    await client.fail()
    client.now += FIRST_PAUSE
    client.network._delay = 0.05
    first = asyncio.ensure_future(client.get(ok()))
    await asyncio.sleep(0)
    assert client.state is State.HALF_OPEN
    assert await client.get(ok()) == "source-paused"
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await client.get(ok()) == "200"


async def test_an_inconclusive_trial_leaves_the_decision_to_the_next_one():
    client = Client()
    await client.fail()
    client.now += FIRST_PAUSE
    assert await client.get(denied(Verdict.DENIED_LOOPBACK)) == "egress-denied"
    assert client.state is State.HALF_OPEN
    assert await client.get(ok()) == "200"
    assert client.state is State.CLOSED


async def test_its_state_can_be_read():
    client = Client()
    state = client.transport.state
    assert (state.state, state.since, state.next_try, state.failures) == (
        State.CLOSED,
        None,
        None,
        0,
    )
    await client.fail()
    client.now += 1
    state = client.transport.state
    assert (state.state.value, state.since, state.next_try, state.failures) == (
        "open",
        1000.0,
        1000.0 + FIRST_PAUSE,
        FAILURES,
    )
    client.now += FIRST_PAUSE
    await client.get(ok())
    state = client.transport.state
    assert (state.state.value, state.since, state.next_try, state.failures) == (
        "closed",
        client.now,
        None,
        0,
    )


async def test_it_says_that_it_will_retry_automatically():
    assert "automatically" in str(SourcePaused())
