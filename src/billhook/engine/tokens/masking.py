"""Masks secrets in texts: whole and in parts, in every encoding in which a source may repeat them.

Sources echo what they were sent: in an error, as a search term, in a link. So a text is searched
for each secret as it is written, then without the escapes of URLs, JSON and HTML, in whatever
mixture, and without spaces and signs. In each of these readings, a secret may also be reversed, in
base 64, base 32 or hexadecimal.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import quote_plus

from billhook.engine.secret import MASK, Secret

_SHORT: Final = 3
"""Characters of a secret that is masked as a whole word only."""
_HAS_PARTS: Final = 8
"""The least characters of a secret whose parts are masked, too."""
_LEAST_PART: Final = 6
_PART: Final = 8
"""The least characters of a part that is masked; of a shorter secret, its half or six."""
_ROUNDS: Final = 3
"""The most times that escapes are read: an escaped text may be escaped again."""
_ASCII_SMALL: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_ESCAPE: Final = re.compile(
    r"%(?P<percent>[0-9a-f]{2})|\\x(?P<hex>[0-9a-f]{2})|\\u\{?(?P<unicode>[0-9a-f]{4})\}?"
    r"|(?P<entity>&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});)|\\(?P<escaped>.)",
    re.DOTALL,
)
_SIGN: Final = re.compile(r"[^0-9a-z]+")
_SPACES: Final = {"n": "\n", "r": "\r", "t": "\t"}


class _WrittenSecret(NamedTuple):
    """One way to write a secret, in small letters. ``part`` characters of it are masked, too."""

    text: str
    part: int


@dataclass(frozen=True, slots=True)
class _Reading:
    """A reading of a text: its UTF-8 bytes as characters, in small letters.

    ``starts`` and ``ends`` say where in the text each of them comes from.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def mask(text: str, secrets: Iterable[Secret]) -> str:
    """Return *text* with a mask in place of each secret, and of each longer part of one.

    A short secret, such as the user id 7 of a session, is masked only where it is a word of its
    own: elsewhere it is part of other words, which stay readable.
    """
    pieces, end = [], 0
    for start, stop in _merged(_spans(text, secrets)):
        pieces += [text[end:start], MASK]
        end = stop
    return "".join([*pieces, text[end:]])


def holds_secret(text: str, secrets: Iterable[Secret]) -> bool:
    """Return whether *text* has one of *secrets*, or a longer part of one."""
    return next(_spans(text, secrets), None) is not None


def _spans(text: str, secrets: Iterable[Secret]) -> Iterator[tuple[int, int]]:
    """Yield where *text* has a secret."""
    forms = {form for secret in secrets for form in _forms(secret.reveal())}
    if not forms:
        return
    reading = _as_written(text)
    yield from _spans_in(reading, forms)
    for _ in range(_ROUNDS):
        if not _ESCAPE.search(reading.text):
            break
        reading = _without_escapes(reading)
        yield from _spans_in(reading, forms)
    yield from _spans_in(_without_signs(reading), set(_squeezed(forms)))


def _spans_in(reading: _Reading, forms: set[_WrittenSecret]) -> Iterator[tuple[int, int]]:
    for start, stop in _places(reading.text, forms):
        yield reading.starts[start], reading.ends[stop - 1]


def _places(small: str, forms: set[_WrittenSecret]) -> Iterator[tuple[int, int]]:
    whole = sorted({form.text for form in forms}, key=len, reverse=True)
    if whole:
        for match in re.finditer("|".join(map(_pattern_of, whole)), small):
            yield match.span()
    for part in {form.part for form in forms if form.part}:
        known = {piece for form in forms if form.part == part for piece in _pieces(form)}
        for start in range(len(small) - part + 1):
            if small[start : start + part] in known:
                yield start, start + part


def _pattern_of(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) > _SHORT else rf"(?<!\w){escaped}(?!\w)"


def _pieces(form: _WrittenSecret) -> Iterator[str]:
    for start in range(len(form.text) - form.part + 1):
        yield form.text[start : start + form.part]


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return *spans* in order, those that overlap or touch as one."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _as_written(text: str) -> _Reading:
    small = text.translate(_ASCII_SMALL)
    if small.isascii():
        return _Reading(small, range(len(small)), range(1, len(small) + 1))
    bytes_ = [_as_bytes(character) for character in small]
    starts = [number for number, each in enumerate(bytes_) for _ in each]
    return _Reading("".join(bytes_), starts, [start + 1 for start in starts])


def _as_bytes(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _without_escapes(reading: _Reading) -> _Reading:
    """Return *reading* with what its escapes mean; each comes from its whole escape."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    end = 0
    for match in _ESCAPE.finditer(reading.text):
        meant = _meaning(match).translate(_ASCII_SMALL)
        start, stop = match.span()
        pieces += [reading.text[end:start], meant]
        starts += [*reading.starts[end:start], *[reading.starts[start]] * len(meant)]
        ends += [*reading.ends[end:start], *[reading.ends[stop - 1]] * len(meant)]
        end = stop
    pieces.append(reading.text[end:])
    return _Reading("".join(pieces), [*starts, *reading.starts[end:]], [*ends, *reading.ends[end:]])


def _meaning(match: re.Match[str]) -> str:
    if byte := match["percent"] or match["hex"]:
        return chr(int(byte, 16))
    if code := match["unicode"]:
        return _as_bytes(chr(int(code, 16)))
    if entity := match["entity"]:
        return _as_bytes(html.unescape(entity))
    return _SPACES.get(match["escaped"], match["escaped"])


def _without_signs(reading: _Reading) -> _Reading:
    """Return the letters and digits of *reading* alone."""
    kept = [match.span() for match in re.finditer(r"[0-9a-z]+", reading.text)]
    places = [place for start, stop in kept for place in range(start, stop)]
    return _Reading(
        _SIGN.sub("", reading.text),
        [reading.starts[place] for place in places],
        [reading.ends[place] for place in places],
    )


def _squeezed(forms: Iterable[_WrittenSecret]) -> Iterator[_WrittenSecret]:
    """Yield *forms* without signs, as far as they are long enough to be recognised then."""
    for form in forms:
        text = _SIGN.sub("", form.text)
        if len(text) >= _PART:
            yield _WrittenSecret(text, max(form.part, _PART) if form.part else 0)


def _forms(value: str) -> Iterator[_WrittenSecret]:
    """Yield each way to write *value* in a reading."""
    part = min(_PART, max(_LEAST_PART, len(value) // 2)) if len(value) >= _HAS_PARTS else 0
    for text, width in _texts(value):
        if text:
            yield _WrittenSecret(text.translate(_ASCII_SMALL), int(part * width + 0.5))


def _texts(value: str) -> Iterator[tuple[str, float]]:
    """Yield each way to write *value*, with the characters that one of it takes."""
    yield _as_bytes(value), 1
    yield quote_plus(value), 1  # a space as +, which no reading takes for an escape
    if len(value) > _SHORT:
        for written in (value, value[::-1]):
            yield _as_bytes(written), 1
            yield from _encoded(written.encode("utf-8", "surrogatepass"))


def _encoded(raw: bytes) -> Iterator[tuple[str, float]]:
    yield raw.hex(), 2
    yield raw.hex()[::-1], 2
    yield base64.b32encode(raw).decode().rstrip("="), 0
    for once in _base64(raw):
        yield once, 4 / 3
        for twice in _base64(once.encode()):
            yield twice, 16 / 9


def _base64(raw: bytes) -> Iterator[str]:
    """Yield what base 64 makes of *raw* inside a longer text: it appears in one of three shifts."""
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw).decode()
        inner = encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")
