"""The name under which a caller saves a document: made from the invoice's number."""

from __future__ import annotations

from billhook.engine.safe_name import is_device, safe_stem


def file_name(wanted: object, *, fallback: str, extension: str) -> str:
    """Return a safe file name derived from *wanted*, or from *fallback* if it gives none."""
    stem = safe_stem(wanted) if isinstance(wanted, str) else ""
    if not stem or is_device(stem):
        stem = fallback
    return f"{stem}.{extension}"
