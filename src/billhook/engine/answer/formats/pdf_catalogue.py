"""Finds the catalogue of a PDF by its table of objects, without looking at the rest of the file."""

from __future__ import annotations

import re
import zlib
from typing import Final, NamedTuple

_TAIL: Final = 1024
_START: Final = re.compile(rb"startxref\s{1,20}(\d{1,10})\s")
_ROOT: Final = re.compile(rb"/Root\s{1,9}(\d{1,9})\s{1,9}\d{1,5}\s{1,9}R")
_SECTION: Final = re.compile(rb"\s{0,9}(\d{1,9}) (\d{1,9})\s{1,9}(?=\d{10} )")
_MOST_SECTIONS: Final = 20
_ENTRY: Final = 20  # bytes of one line of the table (ISO 32000-1, 7.5.4)
_MOST_OF_A_TRAILER: Final = 4096
_MOST_OF_AN_OBJECT: Final = 8192
_MOST_UNPACKED: Final = 256 * 1024
_DIRECT, _PACKED = 1, 2
_UP: Final = 2  # the filter of PNG that says how a row differs from the one above it


class _Entry(NamedTuple):
    """The location of an object: an offset, or the nth in the stream of that number."""

    kind: int
    at: int
    nth: int


def catalogue_of(data: bytes) -> bytes:
    """Return the text of the catalogue's object, or nothing where it isn't found at once.

    Only the newest table is read: that of a changed PDF has the catalogue in it if that changed.
    """
    start = _START.search(data[-_TAIL:])
    if start is None:
        return b""
    at = int(start[1])
    try:
        if data.startswith(b"xref", at):
            return _by_table(data, at)
        return _by_stream(data, at)
    except (ValueError, IndexError, zlib.error):
        return b""


def _by_table(data: bytes, at: int) -> bytes:
    trailer = data.find(b"trailer", at)
    root = _ROOT.search(data, trailer, trailer + _MOST_OF_A_TRAILER) if trailer >= 0 else None
    position = at + len(b"xref")
    for _ in range(_MOST_SECTIONS if root else 0):
        section = _SECTION.match(data, position)
        if section is None:
            return b""
        first, count = int(section[1]), int(section[2])
        index = int(root[1]) - first if root else -1
        if 0 <= index < count:
            entry = section.end() + _ENTRY * index
            return _object_at(data, int(data[entry : entry + 10]))
        position = section.end() + _ENTRY * count
    return b""


def _object_at(data: bytes, at: int) -> bytes:
    return data[at : at + _MOST_OF_AN_OBJECT].partition(b"endobj")[0]


def _by_stream(data: bytes, at: int) -> bytes:
    """Read a table that is a stream (ISO 32000-1, 7.5.8), and the stream that has the object."""
    head, rows = _unpacked(data, at)
    root = _ROOT.search(head)
    if root is None:
        return b""
    entry = _entry(head, rows, int(root[1]))
    if entry.kind == _DIRECT:
        return _object_at(data, entry.at)
    holder = _entry(head, rows, entry.at)
    if entry.kind != _PACKED or holder.kind != _DIRECT:
        return b""
    head, text = _unpacked(data, holder.at)
    first = _number(head, b"First")
    offsets = text[:first].split()
    start = first + int(offsets[2 * entry.nth + 1])
    following = offsets[2 * entry.nth + 3 : 2 * entry.nth + 4]
    return text[start : first + int(following[0])] if following else text[start:]


def _unpacked(data: bytes, at: int) -> tuple[bytes, bytes]:
    """Return the dictionary of the stream at *at*, and the beginning of what it unpacks to."""
    head, mark, _ = data[at : at + _MOST_OF_A_TRAILER].partition(b"stream")
    start = at + len(head) + len(mark)
    start += 2 if data.startswith(b"\r\n", start) else 1
    packed = data[start : start + _MOST_UNPACKED]
    return head, zlib.decompressobj().decompress(packed, _MOST_UNPACKED)


def _entry(head: bytes, rows: bytes, number: int) -> _Entry:
    """Return the entry of the object *number* in the *rows* of a table."""
    widths = [int(each) for each in _numbers(head, b"W")]
    bounds = [int(each) for each in _numbers(head, b"Index")] or [0, _number(head, b"Size")]
    index, before = -1, 0
    for first, count in zip(bounds[::2], bounds[1::2], strict=False):
        if first <= number < first + count:
            index = before + number - first
        before += count
    if index < 0:
        raise ValueError(number)
    row = _row(rows, index, sum(widths), is_predicted=b"/Predictor" in head)
    kind, at, nth = _fields(row, widths)
    return _Entry(kind if widths[0] else _DIRECT, at, nth)


def _row(rows: bytes, index: int, width: int, *, is_predicted: bool) -> bytes:
    """Return one row. Where each says how it differs from the last, the differences are added."""
    if not is_predicted:
        return rows[index * width : (index + 1) * width]
    step = width + 1
    filters = rows[: (index + 1) * step : step]
    if len(filters) <= index or filters.strip(bytes([_UP])):
        raise ValueError(index)
    return bytes(sum(rows[at : (index + 1) * step : step]) & 0xFF for at in range(1, step))


def _fields(row: bytes, widths: list[int]) -> list[int]:
    found, at = [], 0
    for width in widths:
        found.append(int.from_bytes(row[at : at + width], "big"))
        at += width
    return found


def _numbers(head: bytes, key: bytes) -> list[bytes]:
    match = re.search(rb"/%b\s{0,9}\[([\d\s]{1,200})\]" % key, head)
    return match[1].split() if match else []


def _number(head: bytes, key: bytes) -> int:
    match = re.search(rb"/%b\s{1,9}(\d{1,9})" % key, head)
    return int(match[1]) if match else 0
