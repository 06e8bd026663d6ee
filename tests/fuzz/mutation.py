"""Mutates data: what is given is changed at a few random places, so that it stays almost valid."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

MAX_SIZE = 64 * 1024
"""Bytes of an input: what is read on the event loop is bounded by size and by marks."""
_NUMBERS = (0, 1, 2, 4, 7, 8, 127, 128, 255, 256, 32_767, 65_535, 2**31 - 1, 2**31, 2**32 - 1)
_PIECES = (
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b"\n", b" ", b'"', b"'", b"\\", b"%"),
    *(b"<", b">", b"</a>", b"<!--", b"<![CDATA[", b"<!DOCTYPE a [", b"<!ENTITY a 'b'>", b"&a;"),
    *(b"&#x110000;", b"<?xml version='1.0' encoding='utf-16'?>", b"xmlns='urn:x'", b"xsi:nil='1'"),
    *(b"{", b"}", b"[", b"]", b":", b",", b"null", b"true", b"1e999", b"-0", b"NaN", b"9" * 5000),
    *(b"\\ud800", b"\\u0000", b'{"a":', b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"%PDF-"),
    *(b"%%EOF", b"endobj", b"stream\n", b"II*\0", b"MM\0*", b"../", b"con", b"\xe2\x80\xae"),
    *(b"=", b";", b"filename*=UTF-8''%ff", b"charset=utf-7", b"boundary=", b"--", b"{{", b"}}"),
    *(b"data:;base64,", b"[[", b"]]", b"#", b"'''", b"\t", b"0x", b"JVBERi0", b"gzip", b"cid:"),
    *(b"#\\udc80", b"?\\ud800", b"/\\udfff", b"\\u2028", b"\\u0085", b"%2e%2e/", b"%00", b"@"),
)


def mutated(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a file of *corpus* with one to eight changes."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
        chance.choice(_CHANGES)(data, corpus, chance)
    return bytes(data[:MAX_SIZE])


def _flip(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _insert(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randint(0, len(data))
    data[at:at] = chance.choice(_PIECES)


def _replace(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start, end = _span(data, chance)
    data[start:end] = chance.choice(_PIECES)


def _delete(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start, end = _span(data, chance)
    del data[start:end]


def _repeat(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start, end = _span(data, chance)
    data[end:end] = data[start:end] * chance.choice((1, 2, 10, 100, 2_000))
    del data[MAX_SIZE:]


def _cut(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    del data[chance.randint(0, len(data)) :]


def _set_number(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    form = chance.choice(("<H", ">H", "<I", ">I"))
    size = struct.calcsize(form)
    if len(data) >= size:
        at = chance.randint(0, len(data) - size)
        number = chance.choice(_NUMBERS) & (256**size - 1)
        data[at : at + size] = struct.pack(form, number)


def _splice(data: bytearray, corpus: Sequence[bytes], chance: random.Random) -> None:
    other = chance.choice(corpus)
    data[chance.randint(0, len(data)) :] = other[chance.randint(0, len(other)) :]


def _span(data: bytearray, chance: random.Random) -> tuple[int, int]:
    start = chance.randint(0, len(data))
    return start, min(len(data), start + chance.choice((1, 2, 4, 16, 64, 1_000)))


_CHANGES: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    *(_flip, _insert, _replace, _delete, _repeat, _cut, _set_number, _splice),
)
