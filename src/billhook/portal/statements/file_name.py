"""The file name of a statement: with the customer's number and the days."""

from __future__ import annotations

from billhook.engine.safe_name import safe_stem
from billhook.portal.customers.models import Customer
from billhook.portal.fields.periods import StatementPeriod


def statement_name(customer: Customer, period: StatementPeriod, *, extension: str) -> str:
    """Return a safe name such as ``statement-C-1-2026-03-01-2026-03-31.pdf``."""
    return f"statement-{safe_stem(customer.number)}-{period.start}-{period.end}.{extension}"
