"""The document out of what it is wrapped in: base 64, a zip, or an address in the response."""

from __future__ import annotations

import fnmatch
import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Final

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.kinds import Bytes
from billhook.engine.answer.paths import Found, Path
from billhook.engine.errors import (
    AmbiguousAnswer,
    DocumentNotFound,
    MissingValue,
    NotADocument,
    SourceTooLarge,
)
from billhook.engine.tokens.values import Values

_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_GZIP: Final = b"\x1f\x8b\x08"
_MOST_FILES: Final = 1_000
_BOUNDED: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Compressions that zipfile unpacks in chunks. With the others, 2 KB become 2 GB."""
_CHUNK: Final = 256 * 1024
_BROKEN_ZIP: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,  # an offset before the beginning, or a name that can't be decoded
    LookupError,
    OverflowError,
)
"""Everything that zipfile raises for one."""


def text_at(path: Path | None, content: Content, values: Values, *, what: str) -> str:
    """Return the one text at *path*, or the whole body; *what* names it in errors.

    Raises DocumentNotFound where there is nothing, since a document that isn't made yet is a null
    or an empty text in most systems.
    """
    text = value_at(path, content, values, what=what)
    if not isinstance(text, str):
        raise MissingValue(what, "There is something else than a text.")
    return text


def value_at(path: Path | None, content: Content, values: Values, *, what: str) -> Found:
    """Return the one text, list or object at *path*, or the text of the whole body."""
    if path is None:
        return content.text()
    try:
        found = [value for value in path.find(content, values) if value is not None]
    except Unreadable as unreadable:
        raise MissingValue(what, unreadable.reason) from None
    fitting = [value for value in found if isinstance(value, str | list | dict)]
    if found and not fitting:
        raise MissingValue(what, "There is something else than a text.")
    if any(value != fitting[0] for value in fitting[1:]):
        raise AmbiguousAnswer(what, len(fitting))
    if not fitting or _is_blank(fitting[0]):
        raise DocumentNotFound
    return fitting[0]


def _is_blank(value: Found) -> bool:
    return not (value.strip() if isinstance(value, str) else value)


def file_in(
    pattern: str,
    content: Content,
    values: Values,  # noqa: ARG001 - as all reading
    *,
    max_bytes: int,
) -> Iterator[bytes]:
    """Give the bytes of a file in the zip that the response is; see :func:`take_from_zip`."""
    return take_from_zip(content.body, pattern, max_bytes=max_bytes)


def is_zip(body: Bytes) -> bool:
    """Say whether *body* begins as a zip does, an empty one included."""
    return body.head(len(_EMPTY_ZIP)) in {_ZIP, _EMPTY_ZIP}


def is_gzip(body: Bytes) -> bool:
    """Say whether *body* begins as gzip does (RFC 1952, 2.3.1)."""
    return body.head(len(_GZIP)) == _GZIP


def unpacked(packed: bytes, *, max_bytes: int) -> Iterator[bytes]:
    """Give what the gzip *packed* holds, and count it while it comes (CWE-409).

    Raises NotADocument where it is broken, and SourceTooLarge.
    """
    size = 0
    try:
        with gzip.GzipFile(fileobj=BytesIO(packed)) as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > max_bytes:
                    raise SourceTooLarge(max_bytes)
                yield chunk
    except (OSError, EOFError, zlib.error, struct.error):
        raise NotADocument(
            "The response has a document compressed in gzip, but can't be unpacked."
        ) from None


def take_from_zip(body: Bytes, pattern: str, *, max_bytes: int) -> Iterator[bytes]:
    """Give the bytes of the one file in the zip *body* whose name fits *pattern*.

    Names are only compared, never used. What comes out is counted while it comes, so that a small
    zip can't make a large file (CWE-409). Raises DocumentNotFound, AmbiguousAnswer, NotADocument
    and SourceTooLarge.
    """
    with _opened(body) as archive:
        found = _fitting(archive, pattern)
        if not found:
            raise DocumentNotFound
        if len(found) > 1:
            message = (
                f"The zip holds {len(found)} files that fit the pattern, where one was asked for. "
                "Make the pattern narrower."
            )
            raise AmbiguousAnswer("zip", len(found), message)
        yield from _read_entry(archive, found[0], max_bytes)


def names_in_zip(body: Bytes, pattern: str) -> list[str]:
    """Return the names, without folders, of the files in the zip *body* that fit *pattern*."""
    with _opened(body) as archive:
        return [_base_name(entry) for entry in _fitting(archive, pattern)]


@contextmanager
def _opened(body: Bytes) -> Iterator[zipfile.ZipFile]:
    """Open the zip *body*, and report what is wrong with it."""
    try:
        with zipfile.ZipFile(BytesIO(body.read())) as archive:
            if len(archive.infolist()) > _MOST_FILES:
                raise NotADocument(f"The zip file holds more than {_MOST_FILES:,} files.")
            yield archive
    except _BROKEN_ZIP:
        raise NotADocument("The response should be a zip file, but can't be read as one.") from None
    except RuntimeError:  # how zipfile says that a file needs a password
        raise NotADocument("The zip file is locked with a password.") from None


def _fitting(archive: zipfile.ZipFile, pattern: str) -> list[zipfile.ZipInfo]:
    return [
        entry
        for entry in archive.infolist()
        if not entry.is_dir() and _fits(_base_name(entry), pattern)
    ]


def _fits(name: str, pattern: str) -> bool:
    """Compare in any case; the files that macOS adds for its own use are none."""
    return fnmatch.fnmatchcase(name.lower(), pattern.lower()) and not name.startswith("._")


def _base_name(entry: zipfile.ZipInfo) -> str:
    return entry.filename.replace("\\", "/").rpartition("/")[2]


def _read_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int
) -> Iterator[bytes]:
    if entry.file_size > max_bytes:
        raise SourceTooLarge(max_bytes)
    if entry.compress_type not in _BOUNDED:
        raise NotADocument(
            "The file in the zip is packed in an unusual way, which isn't unpacked here. "
            "Have the source pack it as most programs do (deflate)."
        )
    size = 0
    with archive.open(entry) as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise SourceTooLarge(max_bytes)
            yield chunk


def check_pattern(pattern: str) -> bool:
    """Say whether *pattern* can name a file in a zip: not empty, and a name without folders."""
    return bool(pattern.strip()) and "/" not in pattern and "\\" not in pattern
