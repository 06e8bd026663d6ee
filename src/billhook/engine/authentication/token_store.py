"""Storage for tokens that a source issues, from one run to the next.

A refresh token is often valid for one use: the source responds with a new one and refuses the old
one from then on. So the new one must be on disk before anything else is done, and nobody else may
use the old one in the meantime. This is the promise of a :class:`TokenStore`.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from billhook.engine.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedTokens:
    """Tokens issued by a token URL. ``expires_at`` is in seconds since 1970, None if unknown.

    ``source`` is a digest of the client and the first token: tokens of another one are never sent.
    """

    access: Secret
    expires_at: float | None
    refresh: Secret | None
    source: str

    def to_text(self) -> str:
        """Return text that holds the tokens themselves: encrypt it, or protect its file."""
        return json.dumps(
            {
                "access": self.access.reveal(),
                "expires_at": self.expires_at,
                "refresh": self.refresh.reveal() if self.refresh else None,
                "source": self.source,
            }
        )

    @staticmethod
    def from_text(text: str) -> IssuedTokens | None:
        """Return the tokens that :meth:`to_text` wrote, or None if *text* is anything else."""
        try:
            data: dict[str, Any] = json.loads(text)
            refresh = data["refresh"]
            return IssuedTokens(
                access=Secret(str(data["access"])),
                expires_at=None if data["expires_at"] is None else float(data["expires_at"]),
                refresh=Secret(str(refresh)) if refresh else None,
                source=str(data["source"]),
            )
        except (ValueError, TypeError, KeyError):
            return None


class TokenStore(Protocol):
    """Stores the tokens of one integration.

    None of the three methods may block the event loop: a store in a file or database works in a
    thread, or polls. :meth:`lock` is held during a token request, for some seconds, so in a
    database it should be a lease in a row instead of an open transaction.
    """

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Lock out every other user of these tokens, in other processes too.

        The lock is released when its process dies.
        """
        ...

    async def load(self) -> IssuedTokens | None:
        """Return the tokens saved last, by any process, or None."""
        ...

    async def save(self, tokens: IssuedTokens) -> None:
        """Save *tokens*, so that a crash right after the return doesn't lose them."""
        ...


class MemoryTokenStore:
    """Stores tokens as long as the process lives, for access tokens that can be renewed."""

    def __init__(self, tokens: IssuedTokens | None = None) -> None:
        self._tokens = tokens
        self._lock = asyncio.Lock()

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Lock out other tasks of this process."""
        return self._lock

    async def load(self) -> IssuedTokens | None:
        """Return the tokens saved last."""
        return self._tokens

    async def save(self, tokens: IssuedTokens) -> None:
        """Remember *tokens*."""
        self._tokens = tokens
