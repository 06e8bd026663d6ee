"""The threads in which Django's synchronous code runs, each with its own database connections."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connections

T = TypeVar("T")


class DatabaseThreads:
    """A small pool of threads. Their database connections stay open between uses."""

    def __init__(self, count: int, *, name: str) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run *work* in one of the threads and return its result, in one hop there and back."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    async def close(self) -> None:
        """Wait for the work that goes on, close every thread's connections, and end the threads."""
        together = threading.Barrier(self._count)  # so that each thread gets exactly one of these
        await asyncio.gather(*(self.run(_close_connections, together) for _ in range(self._count)))
        self._pool.shutdown()


def _close_connections(together: threading.Barrier) -> None:
    together.wait()
    connections.close_all()
