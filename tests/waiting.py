"""Waits for what another task or thread brings about, however busy the machine is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool]) -> None:
    """Return when *holds* does; a test that waits in vain ends at its time limit."""
    while not holds():  # noqa: ASYNC110 - what brings it about has no event to wait for
        await asyncio.sleep(0.005)
