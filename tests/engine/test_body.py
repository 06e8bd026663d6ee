"""The bytes of a response: in memory or in a nameless file, the same for every reader."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path

import pytest

from billhook.engine.body import MEMORY_LIMIT, Body, BodyWriter
from billhook.engine.errors import NoRoom

SMALL = bytes(range(256)) * 10
LARGE = bytes(range(256)) * 8000


async def written(data: bytes, *, folder: Path | None = None, piece: int = 65_536) -> Body:
    writer = BodyWriter(folder=folder)
    for start in range(0, len(data), piece):
        await writer.add(data[start : start + piece])
    return await writer.finish()


@pytest.fixture(params=[SMALL, LARGE], ids=["in-memory", "in-a-file"])
def data(request: pytest.FixtureRequest) -> bytes:
    return request.param


async def test_a_body_returns_the_bytes_that_were_written(data: bytes) -> None:
    with await written(data) as body:
        assert body.size == len(body) == len(data)
        assert body.read() == data
        assert b"".join([chunk async for chunk in body.chunks()]) == data
        assert b"".join(body.blocking_chunks()) == data
        assert body.sha256() == hashlib.sha256(data).hexdigest()


async def test_head_and_tail_return_the_requested_bytes_or_all_of_them(data: bytes) -> None:
    with await written(data) as body:
        assert (body.head(7), body.tail(7)) == (data[:7], data[-7:])
        assert (body.head(0), body.tail(0)) == (b"", b"")
        assert body.head(10**9) == body.tail(10**9) == data


@pytest.mark.parametrize(
    ("size", "in_memory"),
    [
        pytest.param(0, True, id="nothing"),
        pytest.param(MEMORY_LIMIT, True, id="the-last-in-memory"),
        pytest.param(MEMORY_LIMIT + 1, False, id="the-first-in-a-file"),
    ],
)
async def test_a_body_moves_to_a_file_past_the_limit(size: int, in_memory: bool) -> None:
    with await written(b"x" * size) as body:
        assert body.in_memory is in_memory
        assert body.read() == b"x" * size


async def test_the_file_has_no_name_in_its_folder(tmp_path: Path) -> None:
    with await written(LARGE, folder=tmp_path):
        assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_a_closed_body_still_has_its_size_but_not_its_bytes(data: bytes) -> None:
    body = await written(data)
    body.close()
    body.close()
    assert body.size == len(data)
    with pytest.raises(ValueError, match="closed"):
        body.read()


async def test_a_chunk_larger_than_the_limit_is_written_completely() -> None:
    with await written(LARGE, piece=len(LARGE)) as body:
        assert not body.in_memory
        assert body.read() == LARGE


async def test_a_discarded_writer_leaves_no_file_open() -> None:
    # An open file would raise ResourceWarning here, which is an error in tests.
    writer = BodyWriter()
    await writer.add(LARGE)
    writer.close()
    writer.close()


async def test_a_writer_cancelled_while_writing_waits_for_its_thread() -> None:
    writer = BodyWriter()
    running = asyncio.create_task(writer.add(LARGE * 8))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    writer.close()


async def test_a_body_prints_its_size_and_none_of_its_bytes() -> None:
    assert repr(Body(b"canary-7341")) == "Body(11 bytes)"


@pytest.mark.parametrize("folder", ["/proc", "/nowhere/at/all"])
async def test_a_disk_that_accepts_nothing_is_reported(folder: str) -> None:
    writer = BodyWriter(folder=Path(folder))
    with pytest.raises(NoRoom, match="disk is full or can't be written to"):
        await writer.add(b"x" * (MEMORY_LIMIT + 1))
    writer.close()


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here to write to")
async def test_a_disk_that_fills_up_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: FULL.open("r+b", buffering=0))
    writer = BodyWriter()
    with pytest.raises(NoRoom):
        await writer.add(b"x" * (MEMORY_LIMIT + 1))
    writer.close()
