"""A line on a terminal during a long run: the phase, its duration, and the bytes received."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from billhook.engine.http.trace import Trace

PATIENCE: Final = 1.0
"""Seconds after which the line appears."""

_PAUSE: Final = 0.2
_CLEAR_LINE: Final = "\r\x1b[K"
_WORDS: Final = {
    "lookup": "Looking up the source's name",
    "connect": "Connecting to the source",
    "tls": "Agreeing on TLS with the source",
    "headers": "Waiting for the source to answer",
    "body": "Receiving",
    "whole": "Working",
}


@asynccontextmanager
async def progress_line(trace: Trace, *, shown: bool) -> AsyncIterator[None]:
    """Show the line on standard error while the block runs, if *shown* and it takes long."""
    if not shown:
        yield
        return
    drawing = asyncio.create_task(_draw(trace))
    try:
        yield
    finally:
        drawing.cancel()
        await asyncio.wait([drawing])


async def _draw(trace: Trace) -> None:
    clock = asyncio.get_running_loop().time
    began = clock()
    await asyncio.sleep(PATIENCE)
    try:
        while True:
            sys.stderr.write(f"{_CLEAR_LINE}{describe_progress(trace, clock() - began)}")
            sys.stderr.flush()
            await asyncio.sleep(_PAUSE)
    finally:
        sys.stderr.write(_CLEAR_LINE)
        sys.stderr.flush()


def describe_progress(trace: Trace, seconds: float) -> str:
    """Return the state of a run *seconds* after its start, in one line."""
    received = trace.attempts[-1].received_bytes if trace.attempts else 0
    came = f" {received:,} bytes" if received and trace.phase == "body" else ""
    return f"{_WORDS[trace.phase]}{came} … {seconds:.0f} s"
