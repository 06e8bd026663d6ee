"""Decodes a document written as text or numbers: base 64, hexadecimal, or a list of bytes."""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import json
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from billhook.engine.answer.kinds import HEAD_WINDOW, JSON, kind_of
from billhook.engine.errors import NotADocument, SourceTooLarge

_AROUND: Final = " \t\r\n\"'\ufeff"
_DATA_URL: Final = re.compile(r"data:([^,]{0,500}),", re.IGNORECASE)
_ESCAPED: Final = re.compile(r"(?<!\\)\\{1,8}(?:u00([0-9a-f]{2})|([nrt/]))", re.IGNORECASE)
_URL_ALPHABET: Final = str.maketrans("-_", "+/")
_SPACE: Final = str.maketrans("", "", _AROUND)
_BETWEEN_HEX: Final = str.maketrans("", "", _AROUND + ":-")
_HEX_PREFIX: Final = re.compile(r"\\*(?:0x|x)?", re.IGNORECASE)
_HEX_DIGITS: Final = "0123456789abcdefABCDEF"
_MOST_OF_A_BYTE: Final = 255
_LEAST_OF_A_BYTE: Final = -128  # in languages whose bytes have a sign, such as Java
_NOT_BASE64: Final = (
    "The response should have the document in base 64, but the value there isn't base 64. "
    "Compare the path with the response."
)


def decode_value(value: Any, *, max_bytes: int) -> bytes:
    """Return the bytes that *value*, a text, list or object of JSON, holds.

    Lists of numbers and Node's ``{"type": "Buffer", "data": […]}`` are bytes one by one. Raises
    SourceTooLarge over *max_bytes*, and NotADocument where it is something else.
    """
    if isinstance(value, str):
        return decode_text(value, max_bytes=max_bytes)
    numbers = _numbers_of(value)
    if not numbers:
        raise NotADocument(_NOT_BASE64)
    if len(numbers) > max_bytes:
        raise SourceTooLarge(max_bytes)
    if not all(type(number) is int and _is_byte(number) for number in numbers):
        raise NotADocument(_NOT_BASE64)
    return bytes(number & 0xFF for number in numbers)


def _is_byte(number: int) -> bool:
    return _LEAST_OF_A_BYTE <= number <= _MOST_OF_A_BYTE


def _numbers_of(value: Any) -> list[Any]:
    """Return the list of bytes in *value*; a typed array of JavaScript is an object of indexes."""
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = value["data"]
    elif isinstance(value, dict) and all(key == str(at) for at, key in enumerate(value)):
        value = list(value.values())
    return value if isinstance(value, list) else []


def decode_text(text: str, *, max_bytes: int) -> bytes:
    """Decode base 64 of either alphabet (RFC 4648), with or without padding, in lines or not.

    A ``data:`` URL (RFC 2397), quotes around the whole, a byte-order mark and characters that were
    escaped once too often are allowed; so is hexadecimal, and a list of numbers as JSON. Raises
    SourceTooLarge over *max_bytes*, and NotADocument where it is something else.
    """
    text = text.strip(_AROUND)
    if text[:1] in {"[", "{"}:
        return decode_value(_read_list(text), max_bytes=max_bytes)
    data = _decode_hex(text, max_bytes)
    if data is not None:
        return data
    if match := _DATA_URL.match(text):
        text = text[match.end() :]
        if not match[1].lower().rstrip().endswith("base64"):
            return _within(unquote_to_bytes(text), max_bytes)
    return _decode_base64(_unescaped(text), max_bytes)


def _read_list(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _decode_hex(text: str, max_bytes: int) -> bytes | None:
    """Decode hexadecimal, or return None: every such text is base 64 as well, so a kind decides.

    JSON doesn't: its one bracket is in too many texts, such as the base 64 ``7Bc``.
    """
    digits = text[_HEX_PREFIX.match(text).end() :]  # type: ignore[union-attr]
    if kind_of(_hex_bytes(digits[: 4 * HEAD_WINDOW]) or b"") in {None, JSON}:
        return None
    data = _hex_bytes(digits)
    return None if data is None else _within(data, max_bytes)


def _hex_bytes(text: str) -> bytes | None:
    bare = text.translate(_BETWEEN_HEX)
    if bare.strip(_HEX_DIGITS):
        return None
    return bytes.fromhex(bare[: len(bare) // 2 * 2])


def _unescaped(text: str) -> str:
    """Undo what JSON, XML or a URL did to a text that was already escaped."""
    steps: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("\\", lambda text: _ESCAPED.sub(_escaped_character, text)),
        ("&", html.unescape),
        ("%", lambda text: unquote_to_bytes(text).decode("latin-1")),
    )
    for mark, step in steps:
        if mark in text:
            with contextlib.suppress(ValueError):  # "&#" and thousands of digits
                text = step(text)
    return text


def _escaped_character(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return "/" if match[2] == "/" else ""


def _decode_base64(text: str, max_bytes: int) -> bytes:
    bare = text.translate(_SPACE).translate(_URL_ALPHABET).rstrip("=")
    if len(bare) * 3 // 4 > max_bytes:
        raise SourceTooLarge(max_bytes)
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise NotADocument(_NOT_BASE64) from None


def _within(data: bytes, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise SourceTooLarge(max_bytes)
    return data
