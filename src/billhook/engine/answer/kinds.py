"""Kinds of files, recognised by their bytes: how each begins, how it ends, and its name.

The source's own description of its response (``Content-Type``, a file name) is ignored: login pages
come as ``application/pdf``, and PDFs as ``text/html``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from billhook.engine.answer.formats.tiff import is_whole_tiff
from billhook.engine.answer.xml_prologue import end_of_prologue

END_WINDOW: Final = 1024
"""A file's end mark is in so many last bytes: writers pad, and some append a line or two."""
HEAD_WINDOW: Final = 4096
"""The first bytes of a file that show its kind."""

_JSON_LIMIT: Final = 1_000_000
_ZIP_END_WINDOW: Final = 65_535 + 22  # the end record and the longest comment (APPNOTE 4.3.16)


class Bytes(Protocol):
    """The needed access to a file's bytes; :class:`billhook.engine.body.Body` has it."""

    size: int

    @property
    def descriptor(self) -> int | None:
        """The descriptor of the file with them, if they are in one."""
        ...

    def head(self, count: int) -> bytes:
        """Return the first bytes."""
        ...

    def tail(self, count: int) -> bytes:
        """Return the last bytes."""
        ...

    def read(self) -> bytes:
        """Return all bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kind:
    """One kind of file, which is one object.

    ``is_whole`` looks for its end, so that a cut file isn't taken for one.
    """

    media_type: str
    extension: str
    name: str
    is_whole: Callable[[Bytes], bool]


def _ends_with_mark(mark: bytes) -> Callable[[Bytes], bool]:
    return lambda body: mark in body.tail(END_WINDOW)


def _is_whole_riff(body: Bytes) -> bool:
    return int.from_bytes(body.head(8)[4:8], "little") + 8 <= body.size


def _is_whole_xml(body: Bytes) -> bool:
    root = _root_name(decode_start(body.head(HEAD_WINDOW)))
    end = _decode_end(body).rstrip()
    while end.endswith("-->") and "<!--" in end:
        end = end[: end.rindex("<!--")].rstrip()
    return bool(root) and re.search(rf"(</{re.escape(root)}\s*>|/>)$", end) is not None


def _is_whole_json(body: Bytes) -> bool:
    if body.size > _JSON_LIMIT:
        return body.tail(END_WINDOW).rstrip()[-1:] in {b"}", b"]"}
    try:
        json.loads(body.read())
    except (ValueError, RecursionError):
        return False
    return True


def _is_whole_zip(body: Bytes) -> bool:
    return b"PK\x05\x06" in body.tail(_ZIP_END_WINDOW)


PDF: Final = Kind(
    media_type="application/pdf",
    extension="pdf",
    name="a PDF",
    is_whole=_ends_with_mark(b"%%EOF"),  # ISO 32000-1, 7.5.5
)
PNG: Final = Kind(
    media_type="image/png",
    extension="png",
    name="a PNG image",
    is_whole=_ends_with_mark(b"IEND\xaeB`\x82"),  # ISO/IEC 15948, 11.2.5, with its fixed CRC
)
JPEG: Final = Kind(
    media_type="image/jpeg",
    extension="jpg",
    name="a JPEG image",
    is_whole=_ends_with_mark(b"\xff\xd9"),  # ITU-T T.81, B.1.1.3: never inside coded data
)
GIF: Final = Kind(
    media_type="image/gif",
    extension="gif",
    name="a GIF image",
    is_whole=lambda body: body.tail(2) == b"\0;",  # GIF89a, 15 and 27: too short a mark to search
)
WEBP: Final = Kind(
    media_type="image/webp", extension="webp", name="a WebP image", is_whole=_is_whole_riff
)
TIFF: Final = Kind(
    media_type="image/tiff",
    extension="tif",
    name="a TIFF image",
    is_whole=lambda body: is_whole_tiff(body.read()),
)
XML: Final = Kind(media_type="application/xml", extension="xml", name="XML", is_whole=_is_whole_xml)
JSON: Final = Kind(
    media_type="application/json", extension="json", name="JSON", is_whole=_is_whole_json
)
ZIP: Final = Kind(
    media_type="application/zip", extension="zip", name="a ZIP archive", is_whole=_is_whole_zip
)

KINDS: Final = {kind.media_type: kind for kind in (PDF, PNG, JPEG, GIF, WEBP, TIFF, XML, JSON, ZIP)}
"""The kinds that a command may accept, by media type."""
SYNONYMS: Final = {"text/xml": "application/xml", "image/jpg": "image/jpeg"}
"""Other names of the same kinds, which are allowed in a command's ``accept`` as well."""
ACCEPTABLE: Final = frozenset({*KINDS, *SYNONYMS})

