"""Where the tokens that a source gives out are kept from one run to the next.

A refresh token is often good for one use: the source answers with a new one and refuses the old one
from then on. So it has to be on the disk before anything else is done, and nobody else may use the
old one meanwhile. That is what a :class:`TokenKeeper` promises.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from billhook.engine.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a token URL gave out. ``expires_at`` is in seconds since 1970, None if it wasn't told.

    ``source`` tells for which client and from which first token they were had, as a digest: tokens
    of another one are never sent.
    """

    access: Secret
    expires_at: float | None
    refresh: Secret | None
    source: str

    def to_text(self) -> str:
        """Return them as text that holds the tokens themselves: encrypt it, or guard its file."""
        return json.dumps(
            {
                "access": self.access.reveal(),
                "expires_at": self.expires_at,
                "refresh": self.refresh.reveal() if self.refresh else None,
                "source": self.source,
            }
        )

    @staticmethod
    def from_text(text: str) -> Tokens | None:
        """Return the tokens that :meth:`to_text` wrote, or None if *text* is something else."""
        try:
            data: dict[str, Any] = json.loads(text)
            refresh = data["refresh"]
            return Tokens(
                access=Secret(str(data["access"])),
                expires_at=None if data["expires_at"] is None else float(data["expires_at"]),
                refresh=Secret(str(refresh)) if refresh else None,
                source=str(data["source"]),
            )
        except (ValueError, TypeError, KeyError):
            return None


class TokenKeeper(Protocol):
    """Keeps the tokens of one integration.

    None of the three may block the event loop: one that uses a file or a database does so in a
    thread, or asks again and again. :meth:`lock` is held while the token URL is asked, for some
    seconds, so on a database it is better a lease in a row than an open transaction.
    """

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Keep everybody else who uses these tokens out, in other processes too.

        It is let go when its process dies.
        """
        ...

    async def load(self) -> Tokens | None:
        """Return what was saved last, by whomever, or None."""
        ...

    async def save(self, tokens: Tokens) -> None:
        """Save *tokens* so that a crash a moment later doesn't lose them; then return."""
        ...


class MemoryKeeper:
    """Keeps tokens as long as the process lives, for access tokens that can be had anew."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens
        self._lock = asyncio.Lock()

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Keep others of this process out."""
        return self._lock

    async def load(self) -> Tokens | None:
        """Return what was saved last."""
        return self._tokens

    async def save(self, tokens: Tokens) -> None:
        """Remember *tokens*."""
        self._tokens = tokens
