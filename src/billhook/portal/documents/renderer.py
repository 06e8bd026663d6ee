"""Pages of a document as images, drawn in processes of their own that are killed when they fail."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import queue
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from billhook.engine.answer.kinds import HEAD_WINDOW, XML, kind_of
from billhook.engine.delivery import LINK_TYPE
from billhook.portal.documents.frames import BrokenFrame, read_exactly, read_head, write_head
from billhook.portal.documents.limits import (
    EXIT_TOO_SLOW,
    MAX_DOCUMENT,
    MAX_IMAGE,
    MAX_PAGES,
    MAX_TEXT,
    TEXT_SCALE,
    Reason,
)
from billhook.portal.installation import environment

PAGE_WIDTH: Final = 1400
"""Pixels: sharp for 700 CSS pixels on a screen with two pixels for each."""
_KINDS: Final = {
    "application/pdf": "application/pdf",
    "image/png": "image",
    "image/jpeg": "image",
    "image/tiff": "image",
}
_WITHOUT_PAGES: Final = {XML.media_type: Reason.E_INVOICE, LINK_TYPE: Reason.LINK}
_COMMAND: Final = (sys.executable, "-I", "-m", "billhook.portal.documents.renderer_process")


class CannotShow(Exception):
    """The document can't be shown as images; ``reason.message`` explains why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSize:
    """Width and height of a page, in whatever unit: only their ratio matters."""

    width: float
    height: float

    def pixels(self, width: int = PAGE_WIDTH) -> tuple[int, int]:
        """Return the width and height that an image of this page has in a browser."""
        return width, max(1, round(self.height / self.width * width))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The number of pages of a document, and the sizes of the first ``MAX_PAGES``.

    ``has_e_invoice`` says that the invoice is inside as XML, too (Factur-X, ZUGFeRD).
    """

    count: int
    sizes: tuple[PageSize, ...]
    has_e_invoice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLine:
    """A line of text and its box on the page, in parts of ``TEXT_SCALE``."""

    left: int
    top: int
    width: int
    height: int
    text: str


class Renderer:
    """Up to *size* renderer processes, started when they are first needed. For many threads.

    A process that hangs or breaks is killed, and the next document gets a new one.
    """

    def __init__(
        self,
        *,
        size: int = 2,
        seconds: float = 15,
        patience: float = 20,
        command: tuple[str, ...] = _COMMAND,
    ) -> None:
        self._seconds = seconds
        self._patience = patience
        self._command = command
        self._places: queue.LifoQueue[_Process | None] = queue.LifoQueue()
        for _ in range(size):
            self._places.put(None)

    def pages(self, document: BinaryIO, media_type: str) -> Pages:
        """Return the number and sizes of the pages. Raises :class:`CannotShow`."""
        facts, _ = self._ask(document, media_type, {"ask": "pages"})
        return _read_pages(facts)

    def page(
        self, document: BinaryIO, media_type: str, *, number: int, width: int = PAGE_WIDTH
    ) -> bytes:
        """Return page *number*, counted from 1, as a PNG. Raises :class:`CannotShow`."""
        _, image = self._ask(document, media_type, {"ask": "page", "page": number, "width": width})
        return image

    def text(self, document: BinaryIO, media_type: str, *, pages: int) -> list[list[TextLine]]:
        """Return the lines of the first *pages* pages; images have none. Raises CannotShow."""
        if _KINDS.get(media_type) != "application/pdf":
            return []
        _, data = self._ask(document, media_type, {"ask": "text", "pages": pages})
        return _read_text(data)

    def e_invoice(self, document: BinaryIO, media_type: str) -> bytes:
        """Return the e-invoice inside a PDF: XML by its name. Raises :class:`CannotShow`."""
        _, data = self._ask(document, media_type, {"ask": "e-invoice"})
        if kind_of(data[:HEAD_WINDOW]) is not XML:
            raise CannotShow(Reason.NO_E_INVOICE)
        return data

    def warm_up(self) -> None:
        """Start a process, unless one is there or all are at work."""
        with contextlib.suppress(queue.Empty):
            process = self._places.get_nowait()
            self._places.put(process or _Process(self._command))

    def close(self) -> None:
        """End the processes that aren't at work."""
        with contextlib.suppress(queue.Empty):
            while True:
                process = self._places.get_nowait()
                if process is not None:
                    process.kill()

    def _ask(
        self, document: BinaryIO, media_type: str, request: dict[str, object]
    ) -> tuple[dict[str, object], bytes]:
        kind = _KINDS.get(media_type)
        if kind is None:
            raise CannotShow(_WITHOUT_PAGES.get(media_type, Reason.OTHER_KIND))
        size = _size_of(document)
        if size > MAX_DOCUMENT:
            raise CannotShow(Reason.TOO_LARGE)
        with self._process() as process:
            facts, image = process.ask(document, size, request | {"kind": kind}, self._seconds)
        if "refused" in facts:
            raise CannotShow(_read_reason(facts["refused"]))
        return facts, image

    @contextlib.contextmanager
    def _process(self) -> Iterator[_Process]:
        try:
            process = self._places.get(timeout=self._patience)
        except queue.Empty:
            raise CannotShow(Reason.BUSY) from None
        try:
            process = process or _Process(self._command)
            yield process
        finally:
            self._places.put(process if process and process.is_usable else None)


