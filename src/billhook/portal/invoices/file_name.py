"""The name under which an invoice's document is saved: made from our own record, safe anywhere."""

from __future__ import annotations

from billhook.engine.safe_name import is_device, safe_stem
from billhook.portal.invoices.models import Invoice


def document_name(invoice: Invoice, *, extension: str) -> str:
    """Return the file name for the document of *invoice*, such as ``INV-7.pdf``."""
    stem = safe_stem(invoice.number)
    if not stem or is_device(stem):
        stem = f"invoice-{stem}".rstrip("-")
    return f"{stem}.{extension}"
