"""HTTP headers for a document that is sent on: the name to save it under, and protection."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

PROTECTIVE: Final = (
    ("Cache-Control", "private, no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
"""For all documents. Their Content-Security-Policy depends on who shows them."""
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9\-_. ]")


def content_disposition(file_name: str, *, download: bool) -> str:
    """Return a Content-Disposition for a safe name (RFC 6266, RFC 8187).

    A name that isn't ASCII appears twice: plain for old readers, and as RFC 8187 writes it.
    """
    kind = "attachment" if download else "inline"
    plain = _NOT_PLAIN.sub("_", file_name)
    extended = "" if plain == file_name else f"; filename*=UTF-8''{quote(file_name, safe='')}"
    return f'{kind}; filename="{plain}"{extended}'
