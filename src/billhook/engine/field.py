"""The description of a field that people fill in, in a form or in an integration file.

The reader and writer of files, the form with its labels and hints, and the tables of the docs come
from these descriptions. Authentication schemes, commands and steps have them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FieldValue = str | bool | int | float | tuple[str, ...]
"""A value as typed, before it is checked and compiled."""

KINDS: Final = {
    "text": "Text; may hold variables and secrets.",
    "secret": "The token of one secret, and nothing else.",
    "choice": "One of a few words.",
    "boolean": "true or false.",
    "seconds": "A number of seconds above 0.",
    "url": "A URL; only variables are allowed in its scheme, host and port.",
    "header-name": "The name of a header, without tokens.",
    "header-text": "Part of a header: ASCII, without a space at either end.",
    "request-text": "Text about the request, with the tokens listed there.",
}
"""Kinds of fields of an authentication scheme, each with the text that it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInfo:
    """One field: its ``key`` in a file and a form, and everything that people read about it.

    ``default`` applies where nothing is typed. ``choices`` are all values of a choice. A field is
    allowed wherever its owner is, unless ``allowed_in`` lists the only places.
    """

    key: str
    label: str
    help: str
    kind: str = "text"
    required: bool = False
    default: FieldValue = ""
    choices: tuple[str, ...] = ()
    allowed_in: tuple[str, ...] = ()

    @property
    def secret(self) -> bool:
        """Whether the field takes only the token of one secret."""
        return self.kind == "secret"
