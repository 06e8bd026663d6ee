"""Reads the value of a header that has parameters, such as Content-Type (RFC 9110, 5.6.6)."""

from __future__ import annotations

import re
from typing import Final

MAX_VALUE: Final = 8_192
"""So many characters of a value are read."""
_PARAMETER: Final = re.compile(
    r""";\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))""", re.DOTALL
)
_ESCAPED: Final = re.compile(r"""\\(["\\])""")  # a folder of Windows keeps its backslashes


def parameters(value: str) -> list[tuple[str, str]]:
    """Return the parameters of *value* in order, names in small letters and values unquoted."""
    return [
        (match[1].lower(), _unquoted(match[2]) if match[2] is not None else match[3].strip())
        for match in _PARAMETER.finditer(value[:MAX_VALUE])
    ]


def parameter(value: str, name: str) -> str | None:
    """Return the first parameter called *name*, which is in small letters."""
    return next((text for key, text in parameters(value) if key == name), None)


def media_type(value: str) -> str:
    """Return the media type of a Content-Type, in small letters and without its parameters."""
    return value.partition(";")[0].strip().lower()


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
