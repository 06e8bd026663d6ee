"""The document that `run` writes: a file that is whole or absent, or standard output."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

from billhook.cli.values import fail
from billhook.engine.answer.document import Document

STANDARD_OUTPUT: Final = "-"


def choose_output(out: str | None, *, as_json: bool) -> Path | None:
    """Return the file to write, or None for standard output, before anything is sent.

    Raises if the document couldn't be written there, or would go to a terminal.
    """
    if out is None or out == STANDARD_OUTPUT:
        if as_json and out is not None:
            fail("usage", "With --json the document needs a file: -o FILE.", where="-o")
        if out is None and not as_json and sys.stdout.isatty():
            fail("usage", "A document is not for a terminal. Give it a file: -o FILE.", where="-o")
        return None
    path = Path(out)
    try:
        _refuse_folders(path)
    except OSError as error:  # a name that is too long
        _fail_to_write(path, error)
    return path


def _refuse_folders(path: Path) -> None:
    if path.is_dir():
        fail("file-unwritable", f"{path} is a folder. Name a file in it.", where="-o")
    if not path.absolute().parent.is_dir():
        fail("file-unwritable", f"There is no folder {path.parent}.", where="-o")


def write_document(document: Document, path: Path | None) -> None:
    """Write *document* to *path*, or to standard output."""
    if path is None:
        _copy(document, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    try:
        with _appearing_whole(path) as file:
            _copy(document, file)
    except OSError as error:
        _fail_to_write(path, error)


def _fail_to_write(path: Path, error: OSError) -> NoReturn:
    fail("file-unwritable", f"{path} can't be written: {error.strerror}.", where="-o")


def _copy(document: Document, file: BinaryIO) -> None:
    file.writelines(document.body.blocking_chunks())


@contextmanager
def _appearing_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file next to *path* that replaces it only once everything is written."""
    if path.exists() and not path.is_file():
        with path.open("wb") as device:  # such as /dev/null or a pipe
            yield device
        return
    target = path.resolve()
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
        unfinished = Path(file.name)
        try:
            yield file  # type: ignore[misc]  # a BinaryIO in all but name
            file.flush()
            unfinished.chmod(_usual_mode(target))
            unfinished.replace(target)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise


def _usual_mode(target: Path) -> int:
    """Return the mode that a plain write would leave: temporary files are closed to others."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
