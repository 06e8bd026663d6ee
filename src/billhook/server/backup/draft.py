"""The file of a backup: written under another name, and there under its own once it is whole."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from billhook.server.errors import Refusal
from billhook.server.operations.owner import acting_as_caller

_WHERE: Final = "FILE"
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def check_target(path: Path, *, replace: bool) -> None:
    """Raise :class:`Refusal` where *path* can't become the file of a backup."""
    if str(path) == "-":
        message = "A backup is never written to standard output, only to a file. Name a file."
        raise Refusal("file-unwritable", message, where=_WHERE)
    try:
        if path.is_dir():
            raise Refusal(
                "file-unwritable", f"{path} is a folder. Name a file in it.", where=_WHERE
            )
        if not path.absolute().parent.is_dir():
            raise Refusal(
                "file-unwritable", f"There is no folder {path.absolute().parent}.", where=_WHERE
            )
        if not os.path.lexists(path):
            return
        if not path.is_file():
            message = f"{path} isn't a regular file. Name one that isn't there yet."
            raise Refusal("file-unwritable", message, where=_WHERE)
    except OSError as error:
        raise _unwritable(path, error) from None
    if not replace:
        raise _exists(path)


@contextmanager
def new_file(path: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """Give a file that only its owner may read; at the end of the block it becomes *path*.

    It belongs to the caller, also where the command acts as the owner of a data folder. Where the
    block fails, nothing is left of it.
    """
    draft = path.with_name(f".{path.name[:200]}.{secrets.token_hex(8)}.part")
    try:
        with acting_as_caller():
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
            file = os.fdopen(os.open(draft, flags, 0o600), "wb")
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with acting_as_caller():
            _publish(draft, path, replace=replace)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        with acting_as_caller(), suppress(FileNotFoundError):
            draft.unlink()


def _publish(draft: Path, path: Path, *, replace: bool) -> None:
    try:
        if replace:
            draft.replace(path)
        else:
            _link(draft, path)
        _sync_folder(path.absolute().parent)
    except FileExistsError:
        raise _exists(path) from None


def _link(draft: Path, path: Path) -> None:
    """Give the file its name unless another process has taken that meanwhile."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        draft.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exists(path: Path) -> Refusal:
    return Refusal(
        "file-exists",
        f"{path} exists already and stays as it is. Choose another name, or replace it with "
        "--replace.",
        where=_WHERE,
    )


def _unwritable(path: Path, error: OSError) -> Refusal:
    if error.errno in _NO_ROOM:
        message = f"There is no room for {path}. Make room, or name a file on another disk."
        return Refusal("no-room", message, where=_WHERE)
    reason = error.strerror or "the name can't be used"
    return Refusal("file-unwritable", f"{path} can't be written: {reason}.", where=_WHERE)