class _Process:
    """One renderer process; used by one thread at a time."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self.is_usable = True
        # A session of its own: Ctrl-C in the server's terminal is the server's, and all its
        # children can be killed at once. No environment: it may hold the operator's secrets.
        self._process = subprocess.Popen(  # noqa: S603 -- our own module, nothing of a request
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
        self._requests = cast("BinaryIO", self._process.stdin)
        self._answers = cast("BinaryIO", self._process.stdout)

    def ask(
        self, document: BinaryIO, size: int, request: dict[str, object], seconds: float
    ) -> tuple[dict[str, object], bytes]:
        """Send *request* and *document* and return the response, or kill the process."""
        out_of_time = threading.Event()
        watch = threading.Timer(seconds, self._stop_waiting, [out_of_time])
        watch.daemon = True
        watch.start()
        # A taken-over child could leave a second answer in the pipe, for the next person: it can't
        # know what the next question is called.
        asked = secrets.token_hex(16)
        try:
            self._send(document, size, request | {"asked": asked})
            return self._receive(asked)
        except (BrokenFrame, OSError):
            status = self.kill()
            too_slow = out_of_time.is_set() or status == EXIT_TOO_SLOW
            raise CannotShow(Reason.TOO_SLOW if too_slow else Reason.DAMAGED) from None
        finally:
            watch.cancel()

    def kill(self) -> int:
        """End the process and its child, and return its status if it had ended already."""
        self.is_usable = False
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=0.2)  # crashed? Then its status shows why
        self._kill_group()
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()
        return self._process.wait()

    def _stop_waiting(self, out_of_time: threading.Event) -> None:
        out_of_time.set()
        self._kill_group()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _send(self, document: BinaryIO, size: int, request: dict[str, object]) -> None:
        write_head(self._requests, request, size)
        shutil.copyfileobj(document, self._requests)
        self._requests.flush()

    def _receive(self, asked: str) -> tuple[dict[str, object], bytes]:
        facts, size = read_head(self._answers, max_body=MAX_IMAGE)
        if facts.get("asked") != asked:
            raise BrokenFrame
        return facts, read_exactly(self._answers, size)


@functools.cache
def renderer() -> Renderer:
    """Return the renderer of this server process, with one more process than one may take."""
    made = Renderer(size=environment.current().page_processes + 1)
    atexit.register(made.close)
    return made


def _size_of(document: BinaryIO) -> int:
    size = document.seek(0, os.SEEK_END)
    document.seek(0)
    return size


def _read_pages(facts: dict[str, object]) -> Pages:
    """Read the response with distrust: the process had a hostile document in its memory."""
    match facts:
        case {"count": int(count), "sizes": list(sizes)} if 0 < len(sizes) <= MAX_PAGES:
            return Pages(
                count=count,
                sizes=tuple(_read_size(size) for size in sizes),
                has_e_invoice=facts.get("e_invoice") is True,
            )
    raise CannotShow(Reason.DAMAGED)


def _read_size(size: object) -> PageSize:
    match size:
        case [int() | float() as width, int() | float() as height] if width > 0 and height > 0:
            return PageSize(width=width, height=height)
    raise CannotShow(Reason.DAMAGED)


def _read_text(data: bytes) -> list[list[TextLine]]:
    try:
        pages = json.loads(data) if len(data) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        pages = None
    match pages:
        case [*_] if len(pages) <= MAX_PAGES and all(isinstance(page, list) for page in pages):
            return [[_read_line(line) for line in page] for page in pages]
    raise CannotShow(Reason.DAMAGED)


def _read_line(line: object) -> TextLine:
    match line:
        case [int(left), int(top), int(width), int(height), str(text)] if all(
            0 <= part <= TEXT_SCALE for part in (left, top, width, height)
        ):
            return TextLine(left=left, top=top, width=width, height=height, text=text)
    raise CannotShow(Reason.DAMAGED)


def _read_reason(reason: object) -> Reason:
    return Reason(reason) if isinstance(reason, str) and reason in set(Reason) else Reason.DAMAGED
