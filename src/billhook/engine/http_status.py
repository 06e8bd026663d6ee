"""Statuses of HTTP that several rooms give the same meaning (RFC 9110, 15)."""

from __future__ import annotations

from typing import Final

SUCCESS: Final = range(200, 300)
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
REFUSED: Final = frozenset({401, 403})
NOT_FOUND: Final = frozenset({404, 410})
TOO_MANY_REQUESTS: Final = 429
SERVER_ERRORS: Final = range(500, 600)
