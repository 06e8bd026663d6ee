"""The address of a run: which integration and which command a path names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

PREFIX: Final = b"/api/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An integration, by its id or its name, and a command by its name."""

    integration: str
    command: str


@lru_cache(maxsize=1024)
def read_route(raw_path: bytes) -> Route | None:
    """Return what *raw_path*, as it came on the wire, names; ``None`` if it isn't a run's address.

    Each segment is decoded separately, so that a name may contain a slash, written ``%2F``.
    """
    match raw_path.split(b"/"):
        case [b"", b"api", b"v1", b"integrations", integration, b"commands", command, b"run"]:
            return _route(integration, command)
    return None


def _route(integration: bytes, command: bytes) -> Route | None:
    try:
        names = [unquote_to_bytes(part).decode() for part in (integration, command)]
    except UnicodeDecodeError:
        return None
    if not all(names):
        return None
    return Route(integration=names[0], command=names[1])
