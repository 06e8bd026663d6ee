"""The name under which a caller saves a document: made from the values of the run's tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from billhook.engine.safe_name import is_device, safe_stem
from billhook.engine.tokens.catalogue import STATEMENT_COMMAND

_OF_INVOICE: Final = "InvoiceNumber"
_OF_CUSTOMER: Final = ("CustomerNumber", "CustomerId", "CustomerName")
_OF_PERIOD: Final = ("StatementStart", "StatementEnd")


def wanted_name(command: str, tokens: Mapping[str, object]) -> object:
    """Return the number of the invoice; of a statement, the customer's number and the days."""
    if command != STATEMENT_COMMAND:
        return tokens.get(_OF_INVOICE)
    customer = [tokens[name] for name in _OF_CUSTOMER if tokens.get(name)]
    days = [tokens[name] for name in _OF_PERIOD if tokens.get(name)]
    return "-".join(map(str, ("statement", *customer[:1], *days))) if customer else None


def file_name(wanted: object, *, fallback: str, extension: str) -> str:
    """Return a safe file name derived from *wanted*, or from *fallback* if it gives none."""
    stem = safe_stem(wanted) if isinstance(wanted, str) else ""
    if not stem or is_device(stem):
        stem = fallback
    return f"{stem}.{extension}"