_SIGNATURES: Final = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"PK\x03\x04", ZIP),
)
_XML_ROOT: Final = re.compile(r"<([A-Za-z_][\w.:-]*)")
_HTML: Final = re.compile(
    # The tags by which browsers know a page (WHATWG MIME Sniffing, 7.1), and a few more
    r"<(?:!doctype\s+html|html|head|script|iframe|h[1-6]|div|font|table|a|style|title|b|body|br|p"
    r"|meta|link|center|form|main|span|ul|hr|svg)(?:[\s>/]|$)",
    re.IGNORECASE,
)


@lru_cache(maxsize=256)
def kinds_of(accept: tuple[str, ...]) -> tuple[Kind, ...]:
    """Return the kinds of the media types in *accept*."""
    return tuple(KINDS[SYNONYMS.get(media_type, media_type)] for media_type in accept)


def kind_of(head: bytes) -> Kind | None:
    """Return the kind that a file with this *head* is of, or None if it is none of ours."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    return _kind_of_text(head)


_BEFORE_BASE64: Final = b" \t\r\n\"'\xef\xbb\xbf"


def is_web_page(head: bytes) -> bool:
    """Say whether a file with this *head* is HTML, also after a BOM, comments or in UTF-16."""
    text = decode_start(head)
    return _HTML.match(text, end_of_prologue(text)) is not None


def describe(head: bytes) -> str:
    """Name what *head* begins, for a sentence: ``JSON``, ``a PDF in base64``, ``plain text``."""
    if is_pdf_in_base64(head):
        return "a PDF in base64"
    if head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        return "compressed data"
    kind = kind_of(head)
    if kind is not None:
        return kind.name
    return "plain text" if _is_text(head) else "data of an unknown kind"


def is_pdf_in_base64(head: bytes) -> bool:
    """Say whether *head* is the beginning of a PDF in base 64, in quotes or not."""
    return head.lstrip(_BEFORE_BASE64).startswith(b"JVBERi0")


def decode_start(head: bytes) -> str:
    """Decode *head* as text for a look at its beginning; what can't be decoded is left out."""
    return head.decode(_encoding_of(head), errors="ignore").lstrip("\ufeff \t\r\n\f")


def _decode_end(body: Bytes) -> str:
    encoding = _encoding_of(body.head(HEAD_WINDOW))
    return body.tail(END_WINDOW + body.size % 2).decode(encoding, errors="ignore")


def _encoding_of(head: bytes) -> str:
    """Recognise UTF-16 by its BOM, or by the zero next to the first character (XML 1.0, F)."""
    if head.startswith((b"\xff\xfe", b"<\0", b"{\0", b"\r\0", b"\n\0", b" \0")):
        return "utf-16-le"
    if head.startswith((b"\xfe\xff", b"\0<", b"\0{")):
        return "utf-16-be"
    return "utf-8"


def _kind_of_text(head: bytes) -> Kind | None:
    text = decode_start(head)
    if text[:1] in {"{", "["} and _is_text(head):
        return JSON
    if text[:1] == "<" and not is_web_page(head) and _root_name(text):
        return XML
    return None


def _root_name(text: str) -> str:
    match = _XML_ROOT.match(text, end_of_prologue(text))
    return match[1] if match else ""


def _is_text(head: bytes) -> bool:
    if _encoding_of(head) == "utf-8" and b"\0" in head:
        return False
    text = decode_start(head)
    return bool(text) and all(character.isprintable() or character.isspace() for character in text)
