"""The file's name in a Content-Disposition, however a server writes it (RFC 6266)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from billhook.engine.answer.formats.charset import decode, known_charset
from billhook.engine.answer.formats.header_value import parameters

_NO_SEMICOLON: Final = re.compile(r"(?:^|[\s,])(?=filename\*?\s*=)", re.IGNORECASE)
_MAX_PIECES: Final = 100
_PIECE: Final = re.compile(r"filename\*(\d{1,3})(\*?)")
_ENCODED_WORD: Final = re.compile(
    r"=\?([\w.:+-]{1,40})(?:\*[\w-]{0,20})?\?([BbQq])\?([^?\s]{0,1000})\?=", re.ASCII
)
_BETWEEN_WORDS: Final = re.compile(r"(\?=)\s+(=\?)")
_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")


def file_name_in(value: str) -> str | None:
    """Return the file's name in the header *value*, or None where it can't be read.

    The extended form counts before the plain one (RFC 8187), which is read as browsers and mail
    programs do: as bytes in UTF-8 or Windows-1252, with encoded words (RFC 2047) or
    percent-encoded. A charset that is unknown never ends a run.
    """
    given = parameters(value) or parameters(_NO_SEMICOLON.sub(";", value, count=1))
    by_name = dict(reversed(given))
    if "filename*" in by_name:
        return _read_extended(by_name["filename*"]) or None
    pieces = _joined_pieces(given)
    if pieces:
        return pieces
    return _read_plain(by_name["filename"]) or None if "filename" in by_name else None


def _joined_pieces(given: list[tuple[str, str]]) -> str:
    """Join a name that is split into ``filename*0``, ``filename*1`` and so on (RFC 2231, 3)."""
    found: dict[int, tuple[str, str]] = {}
    for key, text in given:
        match = _PIECE.fullmatch(key)
        if match and int(match[1]) < _MAX_PIECES:
            found.setdefault(int(match[1]), (text, match[2]))
    ordered = [found[number] for number in sorted(found)]
    if not ordered:
        return ""
    is_extended = bool(ordered[0][1])
    whole = "".join(text for text, _ in ordered)
    return _read_extended(whole) if is_extended else _read_plain(whole)


def _read_extended(text: str) -> str:
    """Read ``charset'language'percent-encoded``; without the quotes it is all name."""
    parts = text.split("'", 2)
    label, encoded = (parts[0], parts[2]) if len(parts) > 2 else ("", text)  # noqa: PLR2004
    return decode(unquote_to_bytes(_as_bytes(encoded)), known_charset(label))


def _read_plain(text: str) -> str:
    text = decode(_as_bytes(text))
    if len(text) > 2 and text[0] == text[-1] == "'":  # noqa: PLR2004 - a name in other quotes
        text = text[1:-1]
    if "=?" in text:
        return _ENCODED_WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1\2", text))
    if not _PERCENT.search(text):
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        return text


def _decode_word(match: re.Match[str]) -> str:
    label, encoding, text = match.groups()
    try:
        if encoding in "Bb":
            data = base64.b64decode(text + "=" * (-len(text) % 4))
        else:
            data = binascii.a2b_qp(text, header=True)
    except (binascii.Error, ValueError):
        return match[0]
    return decode(data, known_charset(label))


def _as_bytes(text: str) -> bytes:
    """Return the bytes of the header: those that aren't UTF-8 came as halves of surrogates."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="replace")
