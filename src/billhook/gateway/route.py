"""The address of a run: which integration and which command a path names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

_API: Final = "/api/"
_PREFIX: Final = b"/api/v1/integrations/"
_SEGMENTS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An integration, by its id or its name, and a command by its name."""

    integration: str
    command: str


def is_api_path(path: str) -> bool:
    """Return whether a program asked, which gets problem documents instead of pages.

    *path* is decoded, as the portal's routes see it: ``/%61pi/`` is ``/api/``.
    """
    return path.startswith(_API)


def is_run_path(raw_path: bytes) -> bool:
    """Return whether *raw_path* has the form of a run's address, whatever it names."""
    if not (raw_path.startswith(_PREFIX) and raw_path.endswith(b"/run")):
        return False
    segments = raw_path.split(b"/")
    return len(segments) == _SEGMENTS and segments[5] == b"commands"


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
