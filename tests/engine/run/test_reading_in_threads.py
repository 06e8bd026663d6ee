"""Small responses are parsed immediately; large ones in a thread, under the run's deadline."""

from __future__ import annotations

import asyncio
import threading

import pytest

from billhook.engine import Trace
from billhook.engine.conversation import LARGE, Conversation, ReadableResponse
from billhook.engine.errors import DocumentNotFound, SourceTimeout, StillWorking
from billhook.engine.http.request import Limits
from billhook.engine.http.terms import RunTerms
from billhook.engine.testing import FakeTransport, make_response
from billhook.engine.tokens.values import Values
from step_runs import compile_toml

NOTHING = Values({})


def conversation(timeout: float = 30.0) -> Conversation:
    limits = Limits(timeout=timeout, max_bytes=LARGE)
    deadline = asyncio.get_running_loop().time() + timeout
    terms = RunTerms(limits=limits, redirects="deny", deadline=deadline, trace=Trace())
    return Conversation(FakeTransport(), terms)


def received(size: int) -> ReadableResponse:
    return ReadableResponse(make_response(b"x" * size))


def is_closed(answered: ReadableResponse) -> bool:
    try:
        answered.response.body.read()
    except ValueError:
        return True
    return False


@pytest.mark.parametrize(
    ("size", "is_apart"),
    [pytest.param(LARGE, False, id="small"), pytest.param(LARGE + 1, True, id="large")],
)
async def test_only_a_large_response_is_parsed_in_a_thread(size, is_apart):
    thread = await conversation().read(
        received(size), lambda content, values: threading.current_thread(), NOTHING
    )
    assert (thread is not threading.current_thread()) is is_apart


async def test_a_step_that_needs_no_body_is_evaluated_immediately():
    thread = await conversation().read(
        received(LARGE + 1),
        lambda content, values: threading.current_thread(),
        NOTHING,
        inside=False,
    )
    assert thread is threading.current_thread()


@pytest.mark.parametrize(
    ("reading", "inside"),
    [
        pytest.param("success_when = [{ status = 200 }]", False, id="status"),
        pytest.param("success_when = [{ header = 'X', exists = true }]", False, id="header"),
        pytest.param("extract = { A = { header = 'X' } }", False, id="header-taken"),
        pytest.param("success_when = [{ body_contains = 'x' }]", True, id="text"),
        pytest.param("not_found_when = [{ json = '$.a', equals = 1 }]", True, id="path"),
        pytest.param("extract = { A = { regex = '(a)' } }", True, id="value-taken"),
    ],
)
def test_a_step_knows_whether_it_needs_the_body(reading, inside):
    command = compile_toml(f"[commands.GetInvoiceImage]\nurl = '{{{{Base}}}}/'\n{reading}")
    assert command.steps[0].reading.looks_inside is inside


@pytest.mark.parametrize("size", [pytest.param(1, id="small"), pytest.param(LARGE + 1, id="large")])
async def test_an_unreadable_response_is_closed(size):
    def fail(content, values):
        raise DocumentNotFound

    answered = received(size)
    with pytest.raises(DocumentNotFound):
        await conversation().read(answered, fail, NOTHING)
    assert is_closed(answered)


async def test_reading_ends_at_the_deadline_and_the_response_is_closed_afterwards():
    release = threading.Event()
    seen = []

    def wait(content, values):
        release.wait(20)
        seen.append(content.text()[:1])

    answered = received(LARGE + 1)
    reading = asyncio.ensure_future(conversation(timeout=0.05).read(answered, wait, NOTHING))
    await asyncio.sleep(0.1)
    assert not is_closed(answered)
    release.set()
    with pytest.raises(SourceTimeout):
        await reading
    assert seen == ["x"]
    assert is_closed(answered)


async def test_a_run_cancelled_while_reading_closes_the_response_afterwards():
    release = threading.Event()
    answered = received(LARGE + 1)
    reading = asyncio.ensure_future(
        conversation().read(answered, lambda content, values: release.wait(20), NOTHING)
    )
    await asyncio.sleep(0.05)
    reading.cancel()
    await asyncio.sleep(0)
    assert not is_closed(answered)
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert is_closed(answered)


async def test_a_response_still_in_the_queue_is_given_up_without_reading():
    release = threading.Event()
    blocking = [
        asyncio.ensure_future(
            conversation().read(
                received(LARGE + 1), lambda content, values: release.wait(20), NOTHING
            )
        )
        for _ in range(2)
    ]
    await asyncio.sleep(0.05)
    was_read = []
    with pytest.raises(SourceTimeout):
        await conversation(timeout=0.05).read(
            received(LARGE + 1), lambda content, values: was_read.append(1), NOTHING
        )
    release.set()
    await asyncio.gather(*blocking)
    assert was_read == []


async def test_a_pause_beyond_the_deadline_is_not_started():
    with pytest.raises(StillWorking):
        await conversation(timeout=5).pause(6)
    await conversation(timeout=5).pause(0)
