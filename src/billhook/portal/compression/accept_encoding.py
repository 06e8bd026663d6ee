"""Reads the header Accept-Encoding (RFC 9110, section 12.5.3)."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

_QUALITY: Final = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")
_ALIASES: Final = {"x-gzip": "gzip"}
_UNLISTED: Final = 1e-4
"""The weight of ``identity`` where the header doesn't list it: acceptable, but never preferred."""


class Coding(Enum):
    """A content coding that Billhook can send, in order of preference."""

    BR = "br"
    GZIP = "gzip"
    IDENTITY = "identity"


def preferred_coding(header: str) -> Coding:
    """Return the coding that *header* prefers; ``IDENTITY`` where it accepts none of ours."""
    weights = _weights(header)
    best = max(Coding, key=lambda coding: weights[coding])  # the first one of equals
    return best if weights[best] > 0 else Coding.IDENTITY


def refuses_identity(header: str) -> bool:
    """Return whether *header* excludes a response without a content coding."""
    return _weights(header)[Coding.IDENTITY] == 0


def _weights(header: str) -> dict[Coding, float]:
    listed = dict(filter(None, map(_weight, header.lower().split(","))))
    others = listed.get("*")
    unlisted = {Coding.IDENTITY: _UNLISTED if others is None else others}
    return {
        coding: listed.get(coding.value, unlisted.get(coding, others or 0.0)) for coding in Coding
    }


def _weight(item: str) -> tuple[str, float] | None:
    """Return the coding and its weight; None for an item that doesn't follow the grammar."""
    name, *parameters = (part.strip() for part in item.split(";"))
    weight = "1"
    if parameters:
        key, _, weight = (part.strip() for part in parameters[0].partition("="))
        if key != "q" or len(parameters) > 1 or not _QUALITY.fullmatch(weight):
            return None
    return (_ALIASES.get(name, name), float(weight)) if name else None
