"""The statement as a PDF, made from our own record: sums, ages and lines of each currency.

It has no bank details: nobody should be able to pay by it.
"""

from __future__ import annotations

from itertools import groupby

from billhook.portal.customers.models import Customer
from billhook.portal.fields.currencies import grouped_amount, shown_amount
from billhook.portal.fields.periods import StatementPeriod
from billhook.portal.invoices.pdf_text import long_day, short_day
from billhook.portal.statements.account import (
    AGES,
    CurrencyAccount,
    CustomerAccount,
    StatementLine,
)
from billhook.portal.statements.pdf_pages import PdfColumn, PdfPages
from billhook.portal.statements.words import origin_in_words, sums_in_words

_LINES = (
    PdfColumn(heading="Number", left=0, width=46),
    PdfColumn(heading="Date", left=47, width=21),
    PdfColumn(heading="Due", left=69, width=21),
    PdfColumn(heading="Status", left=91, width=22),
    PdfColumn(heading="Amount", left=114, width=29, is_number=True),
    PdfColumn(heading="Open", left=145, width=29, is_number=True),
)
_AGES = tuple(
    PdfColumn(heading=heading, left=29 * number, width=28, is_number=True)
    for number, heading in enumerate((*AGES, "Unused credit"))
)


def draw_statement(
    account: CustomerAccount, *, customer: Customer, period: StatementPeriod
) -> bytes:
    """Return the statement of *customer* as a PDF: the same bytes each time for the same facts."""
    organisation = customer.organisation.name
    pages = PdfPages(
        title=f"Statement of {customer.name}",
        author=organisation,
        footer=f"{organisation}, statement of {customer.name}",
    )
    pages.write(organisation, size=11, is_bold=True)
    pages.write("Statement", size=17, is_bold=True)
    pages.write(f"{customer.name} ({customer.number})", size=11)
    pages.write(f"{long_day(period.start)} until {long_day(period.end)}", size=11)
    pages.write(origin_in_words(account.today), size=8, is_soft=True)
    sums = {each.currency: each for each in account.currencies}
    if not sums:
        pages.write("Nothing was invoiced in this period, and nothing is open.", size=10)
    for currency, lines in groupby(account.lines(), key=lambda line: line.invoice.currency):
        known = sums.pop(currency, None) or CurrencyAccount(currency=currency)
        _draw_currency(pages, known, period)
        pages.draw_table(_LINES, map(_cells, lines))
    for quiet in sums.values():
        _draw_currency(pages, quiet, period)
        pages.write("Nothing was invoiced in this period.", size=9)
    return pages.finish()


def _draw_currency(pages: PdfPages, account: CurrencyAccount, period: StatementPeriod) -> None:
    """Draw the sums and ages of one currency."""
    currency = account.currency
    pages.leave(6, unless_less_than=75)
    pages.write(currency, size=13, is_bold=True)
    for words, amount in sums_in_words(account, period):
        pages.write(f"{words}: {shown_amount(amount, currency)}", size=9)
    ages = [grouped_amount(amount, currency) for amount in (*account.ages, account.unused_credit)]
    pages.draw_table(_AGES, [ages])
    pages.leave(4)


def _cells(line: StatementLine) -> list[str]:
    invoice = line.invoice
    return [
        invoice.number,
        short_day(invoice.issued_on),
        short_day(invoice.due_on) if invoice.due_on else "–",
        line.status.word,
        grouped_amount(line.amount, invoice.currency),
        grouped_amount(line.open_amount, invoice.currency),
    ]
