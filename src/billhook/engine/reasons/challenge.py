"""Challenges of a response with status 401: the schemes that a source wants (RFC 9110, 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

_MAX_LENGTH: Final = 8_190
_MOST: Final = 20
"""Challenges that are read: no source has so many, and they are read on the event loop."""
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a token of the grammar
_PARAMETER: Final = re.compile(
    rf'[ \t]*(?P<name>{_TOKEN})[ \t]*=[ \t]*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"]+))'
    r"(?:[ \t]*,|[ \t]+|$)"  # a missing comma is forgiven
)
_SCHEME: Final = re.compile(rf"[ \t]*(?P<name>{_TOKEN})(?:[ \t]+|,|$)")
_TOKEN68: Final = re.compile(r"[0-9A-Za-z._~+/-]+=*[ \t]*(?:,|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One scheme that a source accepts, in small letters, with its parameters."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_challenges(headers: Iterable[tuple[str, str]]) -> list[Challenge]:
    """Return the first challenges in all WWW-Authenticate headers, without what can't be read."""
    values = (value for name, value in headers if name.lower() == "www-authenticate")
    found = (each for value in values for each in _read(value[:_MAX_LENGTH]))
    return list(islice(found, _MOST))


def read_parameters(text: str) -> dict[str, str]:
    """Return the parameters of a header such as Authentication-Info (RFC 7615)."""
    return _read_parameters(text, 0)[0]


def _read(text: str) -> Iterable[Challenge]:
    position = _skip_commas(text, 0)
    while found := _SCHEME.match(text, position):
        position = found.end()
        if credential := _TOKEN68.match(text, position):
            yield Challenge(scheme=found["name"].lower())
            position = credential.end()
        else:
            parameters, position = _read_parameters(text, position)
            yield Challenge(scheme=found["name"].lower(), parameters=parameters)
        position = _skip_commas(text, position)


def _read_parameters(text: str, position: int) -> tuple[dict[str, str], int]:
    parameters: dict[str, str] = {}
    while found := _PARAMETER.match(text, position):
        quoted = found["quoted"]
        value = found["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        parameters.setdefault(found["name"].lower(), value)
        position = _skip_commas(text, found.end())
    return parameters, position


def _skip_commas(text: str, position: int) -> int:
    while position < len(text) and text[position] in ", \t":
        position += 1
    return position
