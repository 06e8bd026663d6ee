"""The name under which an invoice's document is saved: made from our own record, safe anywhere."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from billhook.portal.invoices.models import Invoice

_LONGEST: Final = 80
_UNFIT: Final = re.compile(r"[^\w.-]+")
"""All but letters, digits and ``_ . -``: no path, no quote, no control or direction character."""
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""The names that Windows reserves for devices, with any ending."""


def document_name(invoice: Invoice, *, extension: str) -> str:
    """Return the file name for the document of *invoice*, such as ``INV-7.pdf``."""
    stem = _UNFIT.sub("-", unicodedata.normalize("NFC", invoice.number))[:_LONGEST].strip(".-")
    if not stem or _DEVICE.fullmatch(stem):
        stem = f"invoice-{stem}".rstrip("-")
    return f"{stem}.{extension}"
