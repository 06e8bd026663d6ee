"""The threads in which the event loop's work waits for the storage."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from django.db import close_old_connections, connection

P = ParamSpec("P")
T = TypeVar("T")

_COUNT: Final = 8
"""Each has a database connection of its own, once it has used the database."""


async def in_storage_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return the result of *work*, which waits for a disk, the database or a storage."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool(), functools.partial(_do, work, *args, **kwargs))


def let_old_connection_go() -> None:
    """Close this thread's connection if it broke or is old: no request does that for us here."""
    if not connection.in_atomic_block:
        close_old_connections()


def _do(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    let_old_connection_go()
    return work(*args, **kwargs)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_COUNT, thread_name_prefix="storage")
