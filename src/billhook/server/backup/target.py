"""The place where a backup is restored: a new data folder and an empty database, or nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from billhook.server.errors import Refusal
from billhook.server.operations.installation import DATABASE_FILE, is_installation
from billhook.server.operations.owner import acting_as_owner

DRAFT_DATABASE: Final = "restoring.sqlite3"
_LOCK: Final = "start.lock"
_DATA_DIR: Final = "--data-dir"
_ALWAYS_THERE: Final = frozenset({"lost+found"})
_LEFT_BEHIND: Final = frozenset(
    {_LOCK, *(DRAFT_DATABASE + end for end in ("", "-wal", "-shm", "-journal"))}
)
"""Files of a restore whose process was killed, or whose machine lost its power."""


@contextmanager
def new_data_folder(folder: Path) -> Iterator[None]:
    """Hold *folder*, new or empty, for the block; where that fails, leave it as it was before.

    A server that is started there meanwhile waits.

    Raises:
        Refusal: where the folder has anything in it, or can't be made.
    """
    is_new = _make(folder)
    try:
        with acting_as_owner(folder), _lock(folder):
            check_data_folder(folder)  # another process may have been faster
            _empty(folder, but=_LOCK)
            try:
                yield
            except BaseException:
                _empty(folder)
                raise
    except BaseException:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise


def check_data_folder(folder: Path) -> None:
    """Raise :class:`Refusal` unless *folder* is new or empty."""
    try:
        if not os.path.lexists(folder):
            return
        if not folder.is_dir():
            message = f"{folder} is a file and no folder. Name a new folder."
            raise Refusal("no-data-folder", message, where=_DATA_DIR)
        names = {path.name for path in folder.iterdir()} - _ALWAYS_THERE
        if names <= _LEFT_BEHIND:
            return
        if is_installation(folder):
            raise Refusal(
                "installation-exists",
                f"{folder} holds an installation already, and stays as it is. Restore into a new "
                "folder: --data-dir NEW.",
                where=_DATA_DIR,
            )
        message = f"{folder} isn't empty. Restore into a new or empty folder."
        raise Refusal("folder-not-empty", message, where=_DATA_DIR)
    except OSError as error:
        raise _unusable(folder, error) from None


def _make(folder: Path) -> bool:
    """Make the folder, and return whether it is new."""
    check_data_folder(folder)
    is_new = not folder.exists()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from None
    return is_new


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the lock for which a starting server waits."""
    descriptor = os.open(folder / _LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refusal(
            "busy",
            f"Another Billhook is being started or restored in {folder} now. Wait until that is "
            "done, and start again.",
            where=_DATA_DIR,
        ) from None
    finally:
        os.close(descriptor)


def _empty(folder: Path, *, but: str = "") -> None:
    """Remove the files that a restore has written into the folder, which was empty before."""
    for path in folder.iterdir():
        if path.name in {*_ALWAYS_THERE, but}:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _unusable(folder: Path, error: OSError) -> Refusal:
    reason = error.strerror or "the name can't be used"
    return Refusal(
        "data-folder-unwritable", f"The folder {folder} can't be used: {reason}.", where=_DATA_DIR
    )


def publish_database(folder: Path) -> None:
    """Give the database that was restored its name: from now on the folder is an installation."""
    (folder / DRAFT_DATABASE).rename(folder / DATABASE_FILE)
