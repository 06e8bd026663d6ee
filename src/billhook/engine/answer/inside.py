"""Finds a document inside what holds it: parts, a zip, base 64, or other bytes around a PDF."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from glob import escape
from typing import Final

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.encoded_bytes import decode_text, decode_value
from billhook.engine.answer.formats.header_value import media_type
from billhook.engine.answer.formats.multipart import BodyPart, BodyParts, is_reference
from billhook.engine.answer.formats.pdf import HEADER_WINDOW, pdf_in
from billhook.engine.answer.kinds import (
    HEAD_WINDOW,
    PDF,
    Bytes,
    Kind,
    is_pdf_in_base64,
    kind_of,
    kinds_of,
)
from billhook.engine.answer.paths import Path
from billhook.engine.answer.unwrapping import (
    is_gzip,
    is_zip,
    names_in_zip,
    take_from_zip,
    unpacked,
    value_at,
)
from billhook.engine.errors import (
    AmbiguousAnswer,
    DocumentNotFound,
    MissingValue,
    NotADocument,
    SourceTooLarge,
)
from billhook.engine.tokens.values import Values

MAX_ATTACHMENTS: Final = 5
MAX_ATTACHMENT: Final = 5_000_000
"""Bytes of an XML file that comes with a document."""


def is_of_kind(content: Content, accept: tuple[str, ...]) -> bool:
    """Say whether the body begins as a document of a kind in *accept* does."""
    return kind_of(content.body.head(HEAD_WINDOW)) in kinds_of(accept)


def may_hold(content: Content, accept: tuple[str, ...]) -> bool:
    """Say whether a document of a kind in *accept* may be inside: a quick look, not proof."""
    if content.is_multipart or is_zip(content.body) or is_gzip(content.body):
        return True
    window = content.body.head(HEADER_WINDOW + len(b"%PDF-"))
    return PDF in kinds_of(accept) and (b"%PDF-" in window or is_pdf_in_base64(window))


def document_inside(
    content: Content,
    values: Values,  # noqa: ARG001 - as all reading
    *,
    accept: tuple[str, ...],
    max_bytes: int,
) -> Iterable[bytes]:
    """Give the bytes of the one document inside that is of a kind in *accept*; none without one.

    A PDF in base 64, which nobody said it is, or which was in base 64 twice, is decoded.
    Raises AmbiguousAnswer where there are several, and what is wrong with a zip.
    """
    kinds = kinds_of(accept)
    parts = _parts_of(content)
    if parts is not None:
        return _bounded(_in_parts(parts, kinds), max_bytes)
    if is_zip(content.body):
        return _in_zip(content.body, kinds, max_bytes)
    if is_gzip(content.body):
        return unpacked(content.body.read(), max_bytes=max_bytes)
    data = content.body.read()
    if is_pdf_in_base64(data[:HEAD_WINDOW]):
        return [decode_text(data.decode(errors="replace"), max_bytes=max_bytes)]
    return _bounded(pdf_in(data) or b"", max_bytes)


def part_of(
    selector: str,
    content: Content,
    values: Values,  # noqa: ARG001 - as all reading
    *,
    max_bytes: int,
) -> Iterable[bytes]:
    """Give the bytes of the part that *selector* names: by position, type or Content-ID.

    Raises DocumentNotFound where there is no such part, AmbiguousAnswer where there are several,
    and NotADocument where the response has no parts.
    """
    parts = _parts_of(content)
    if parts is None:
        raise NotADocument(
            "The response should have several parts (multipart), but has none. "
            "Compare the location of the document with the response."
        )
    found = select_parts(parts, selector)
    if not found:
        raise DocumentNotFound
    if len(found) > 1:
        raise _several(len(found))
    return _bounded(found[0].read(), max_bytes)


def decode_at(
    path: Path | None, content: Content, values: Values, *, what: str, max_bytes: int
) -> Iterable[bytes]:
    """Give the bytes that are written as text or numbers at *path*, or in the part named there.

    See :func:`billhook.engine.answer.unwrapping.value_at` and
    :func:`billhook.engine.answer.encoded_bytes.decode_value`.
    """
    value = value_at(path, content, values, what=what)
    if not isinstance(value, str) or not is_reference(value):
        return [decode_value(value, max_bytes=max_bytes)]
    parts = _parts_of(content)
    part = None if parts is None else parts.by_id(value)
    if part is None:
        raise MissingValue(what, "It refers to a part that the response doesn't have.")
    return _bounded(part.read(), max_bytes)


def xml_in_zip(content: Content, values: Values) -> list[str]:  # noqa: ARG001 - as all reading
    """Return the names of the first few XML files in the zip that *content* is."""
    return names_in_zip(content.body, "*.xml")[:MAX_ATTACHMENTS]


def xml_of_zip(name: str, content: Content, values: Values) -> Iterable[bytes]:  # noqa: ARG001 - as all reading
    """Give the bytes of the file called *name* in the zip that *content* is."""
    return take_from_zip(content.body, escape(name), max_bytes=MAX_ATTACHMENT)


def is_selector(text: str) -> bool:
    """Say whether *text* can select a part."""
    text = text.strip()
    is_position = text.isascii() and text.isdecimal() and text.strip("0") != ""
    return is_position or is_reference(text) or text.startswith("<") or "/" in text


def select_parts(parts: BodyParts, selector: str) -> list[BodyPart]:
    """Return the parts that *selector* means: ``2``, ``application/pdf`` or ``cid:invoice@acme``.

    A Content-ID is written with ``cid:`` or in angle brackets. Positions count from 1, the root
    part included.
    """
    selector = selector.strip()
    if selector.isascii() and selector.isdecimal():
        return list(parts.all[int(selector[:9]) - 1 : int(selector[:9])])
    if is_reference(selector) or selector.startswith("<"):
        part = parts.by_id(selector)
        return [] if part is None else [part]
    wanted = selector.lower()
    return [part for part in parts.all if fnmatchcase(media_type(part.content_type), wanted)]


def _parts_of(content: Content) -> BodyParts | None:
    try:
        return content.parts
    except Unreadable as unreadable:
        raise NotADocument(unreadable.reason) from None


def _in_parts(parts: BodyParts, kinds: tuple[Kind, ...]) -> bytes:
    """Choose by the bytes; the root is a document only where no other part is one."""
    others = [part for part in parts.all if part is not parts.root]
    for candidates in (others, [parts.root]):
        found = [data for part in candidates if (data := _document_in(part, kinds))]
        if len(found) > 1:
            raise _several(len(found))
        if found:
            return found[0]
    return b""


def _several(count: int) -> AmbiguousAnswer:
    message = (
        f"The response has {count} parts that may be the document. Say which one it is, by its "
        "position for example: answer = { part = 2 }."
    )
    return AmbiguousAnswer("part", count, message)


def _document_in(part: BodyPart, kinds: tuple[Kind, ...]) -> bytes:
    data = part.read()
    if kind_of(data[:HEAD_WINDOW]) in kinds:
        return data
    return (pdf_in(data) if PDF in kinds else None) or b""


def _in_zip(body: Bytes, kinds: tuple[Kind, ...], max_bytes: int) -> Iterable[bytes]:
    """Choose by the names: the first kind that the zip has a file of."""
    for kind in kinds:
        pattern = f"*.{kind.extension}"
        if names_in_zip(body, pattern):
            return take_from_zip(body, pattern, max_bytes=max_bytes)
    return []


def _bounded(data: bytes, max_bytes: int) -> Iterable[bytes]:
    if len(data) > max_bytes:
        raise SourceTooLarge(max_bytes)
    return [data]
