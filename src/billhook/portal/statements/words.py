"""The words of a statement, the same on its page and in its PDF."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from billhook.portal.fields.periods import StatementPeriod
from billhook.portal.invoices.pdf_text import long_day
from billhook.portal.statements.account import CurrencyAccount

ORIGIN: Final = (
    "Made from the portal's own record. It has no payments: what is open is as of {today}, "
    "for every invoice, and not as of the end of the period."
)
"""The facts that the record has, so that nobody takes the statement for more."""
MOST_IN_PDF: Final = 10_000
"""Invoices and credit notes in one PDF: 200 pages, drawn in about two seconds."""


def origin_in_words(today: date) -> str:
    """Return where the facts are from, and when they were true."""
    return ORIGIN.format(today=long_day(today))


def too_long_in_words(count: int) -> str:
    """Return the sentence for a period with more lines than a PDF may have."""
    return (
        f"This period has {count:,} invoices, and a PDF can have {MOST_IN_PDF:,}. "
        "Choose a shorter period, or download the CSV file."
    )


def sums_in_words(
    account: CurrencyAccount, period: StatementPeriod
) -> Iterator[tuple[str, Decimal]]:
    """Give each sum of *account* with its name: first the period's, then what is open today."""
    yield "Invoiced in the period", account.invoiced
    yield "Credited in the period", account.credited
    yield "Open, from this period", account.open_within
    yield f"Open, from before {long_day(period.start)}", account.open_before
    if account.open_after:
        yield f"Open, from after {long_day(period.end)}", account.open_after
    yield "Open in all", account.balance
