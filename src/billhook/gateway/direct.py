"""The ASGI extension by which our own server passes a run's request and response in one piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

DIRECT: Final = "billhook.direct"
"""The name of the extension in a scope."""


class Direct(Protocol):
    """The request and response of one cycle, without messages."""

    def take_body(self) -> bytes | None:
        """Return the body of the request if all of it has arrived; else None."""
        ...

    async def send(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole response, whose body isn't empty."""
        ...


def direct_of(scope: Mapping[str, Any]) -> Direct | None:
    """Return the extension, if the server has it."""
    extensions: Mapping[str, Any] = scope.get("extensions") or {}
    return extensions.get(DIRECT)
