"""Reader processes: each response in a child of its own, within limits, killed beyond them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.effort import EVERYTHING, ReadingPlan
from billhook.engine.answer.inside import decode_at
from billhook.engine.answer.unwrapping import file_in
from billhook.engine.body import MEMORY_LIMIT, Body, collect
from billhook.engine.errors import (
    AmbiguousAnswer,
    BillhookError,
    MissingValue,
    SourceStatus,
    SourceTimeout,
    SourceTooComplex,
    SourceTooLarge,
)
from billhook.engine.reader import messages
from billhook.engine.reader.pool import Inspection, Readers
from billhook.engine.tokens.values import Given, Values

HERE = str(Path(__file__).parent)
NOTHING = Values({})
PROGRAM = (
    f"import sys; sys.path.insert(0, {HERE!r}); import reader_work;"
    "from billhook.engine.isolation.confinement import Fence;"
    "from billhook.engine.reader.process import main;"
    "main(Fence(address_space={memory} << 20, cpu_seconds={seconds}, file_size=1 << 30))"
)


def command(*, memory: int = 768, seconds: int = 10) -> tuple[str, ...]:
    return sys.executable, "-I", "-c", PROGRAM.format(memory=memory, seconds=seconds)


@contextlib.asynccontextmanager
async def readers(**limits: int) -> AsyncIterator[Readers]:
    made = Readers(command=command(**limits))
    try:
        yield made
    finally:
        made.close()


def inspection(
    work: Callable[[Content, Values], Any], body: Body | None = None, **given: Given
) -> Inspection[Any]:
    content = Content(200, (("X-A", "1"),), body or Body(b"abc"))
    plan = ReadingPlan(weight=EVERYTHING.weight, tokens=tuple(given))
    return Inspection(work=work, content=content, values=Values(given), plan=plan)


async def read(
    made: Readers, work: Any, body: Body | None = None, *, seconds: float = 30, **given: Given
) -> Any:
    deadline = asyncio.get_running_loop().time() + seconds
    return await made.read(inspection(work, body, **given), deadline=deadline, share="")


async def unwrap(
    made: Readers, work: Callable[[Content, Values], Iterable[bytes]], body: Body
) -> Body:
    deadline = asyncio.get_running_loop().time() + 30
    return await made.unwrap(inspection(work, body), deadline=deadline, share="")


def work(name: str) -> Any:
    """Return a function of reader_work.py, which the process has loaded, too."""
    sys.path.insert(0, HERE)
    try:
        import reader_work
    finally:
        sys.path.remove(HERE)
    return getattr(reader_work, name)


async def gone(pid: int) -> None:
    """Wait until the process *pid* has ended."""
    async with asyncio.timeout(5):
        while _state(pid) not in {"gone", "Z"}:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.02)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"


def file_of(data: bytes) -> Body:
    return collect([data, b" " * MEMORY_LIMIT])


async def test_each_response_has_a_process_of_its_own() -> None:
    async with readers() as made:
        first, second = await read(made, work("pid")), await read(made, work("pid"))
    assert len({first, second, os.getpid()}) == 3


@pytest.mark.parametrize("body", [Body(b"abc"), file_of(b"abc")], ids=["in memory", "in a file"])
async def test_the_process_gets_the_response_and_the_values_that_the_plan_names(body: Body) -> None:
    async with readers() as made:
        found = await read(made, work("everything"), body, A=Given(text="1", quoted=True))
    assert found == {"status": 200, "header": ["1"], "text": "abc", "given": ["A"]}


@pytest.mark.parametrize(
    "error",
    [
        MissingValue("Find.Id", "There is nothing."),
        AmbiguousAnswer("Find.Id", 3),
        SourceStatus(500),
        SourceTooLarge(25),
    ],
    ids=lambda error: error.code,
)
async def test_an_error_arrives_as_it_was_raised(error: BillhookError) -> None:
    async with readers() as made:
        with pytest.raises(type(error)) as raised:
            await read(made, partial(work("fail"), type(error).__name__))
    assert vars(raised.value) == vars(error)
    assert str(raised.value) == str(error)


async def test_an_unreadable_response_is_reported_as_such() -> None:
    async with readers() as made:
        with pytest.raises(Unreadable, match="not JSON"):
            await read(made, work("as_json"))


@pytest.mark.parametrize(
    ("size", "in_memory"), [(1_000, True), (MEMORY_LIMIT + 1, False)], ids=["small", "large"]
)
async def test_a_document_in_base64_becomes_a_body(size: int, *, in_memory: bool) -> None:
    document = os.urandom(size)
    async with readers() as made:
        take = partial(decode_at, None, what="Take.answer", max_bytes=size)
        with await unwrap(made, take, Body(base64.b64encode(document))) as body:
            assert body.in_memory is in_memory
            assert body.read() == document


async def test_a_file_of_a_zip_becomes_a_body() -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.pdf", b"x" * 2_000_000)
    async with readers() as made:
        take = partial(file_in, "*.pdf", max_bytes=3_000_000)
        with await unwrap(made, take, Body(packed.getvalue())) as body:
            assert body.read() == b"x" * 2_000_000
        with pytest.raises(SourceTooLarge):
            await unwrap(made, partial(file_in, "*.pdf", max_bytes=10), Body(packed.getvalue()))


async def test_reading_ends_at_the_deadline_and_its_process_with_it() -> None:
    async with readers() as made:
        pids = []
        began = time.monotonic()
        with pytest.raises(SourceTimeout) as raised:
            await asyncio.gather(read(made, work("forever"), seconds=1.5), note_pids(made, pids))
        assert raised.value.phase == "reading"
        assert time.monotonic() - began < 2.5
        for pid in pids:
            await gone(pid)
        assert await read(made, work("pid"))


async def note_pids(made: Readers, pids: list[int]) -> None:
    """Note the reader process at work and its child, once there is one."""
    async with asyncio.timeout(5):
        while len(pids) < 2:
            await asyncio.sleep(0.05)
            pids[:] = _below(os.getpid(), PROGRAM[:20])


def _below(parent: int, mark: str) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    found = []
    for child in map(int, children):
        if mark in Path(f"/proc/{child}/cmdline").read_text():
            found += [child, *_below(child, mark)]
    return found


async def test_a_run_that_is_cancelled_ends_its_process() -> None:
    async with readers() as made:
        pids: list[int] = []
        reading = asyncio.create_task(read(made, work("forever")))
        await note_pids(made, pids)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        for pid in pids:
            await gone(pid)


async def test_more_computing_than_allowed_is_the_responses_fault() -> None:
    async with readers(seconds=1) as made:
        began = time.monotonic()
        with pytest.raises(SourceTooComplex):
            await read(made, work("forever"))
        assert time.monotonic() - began < 20
        assert await read(made, work("pid"))


async def test_more_memory_than_allowed_is_the_responses_fault() -> None:
    async with readers(memory=200) as made:
        with pytest.raises(SourceTooComplex):
            await read(made, work("large"))
        assert await read(made, work("pid"))


async def test_a_crash_is_reported_and_the_next_response_is_read() -> None:
    async with readers() as made:
        with pytest.raises(SourceTooComplex):
            await read(made, work("crash"))
        assert await read(made, work("pid"))


async def test_a_fault_of_ours_is_logged_without_values(caplog: pytest.LogCaptureFixture) -> None:
    async with readers() as made:
        with pytest.raises(SourceTooComplex):
            await read(made, work("fault"))
    assert "KeyError at reader_work.py" in caplog.text
    assert "a value" not in caplog.text


async def test_a_process_killed_while_idle_is_replaced() -> None:
    async with readers() as made:
        await read(made, work("pid"))
        os.kill(made._idle[0]._process.pid, signal.SIGKILL)
        await asyncio.sleep(0.1)
        assert await read(made, work("pid"))


@pytest.mark.parametrize(
    "what", ["open_a_file", "open_a_socket", "start_a_process", "send_a_signal"]
)
async def test_a_response_that_takes_over_its_process_can_do_nothing(what: str) -> None:
    async with readers() as made:
        assert await read(made, work(what)) == "refused"


async def test_one_organisation_leaves_a_place_for_others() -> None:
    async with readers() as made:
        loop = asyncio.get_running_loop()
        busy = [
            asyncio.create_task(
                made.read(inspection(work("forever")), deadline=loop.time() + 4, share="harper")
            )
            for _ in range(4)
        ]
        await asyncio.sleep(0.1)
        pid = await made.read(inspection(work("pid")), deadline=loop.time() + 4, share="northwind")
        assert isinstance(pid, int)
        assert not any(task.done() for task in busy)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a pickle",
        messages.pickle.dumps(("value", os.getcwd)),
        messages.pickle.dumps(("error", ("SystemExit", "", {}))),
        messages.pickle.dumps(("other", 1)),
    ],
    ids=["nothing", "noise", "function", "unknown error", "unknown word"],
)
def test_a_result_of_another_kind_is_not_believed(data: bytes) -> None:
    with pytest.raises(messages.BrokenResult):
        messages.unpack_result(data)


def test_named_values_come_through() -> None:
    given = {"Find.Id": Given(text="7", quoted=False, secret=True)}
    assert messages.unpack_result(messages.pack_value(given)) == given
