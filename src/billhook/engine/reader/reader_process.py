"""The server's end of one reader process: started, asked, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket  # noqa: TID251 - a pair of sockets to our own process; nothing is connected
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from billhook.engine.reader.limits import EXIT_LIMITS
from billhook.engine.reader.messages import HEAD, MAX_RESULT, RESULT_HEAD, BrokenResult

COMMAND: Final = (sys.executable, "-I", "-m", "billhook.engine.reader.process")
_PATIENCE: Final = 2.0
_CHUNK: Final = 256 * 1024


class BeyondLimits(Exception):
    """A response took more time or memory than one may."""


class ReaderProcess:
    """One reader process; asked by one run at a time."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._socket, other = socket.socketpair()
        self._socket.settimeout(0)
        with other:
            # A session of its own: Ctrl-C in the server's terminal is the server's. No
            # environment: it may hold the operator's secrets.
            self._process = subprocess.Popen(  # noqa: S603 - our own module, nothing of a request
                command,
                stdin=other.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        self._ended_at = 0.0

    @property
    def is_running(self) -> bool:
        """Whether it can be asked."""
        return not self._ended_at and self._process.poll() is None

    async def ask(
        self, request: bytes, body: bytes, files: Sequence[int], *, has_file: bool
    ) -> bytes:
        """Send a request and return the result; the process is of no use after an error.

        *files* are descriptors: first the one of the body, if it *has_file*, then the one that a
        document is written to. Raises BeyondLimits and BrokenResult.
        """
        loop = asyncio.get_running_loop()
        try:
            head = HEAD.pack(len(request), len(body), has_file)
            socket.send_fds(self._socket, [head], files)
            await loop.sock_sendall(self._socket, request)
            if body:
                await loop.sock_sendall(self._socket, body)
            (size,) = RESULT_HEAD.unpack(await self._receive(RESULT_HEAD.size))
            return await self._receive(size)
        except (BrokenResult, OSError):
            if await self._status() == EXIT_LIMITS:
                raise BeyondLimits from None
            raise BrokenResult from None

    async def _receive(self, size: int) -> bytes:
        loop, received = asyncio.get_running_loop(), bytearray()
        if size > MAX_RESULT:
            raise BrokenResult
        while len(received) < size:
            chunk = await loop.sock_recv(self._socket, min(_CHUNK, size - len(received)))
            if not chunk:
                raise BrokenResult
            received += chunk
        return bytes(received)

    async def _status(self) -> int | None:
        """Return how the process has ended: right after its child, if that was killed."""
        for _ in range(50):
            status: int | None = self._process.poll()
            if status is not None:
                return status
            await asyncio.sleep(0.01)
        return None

    def end(self) -> None:
        """End it with its child, and don't wait: :meth:`is_gone` says when that has happened.

        It ends its child itself and waits for that, so that nobody else has to.
        """
        self._ended_at = time.monotonic()
        self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def is_gone(self) -> bool:
        """Say whether it has ended; kill it if it takes long."""
        if self._process.poll() is not None:
            return True
        if time.monotonic() - self._ended_at > _PATIENCE:
            self.kill()
        return self._process.poll() is not None

    def kill(self) -> None:
        """Kill it and its child at once."""
        self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
