"""Storage for the tokens of one integration in a file that only its owner can read."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from billhook.engine.authentication.token_store import IssuedTokens
from billhook.engine.errors import AuthenticationFailed

ASK_AGAIN: Final = 0.02
"""Seconds between two attempts to get the lock. Each takes microseconds and can be cancelled."""
_OWNER_ONLY: Final = 0o600


class FileTokenStore:
    """Stores tokens in the file *path*, mode 0600, with a lock in a file next to it.

    A new state is written to another file, flushed to the disk and moved to the old one's path, so
    that a crash leaves one of them intact. The lock is the kernel's (``flock``), which releases it
    when its process ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock_path = path.with_name(f"{path.name}.lock")

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Lock out every other process that uses the same file."""
        return self._locked()

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        descriptor = _open(self._lock_path, os.O_RDWR | os.O_CREAT)
        try:
            while not _try_lock(descriptor):  # noqa: ASYNC110 - no event crosses processes
                await asyncio.sleep(ASK_AGAIN)
            yield
        finally:
            os.close(descriptor)

    async def load(self) -> IssuedTokens | None:
        """Return the tokens in the file, or None if there is none yet."""
        text = await asyncio.to_thread(self._read)
        if text is None:
            return None
        tokens = IssuedTokens.from_text(text)
        if tokens is None:
            raise AuthenticationFailed(
                "The token file holds something other than tokens. Name another file, or delete it "
                "and connect again.",
                connect_again=True,
            )
        return tokens

    def _read(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise _unusable("read") from None

    async def save(self, tokens: IssuedTokens) -> None:
        """Write *tokens*; they are on disk when this returns."""
        await asyncio.to_thread(self._write, tokens.to_text())

    def _write(self, text: str) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            descriptor = _open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise _unusable("written") from None


def _open(path: Path, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, _OWNER_ONLY)
    except OSError:
        raise _unusable("opened") from None
    os.fchmod(descriptor, _OWNER_ONLY)  # the file may have existed before, readable by everyone
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """Flush the folder too: otherwise the old file may reappear after a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(what: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        f"The token file can't be {what}. Check that you own it, that you may write to its "
        "folder, and that the disk isn't full."
    )
