"""Splits a response of several parts (RFC 2046, 5.1), such as SOAP with attachments or MTOM."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from billhook.engine.answer.formats.header_value import media_type, parameter

MAX_PARTS: Final = 1_000
_MAX_HEAD: Final = 16_384
_MAX_DEPTH: Final = 3
_MAX_BOUNDARY: Final = 200
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_FOLD: Final = re.compile(r"\r?\n[ \t]+")  # a line that begins with a space continues the last
_BOUNDARY_LINE: Final = re.compile(rb"\s{0,100}--([^\r\n]{1,200}?)[ \t]{0,100}\r?\n")
_REST_OF_LINE: Final = re.compile(rb"(--)?[ \t]{0,100}(?:\r?\n|\Z)")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/=]")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyPart:
    """One part: its headers, names in small letters, and its bytes as they were sent."""

    headers: dict[str, str]
    raw: memoryview

    @property
    def content_type(self) -> str:
        """The Content-Type, or an empty text."""
        return self.headers.get("content-type", "")

    @property
    def content_id(self) -> str:
        """The Content-ID without its brackets, or an empty text."""
        return bare_id(self.headers.get("content-id", ""))

    def read(self) -> bytes:
        """Return the bytes of the part, without its transfer encoding (RFC 2045, 6)."""
        encoding = self.headers.get("content-transfer-encoding", "").strip().lower()
        data = bytes(self.raw)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(data)
        return _decode_base64(data) if encoding == "base64" else data


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyParts:
    """The parts of a response in order, at least one; a reader begins with ``root``."""

    all: tuple[BodyPart, ...]
    root: BodyPart

    def by_id(self, wanted: str) -> BodyPart | None:
        """Return the part with this Content-ID, given with or without ``cid:`` (RFC 2392)."""
        wanted = bare_id(wanted)
        exact = [part for part in self.all if part.content_id == wanted]
        decoded = [part for part in self.all if unquote(part.content_id) == unquote(wanted)]
        return next(iter([*exact, *decoded]), None)


def is_multipart(content_type: str) -> bool:
    """Say whether *content_type* is that of a response of several parts."""
    return media_type(content_type).startswith("multipart/")


def is_reference(text: str) -> bool:
    """Say whether *text* refers to a part by its Content-ID: ``cid:…`` (RFC 2392)."""
    return text.strip()[:4].lower() == "cid:"


def bare_id(text: str) -> str:
    """Return a Content-ID without ``cid:``, brackets and space around it."""
    text = text.strip()
    if text[:4].lower() == "cid:":
        text = text[4:]
    return text.removeprefix("<").removesuffix(">")


def split_parts(content_type: str, data: bytes) -> BodyParts | None:
    """Return the parts of *data*, or None where there are none, or more than are read.

    BodyParts inside parts count like the others.
    """
    parts: list[BodyPart] = []
    for part in _leaves(content_type, data, _MAX_DEPTH):
        parts.append(part)
        if len(parts) > MAX_PARTS:
            return None
    if not parts:
        return None
    split = BodyParts(all=tuple(parts), root=parts[0])
    start = parameter(content_type, "start")
    root = split.by_id(start) if start else None
    return split if root is None else BodyParts(all=split.all, root=root)


def _leaves(content_type: str, data: bytes, depth: int) -> Iterator[BodyPart]:
    boundary = _boundary_of(content_type, data)
    if boundary is None:
        return
    view = memoryview(data)
    for start, end in _spans(data, b"--" + boundary):
        part = _read_part(data, view, start, end)
        if is_multipart(part.content_type) and depth > 1:
            yield from _leaves(part.content_type, bytes(part.raw), depth - 1)
        else:
            yield part


def _boundary_of(content_type: str, data: bytes) -> bytes | None:
    """Return the boundary that the header names, else that of the body's first line."""
    named = parameter(content_type, "boundary")
    if named and len(named) <= _MAX_BOUNDARY:
        return named.encode("utf-8", errors="surrogateescape")
    match = _BOUNDARY_LINE.match(data)
    return match[1] if match else None


def _spans(data: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Give where each part begins and ends; one whose end is missing ends with the body."""
    begun: int | None = None
    at = data.find(delimiter)
    while at >= 0:
        rest = _REST_OF_LINE.match(data, at + len(delimiter))
        if rest is not None and (at == 0 or data[at - 1 : at] == b"\n"):
            if begun is not None:
                yield begun, _before_line_end(data, at, begun)
            begun = None if rest[1] else rest.end()
            if rest[1]:
                return
        at = data.find(delimiter, at + len(delimiter))
    if begun is not None:
        yield begun, len(data)


def _before_line_end(data: bytes, at: int, least: int) -> int:
    """Return the end of what precedes the line break before *at*, which is the delimiter's."""
    end = at - 2 if data[at - 2 : at] == b"\r\n" else at - 1
    return max(end, least)


def _read_part(data: bytes, view: memoryview, start: int, end: int) -> BodyPart:
    if data.startswith((b"\r\n", b"\n"), start, end):  # no header at all
        return BodyPart(headers={}, raw=view[data.index(b"\n", start) + 1 : end])
    match = _HEAD_END.search(data, start, min(end, start + _MAX_HEAD))
    if match is None:
        return BodyPart(headers={}, raw=view[start:end])
    head = data[start : match.start()].decode("utf-8", errors="surrogateescape")
    pairs = [line.partition(":") for line in _FOLD.sub(" ", head).splitlines()]
    headers = {name.strip().lower(): value.strip() for name, _, value in reversed(pairs)}
    return BodyPart(headers=headers, raw=view[match.end() : end])


def _decode_base64(data: bytes) -> bytes:
    """Decode leniently, as mail readers do (RFC 2045, 6.8): other characters are skipped."""
    bare = _NOT_BASE64.sub(b"", data).rstrip(b"=")
    try:
        return binascii.a2b_base64(bare + b"=" * (-len(bare) % 4))
    except binascii.Error:  # a single character is left over
        return b""
