"""The statement of a customer for a period, drawn as a PDF as a billing system does it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

from billhook.sample.brand import BANK
from billhook.sample.ledger import SampleCustomer, SampleInvoice
from billhook.sample.paper import (
    BOLD,
    GREEN,
    HEAD,
    HEIGHT,
    LEFT,
    RIGHT,
    SOFT,
    PaperColumn,
    PaperSheet,
    day_text,
    mm,
    money_text,
    new_canvas,
    number_text,
)

_FIRST_TOP: Final = HEIGHT - 112 * mm
_NEXT_TOP: Final = HEIGHT - 46 * mm
_FLOOR: Final = 34 * mm
_ROW: Final = 7 * mm
_CLOSING: Final = 46 * mm
"""The height of the sums and the bank details together: they are never split."""
_COLUMNS: Final = (
    PaperColumn("Date", LEFT + 3 * mm),
    PaperColumn("Invoice", LEFT + 36 * mm),
    PaperColumn("Payable by", LEFT + 63 * mm),
    PaperColumn("Amount", LEFT + 117 * mm, right=True),
    PaperColumn("Paid", LEFT + 142 * mm, right=True),
    PaperColumn("Open", RIGHT - 3 * mm, right=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleStatement:
    """The invoices of a customer from one day until another, as they are now."""

    customer: SampleCustomer
    start: date
    end: date
    lines: tuple[SampleInvoice, ...]
    open_before: Decimal
    """The sum that is open of older invoices."""

    @property
    def invoiced(self) -> Decimal:
        """The sum of the invoices."""
        return sum((each.total for each in self.lines), Decimal(0))

    @property
    def paid(self) -> Decimal:
        """The part of it that is paid or credited."""
        return sum((each.paid for each in self.lines), Decimal(0))

    @property
    def due(self) -> Decimal:
        """The amount to pay, with what is older."""
        return self.open_before + self.invoiced - self.paid


def make_statement(
    customer: SampleCustomer, invoices: Iterable[SampleInvoice], *, start: date, end: date
) -> SampleStatement:
    """Return the statement of *customer*; of all *invoices*, theirs count, except drafts."""
    theirs = [
        each for each in invoices if each.customer.number == customer.number and _is_issued(each)
    ]
    older = (each.due for each in theirs if each.issued_on < start)
    return SampleStatement(
        customer=customer,
        start=start,
        end=end,
        lines=tuple(each for each in theirs if start <= each.issued_on <= end),
        open_before=sum(older, Decimal(0)),
    )


def _is_issued(invoice: SampleInvoice) -> bool:
    return invoice.status != "draft"


def draw_statement(statement: SampleStatement) -> bytes:
    """Draw *statement* on as many A4 pages as it needs: the same bytes each time."""
    buffer = BytesIO()
    title = f"Statement of {statement.customer.name}"
    canvas = new_canvas(buffer, title=title, subject=f"{title}, {_period(statement)}")
    pages = _paginate(statement.lines)
    for number, lines in enumerate(pages, start=1):
        sheet = _StatementPage(canvas, statement, page=number, pages=len(pages))
        y = sheet.draw_lines(lines, sheet.draw_head(is_first=number == 1))
        if number == len(pages):
            sheet.draw_closing(y)
        sheet.draw_foot()
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _paginate(lines: Sequence[SampleInvoice]) -> list[Sequence[SampleInvoice]]:
    """Share the lines among the pages; the last page keeps room for the sums."""
    pages: list[Sequence[SampleInvoice]] = []
    while True:
        room = (_NEXT_TOP if pages else _FIRST_TOP) - HEAD - _FLOOR
        if len(lines) * _ROW <= room - _CLOSING:
            return [*pages, lines]
        take = int(room // _ROW)
        pages.append(lines[:take])
        lines = lines[take:]


class _StatementPage(PaperSheet):
    """One page of a statement."""

    def __init__(self, canvas: Any, statement: SampleStatement, *, page: int, pages: int) -> None:
        super().__init__(canvas, page=page, pages=pages)
        self._statement = statement

    def draw_head(self, *, is_first: bool) -> float:
        """Draw the head, and return where the table begins."""
        statement = self._statement
        if not is_first:
            self.draw_short_head(statement.customer.name, "Statement", _period(statement))
            return _NEXT_TOP
        self.draw_letterhead("Statement")
        self.draw_addressee(statement.customer)
        self._draw_facts()
        return _FIRST_TOP

    def _draw_facts(self) -> None:
        statement = self._statement
        facts = (
            ("Customer number", statement.customer.number),
            ("From", day_text(statement.start)),
            ("Until", day_text(statement.end)),
            ("Currency", statement.customer.currency),
        )
        top = HEIGHT - 53 * mm
        self.box(RIGHT - 72 * mm, top - 36 * mm, 72 * mm, 36 * mm)
        self.draw_facts(facts, top - 8 * mm)

    def draw_lines(self, lines: Sequence[SampleInvoice], y: float) -> float:
        """Draw the table with *lines*, and return where it ends."""
        y = self.draw_columns(_COLUMNS, y)
        for invoice in lines:
            base = y - 4.8 * mm
            for column, value in zip(_COLUMNS, _cells(invoice), strict=True):
                self.text(column.x, base, value, right=column.right)
            self.rule(y - _ROW)
            y -= _ROW
        return y

    def draw_closing(self, y: float) -> None:
        """Draw the sums, and how to pay."""
        statement, currency = self._statement, self._statement.customer.currency
        sums = (
            (f"Open from before {day_text(statement.start)}", statement.open_before),
            ("Invoiced", statement.invoiced),
            ("Paid or credited", -statement.paid),
        )
        base = y - 8 * mm
        for name, amount in sums:
            self.text(RIGHT - 79 * mm, base, name, size=9.5, color=SOFT)
            self.text(RIGHT - 3 * mm, base, money_text(amount, currency), size=9.5, right=True)
            base -= 6.6 * mm
        self.box(RIGHT - 82 * mm, base - 9 * mm, 82 * mm, 12.5 * mm)
        self.text(RIGHT - 79 * mm, base - 4.6 * mm, "To pay", font=BOLD, size=12, color=GREEN)
        due = money_text(statement.due, currency)
        self.text(RIGHT - 3 * mm, base - 4.6 * mm, due, font=BOLD, size=14, color=GREEN, right=True)
        self.draw_payment(BANK, y - 8 * mm)


def _cells(invoice: SampleInvoice) -> tuple[str, ...]:
    return (
        day_text(invoice.issued_on),
        invoice.number,
        day_text(invoice.due_on),
        number_text(invoice.total),
        number_text(invoice.paid),
        number_text(invoice.due),
    )


def _period(statement: SampleStatement) -> str:
    return f"{day_text(statement.start)} until {day_text(statement.end)}"
