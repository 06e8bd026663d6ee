"""The document out of what it is wrapped in: base 64, a zip, or an address in the response."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import re
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, Final

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.kinds import Bytes
from billhook.engine.answer.paths import Path
from billhook.engine.errors import (
    AmbiguousAnswer,
    DocumentNotFound,
    MissingValue,
    NotADocument,
    SourceTooLarge,
)
from billhook.engine.tokens.values import Values

_DATA_URL: Final = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w.+=-]+)*;base64,", re.ASCII)
_URL_ALPHABET: Final = str.maketrans("-_", "+/")
_SPACE: Final = str.maketrans("", "", " \t\r\n\"'")
_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_MOST_FILES: Final = 1_000
_BOUNDED: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Compressions that zipfile unpacks in chunks. With the others, 2 KB become 2 GB."""
_CHUNK: Final = 256 * 1024


def text_at(path: Path | None, content: Content, values: Values, *, what: str) -> str:
    """Return the one text at *path*, or the whole body; *what* names it in errors.

    Raises DocumentNotFound where there is nothing, since a document that isn't made yet is a null
    or an empty text in most systems.
    """
    if path is None:
        return content.text()
    try:
        found = [value for value in path.find(content, values) if value is not None]
    except Unreadable as unreadable:
        raise MissingValue(what, unreadable.reason) from None
    texts = list(dict.fromkeys(value for value in found if isinstance(value, str)))
    if len(texts) < len(found) and not texts:
        raise MissingValue(what, "There is something else than a text.")
    if len(texts) > 1:
        raise AmbiguousAnswer(what, len(texts))
    if not texts or not texts[0].strip():
        raise DocumentNotFound
    return texts[0]


def decode_base64(text: str, *, max_bytes: int) -> bytes:
    """Decode base 64 of either alphabet (RFC 4648), with or without padding, in lines or not.

    A ``data:`` URL's head and quotes around the whole are allowed. Raises SourceTooLarge over
    *max_bytes*, and NotADocument where it is something else.
    """
    if match := _DATA_URL.match(text.lstrip(" \t\r\n\"'")):
        text = text.lstrip(" \t\r\n\"'")[match.end() :]
    bare = text.translate(_SPACE).translate(_URL_ALPHABET).rstrip("=")
    if len(bare) * 3 // 4 > max_bytes:
        raise SourceTooLarge(max_bytes)
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise NotADocument(
            "The response should have the document in base 64, but the text there isn't base 64. "
            "Compare the path with the response."
        ) from None


def is_zip(body: Bytes) -> bool:
    """Say whether *body* begins as a zip does, an empty one included."""
    return body.head(len(_EMPTY_ZIP)) in {_ZIP, _EMPTY_ZIP}


def take_from_zip(body: Bytes, pattern: str, *, max_bytes: int) -> Iterator[bytes]:
    """Give the bytes of the one file in the zip *body* whose name fits *pattern*.

    Names are only compared, never used. What comes out is counted while it comes, so that a small
    zip can't make a large file (CWE-409). Raises DocumentNotFound, AmbiguousAnswer, NotADocument
    and SourceTooLarge.
    """
    try:
        with zipfile.ZipFile(_file_of(body)) as archive:
            entry = _choose(archive.infolist(), pattern)
            yield from _read_entry(archive, entry, max_bytes)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError):
        raise NotADocument("The response should be a zip file, but can't be read as one.") from None
    except RuntimeError:  # how zipfile says that a file needs a password
        raise NotADocument("The zip file is locked with a password.") from None


def _choose(entries: list[zipfile.ZipInfo], pattern: str) -> zipfile.ZipInfo:
    if len(entries) > _MOST_FILES:
        raise NotADocument(f"The zip file holds more than {_MOST_FILES:,} files.")
    fitting = [
        entry
        for entry in entries
        if not entry.is_dir() and fnmatch.fnmatchcase(_base_name(entry).lower(), pattern.lower())
    ]
    if not fitting:
        raise DocumentNotFound
    if len(fitting) > 1:
        message = (
            f"The zip holds {len(fitting)} files that fit the pattern, where one was asked for. "
            "Make the pattern narrower."
        )
        raise AmbiguousAnswer("zip", len(fitting), message)
    return fitting[0]


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


def _file_of(body: Bytes) -> BinaryIO:
    return BytesIO(body.read())


def check_pattern(pattern: str) -> bool:
    """Say whether *pattern* can name a file in a zip: not empty, and a name without folders."""
    return bool(pattern.strip()) and "/" not in pattern and "\\" not in pattern
