"""Spreadsheets (XLSX, XLS, ODS), read in a process of its own that is killed when it fails."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

from billhook.portal.documents.frames import BrokenFrame, read_exactly, read_head, write_head
from billhook.portal.imports.reading.table import (
    MAX_BYTES,
    MAX_COLUMNS,
    MAX_KEPT_BYTES,
    UnreadableFile,
)

_COMMAND: Final = (sys.executable, "-I", "-m", "billhook.portal.imports.reading.workbook_process")
_SECONDS: Final = 20.0
_AT_ONCE: Final = 2
_PATIENCE: Final = 30.0
_ZIP: Final = b"PK\x03\x04"
_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The beginning of XLS, and of a spreadsheet with a password."""
_DAMAGED: Final = (
    "The spreadsheet can't be read: it is damaged, or of another kind than XLSX, XLS or ODS. Open "
    "it, save it as XLSX or CSV (UTF-8), and choose that file."
)
_TOO_LARGE: Final = (
    "The spreadsheet takes too much memory or time to read. Save the sheet with the table as CSV "
    "(UTF-8), or delete empty rows and columns that are formatted."
)
_PROTECTED: Final = (
    "The spreadsheet is protected by a password. Save it without one and choose that file."
)


class _ReadingPlaces:
    """A few places for reading, one for each organisation: none can take them all."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._working: set[str] = set()
        self._news = threading.Condition()

    @contextlib.contextmanager
    def place(self, share: str) -> Iterator[None]:
        """Have a place for an organisation; raise UnreadableFile if there is none for long."""
        with self._news:
            if not self._news.wait_for(lambda: self._has_place(share), timeout=_PATIENCE):
                raise UnreadableFile("The server is busy reading files. Try again in a minute.")
            self._working.add(share)
        try:
            yield
        finally:
            with self._news:
                self._working.discard(share)
                self._news.notify_all()

    def _has_place(self, share: str) -> bool:
        return len(self._working) < self._count and share not in self._working


_places: Final = _ReadingPlaces(_AT_ONCE)


def is_workbook(content: bytes) -> bool:
    """Return whether *content* begins as a spreadsheet does."""
    return content.startswith((_ZIP, _COMPOUND))


def read_workbook(
    content: bytes, *, max_rows: int, share: str = "", seconds: float = _SECONDS
) -> bytes:
    """Return the visible sheets of *content* as :func:`pack_table` writes them.

    *share* is the organisation for which it is read: at most one file of each at a time.

    Raises:
        UnreadableFile: if it can't be read within the limits.
    """
    with _places.place(share):
        return _read(content, max_rows, seconds)


def _read(content: bytes, max_rows: int, seconds: float) -> bytes:
    # A session of its own, so that it can be killed with its children. No environment: it may
    # hold the operator's secrets.
    process = subprocess.Popen(  # noqa: S603 - our own module, nothing of a request
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    )
    watch = threading.Timer(seconds, _kill, [process])
    watch.daemon = True
    watch.start()
    try:
        facts, packed = _ask(process, content, max_rows)
    except (BrokenFrame, OSError):
        raise UnreadableFile(_broken(_end(process))) from None
    finally:
        watch.cancel()
        _end(process)
    if "refused" in facts:
        raise UnreadableFile(_message(facts["refused"], max_rows))
    return packed


def _ask(
    process: subprocess.Popen[bytes], content: bytes, max_rows: int
) -> tuple[dict[str, object], bytes]:
    requests, answers = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
    write_head(requests, {"max_rows": max_rows}, len(content))
    requests.write(content)
    requests.flush()
    facts, size = read_head(answers, max_body=MAX_KEPT_BYTES + MAX_BYTES)
    return facts, read_exactly(answers, size)


def _end(process: subprocess.Popen[bytes]) -> int:
    """End the process, and return its status: that of its own end if there was one."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.2)
    if process.returncode is None:
        _kill(process)
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if pipe is not None:
                pipe.close()
    return process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _broken(status: int) -> str:
    """Return the sentence for a process that ended before it had read the file."""
    return _DAMAGED if status > 0 else _TOO_LARGE


def _message(reason: object, max_rows: int) -> str:
    """Return the sentence for a *reason* of the process."""
    match reason:
        case "too-many-rows":
            return f"A sheet has more than {max_rows:,} rows. Split it."
        case "too-many-columns":
            return f"A sheet has more than {MAX_COLUMNS} columns. Delete those that aren't needed."
        case "too-large":
            return _TOO_LARGE
        case "protected":
            return _PROTECTED
        case _:
            return _DAMAGED
