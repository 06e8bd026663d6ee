"""The name under which a document is saved: made from the invoice's number, and safe anywhere."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote

MAX_LENGTH: Final = 80
_UNSAFE: Final = re.compile(r"[^\w.-]+")
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, whatever their extension."""


def file_name(wanted: object, *, fallback: str, extension: str) -> str:
    """Return a file name derived from *wanted*, or from *fallback* if nothing usable is left of it.

    Letters, digits, ``.``, ``-`` and ``_`` stay; everything else, path separators and control
    characters among it, becomes ``-``. It never starts with a dot and never ends with one.
    """
    text = unicodedata.normalize("NFC", wanted) if isinstance(wanted, str) else ""
    stem = _UNSAFE.sub("-", text)[:MAX_LENGTH].strip(".-_")
    if not stem or _RESERVED.fullmatch(stem):
        stem = fallback
    return f"{stem}.{extension.lstrip('.')}"


def attachment(name: str) -> bytes:
    """Return the Content-Disposition for *name*, which :func:`file_name` made (RFC 6266).

    A name that isn't ASCII is given twice: plain, for old readers, and as RFC 8187 has it.
    """
    if name.isascii():
        return f'attachment; filename="{name}"'.encode()
    plain = re.sub(r"[^\x20-\x7e]+", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}".encode()
