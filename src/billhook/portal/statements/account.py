"""The account of a customer as our own record knows it: sums of a period, and what is open today.

The record has the amount, the open amount and the status of each invoice, as they are now. It has
no payments. So it can't say what was open on an earlier day, and a statement doesn't try to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Abs

from billhook.portal.fields.currencies import MAX_DECIMALS
from billhook.portal.fields.periods import StatementPeriod
from billhook.portal.invoices.models import Invoice, InvoiceType, Status
from billhook.portal.invoices.shown_status import (
    ShownStatus,
    has_balance,
    is_credit,
    is_open,
    shown_status_of,
)

_UNSETTLED: Final = {Status.OPEN, Status.PART_PAID}
_IS_CREDIT_NOTE: Final = Q(type=InvoiceType.CREDIT_NOTE) | Q(amount__lt=0)
_NOTHING: Final = Decimal(0)
_BUCKETS: Final = (30, 60, 90)
"""The last day of each bucket of what is overdue, but the last one."""
AGES: Final = ("Not due", "1–30 days", "31–60 days", "61–90 days", "Over 90 days")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One invoice or credit note of a statement."""

    invoice: Invoice
    status: ShownStatus
    open_amount: Decimal
    """The amount that is left to pay; below zero for unused credit."""
    days_overdue: int

    @property
    def amount(self) -> Decimal:
        """The amount as people read it: a credit note's is below zero."""
        return self.invoice.signed_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyAccount:
    """The sums in one currency. Currencies are never added up."""

    currency: str
    line_count: int = 0
    """Invoices and credit notes of the period."""
    invoiced: Decimal = _NOTHING
    credited: Decimal = _NOTHING
    open_before: Decimal = _NOTHING
    """Open today, less unused credit, of all that is older than the period."""
    open_within: Decimal = _NOTHING
    open_after: Decimal = _NOTHING
    ages: tuple[Decimal, ...] = (_NOTHING,) * len(AGES)
    """Open today by age: not due, 1 to 30 days overdue, and so on."""
    credit: Decimal = _NOTHING
    """Credit that isn't used yet."""

    @property
    def open_amount(self) -> Decimal:
        """The sum of what is open today, without the credit."""
        return sum(self.ages, _NOTHING)

    @property
    def overdue(self) -> Decimal:
        """The part of it that should have been paid."""
        return sum(self.ages[1:], _NOTHING)

    @property
    def balance(self) -> Decimal:
        """The amount that is left to pay after the unused credit."""
        return self.open_amount - self.credit

    @property
    def unused_credit(self) -> Decimal:
        """The credit as people read it: below zero."""
        return -self.credit

    @property
    def aged(self) -> list[tuple[str, Decimal]]:
        """Each age in words, with its amount."""
        return list(zip(AGES, self.ages, strict=True))


class CustomerAccount:
    """The account of one customer in a period, read when it is used.

    *invoices* are those of the customer, as far as the reader may see them: drafts don't count.
    """

    def __init__(
        self, invoices: QuerySet[Invoice], *, period: StatementPeriod, today: date
    ) -> None:
        self._all = invoices.exclude(status=Status.DRAFT)
        self._within = self._all.filter(issued_on__range=(period.start, period.end))
        self._period = period
        self.today = today

    @cached_property
    def currencies(self) -> list[CurrencyAccount]:
        """The sums of each currency in which something was invoiced, or is open."""
        found: dict[str, dict[str, Any]] = {}
        for row in (*self._sums_within(), *self._sums_open()):
            found.setdefault(row["currency"], {}).update(row)
        return [_account(currency, found[currency]) for currency in sorted(found)]

    @property
    def line_count(self) -> int:
        """The number of invoices and credit notes of the period."""
        return sum(each.line_count for each in self.currencies)

    def first_lines(self, most: int) -> list[StatementLine]:
        """Return the first lines, at most so many."""
        return [self._line(invoice) for invoice in self._in_order[:most]]

    def lines(self) -> Iterator[StatementLine]:
        """Give all lines, read some at a time: by currency, then by date and number."""
        for invoice in self._in_order.iterator(chunk_size=2000):
            yield self._line(invoice)

    @property
    def _in_order(self) -> QuerySet[Invoice]:
        return self._within.order_by("currency", "issued_on", "number", "id")

    def _line(self, invoice: Invoice) -> StatementLine:
        status = shown_status_of(invoice, today=self.today)
        due_on = invoice.due_on
        is_late = status is ShownStatus.OVERDUE and due_on is not None
        return StatementLine(
            invoice=invoice,
            status=status,
            open_amount=_counted_open(invoice),
            days_overdue=(self.today - due_on).days if is_late and due_on else 0,
        )

    def _sums_within(self) -> Iterable[Mapping[str, Any]]:
        """Return what was invoiced and credited: a void one is listed, and counts for nothing."""
        counts = ~Q(status=Status.VOID)
        sums = {
            "line_count": Count("id"),
            "invoiced": Sum("amount", filter=counts & ~_IS_CREDIT_NOTE),
            "credited": Sum(Abs("amount"), filter=counts & _IS_CREDIT_NOTE),
        }
        return self._within.order_by("currency").values("currency").annotate(**sums)

    def _sums_open(self) -> Iterable[Mapping[str, Any]]:
        start, end = self._period.start, self._period.end
        times = {
            "before": Q(issued_on__lt=start),
            "within": Q(issued_on__range=(start, end)),
            "after": Q(issued_on__gt=end),
        }
        sums = {
            f"age_{number}": Sum("open_amount", filter=is_open() & aged)
            for number, aged in enumerate(_ages(self.today))
        }
        for name, when in times.items():
            sums[f"open_{name}"] = Sum("open_amount", filter=is_open() & when)
            sums[f"credit_{name}"] = Sum(Abs("open_amount"), filter=is_credit() & when)
        unsettled = self._all.filter(has_balance())
        return unsettled.order_by("currency").values("currency").annotate(**sums)


def _ages(today: date) -> list[Q]:
    """Return the condition of each age."""
    ends = [today - timedelta(days=days) for days in (0, *_BUCKETS)]
    older = Q(due_on__lt=ends[-1])
    between = [Q(due_on__lt=newer, due_on__gte=end) for newer, end in pairwise(ends)]
    return [Q(due_on=None) | Q(due_on__gte=today), *between, older]


def _account(currency: str, sums: dict[str, Any]) -> CurrencyAccount:
    """Return the sums, as exact as they are stored: SQLite adds up in binary."""
    exact = {
        name: round(value or _NOTHING, MAX_DECIMALS)
        for name, value in sums.items()
        if name not in {"currency", "line_count"}
    }

    def of(name: str) -> Decimal:
        return exact.get(name, _NOTHING)

    return CurrencyAccount(
        currency=currency,
        line_count=sums.get("line_count", 0),
        invoiced=of("invoiced"),
        credited=of("credited"),
        open_before=of("open_before") - of("credit_before"),
        open_within=of("open_within") - of("credit_within"),
        open_after=of("open_after") - of("credit_after"),
        ages=tuple(of(f"age_{number}") for number in range(len(AGES))),
        credit=of("credit_before") + of("credit_within") + of("credit_after"),
    )


def _counted_open(invoice: Invoice) -> Decimal:
    """Return the open amount as the sums count it: nothing is left of what is paid or void."""
    amount = invoice.open_amount
    if invoice.status not in _UNSETTLED:
        return _NOTHING
    return amount if invoice.type == InvoiceType.INVOICE and amount > 0 else -abs(amount)
