"""The description of a field that people fill in, in a form or in an integration file.

The reader and writer of files, the form with its labels and hints, and the tables of the docs come
from these descriptions. Authentication schemes, commands and steps have them.
"""

from __future__ import annotations

import keyword
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from functools import cache
from typing import Any, Final

FieldValue = str | bool | int | float | tuple[Any, ...] | None
"""A value as typed, before it is checked and compiled."""

KINDS: Final = {
    "text": "Text; may hold variables and secrets.",
    "secret": "The token of one secret, and nothing else.",
    "secret-lines": "The same, for a secret of several lines, such as a private key.",
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

    ``default`` applies where nothing is typed. ``choices`` are all values of a choice, and
    ``words`` their names for people. ``example`` is shown in an empty field. A field is allowed
    wherever its owner is, unless ``allowed_in`` lists the only places.
    """

    key: str
    label: str
    help: str
    kind: str = "text"
    required: bool = False
    default: FieldValue = ""
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    example: str = ""
    allowed_in: tuple[str, ...] = ()

    @property
    def secret(self) -> bool:
        """Whether the field takes only the token of one secret."""
        return self.kind in {"secret", "secret-lines"}

    @property
    def attribute(self) -> str:
        """The name of the attribute: ``in_`` for the key ``in``, which Python has for itself."""
        return f"{self.key}_" if keyword.iskeyword(self.key) else self.key

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The choices, each with its name for people."""
        return tuple(zip(self.choices, self.words or self.choices, strict=True))

    def is_allowed_in(self, place: str) -> bool:
        """Return whether the field is allowed in *place*."""
        return not self.allowed_in or place in self.allowed_in


def describe(label: str, help: str = "", **more: Any) -> dict[str, FieldInfo]:  # noqa: A002
    """Return the metadata that describes a field of a dataclass. *more* are other attributes."""
    return {"info": FieldInfo(key="", label=label, help=help, **more)}


def described(label: str, help: str = "", *, default: Any, **more: Any) -> Any:  # noqa: A002
    """Return a field of a dataclass, with its default and its description."""
    return field(default=default, metadata=describe(label, help, **more))


def boolean(label: str, help: str = "", **more: Any) -> Any:  # noqa: A002
    """Return a field that is false unless set: this one line is all that a new one needs."""
    return described(label, help, default=False, kind="boolean", **more)


def fields_of(owner: type) -> tuple[FieldInfo, ...]:
    """Return the descriptions of the fields of *owner*, in order."""
    return _fields_of(owner)


@cache
def _fields_of(owner: Any) -> tuple[FieldInfo, ...]:
    return tuple(_info(each) for each in fields(owner) if "info" in each.metadata)


def _info(each: Field[Any]) -> FieldInfo:
    info: FieldInfo = each.metadata["info"]
    default: Any = info.default if each.default is MISSING else each.default
    return replace(info, key=each.name.removesuffix("_"), default=default)
