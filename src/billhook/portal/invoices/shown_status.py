"""The status of an invoice today: one word for people, with an icon and never a colour alone."""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q
from django.db.models.sql.compiler import SQLCompiler

from billhook.portal.invoices.models import UNSETTLED, Invoice, InvoiceType, Status

DUE_SOON: Final = timedelta(days=7)


class ShownStatus(Enum):
    """A word, the icon next to it, and the kind that decides its colour."""

    DRAFT = ("Draft", "edit", "")
    OPEN = ("Open", "circle", "info")
    DUE_SOON = ("Due soon", "clock", "warn")
    OVERDUE = ("Overdue", "warning", "bad")
    PART_PAID = ("Part paid", "half", "part")
    PAID = ("Paid", "check", "good")
    CREDITED = ("Credited", "return", "")
    VOID = ("Void", "cross", "")
    WRITTEN_OFF = ("Written off", "minus", "")
    CREDIT_NOTE = ("Credit note", "return", "")
    NOTHING_DUE = ("Nothing due", "check", "good")

    def __init__(self, word: str, icon: str, kind: str) -> None:
        self.word = word
        self.icon = icon
        self.kind = kind


_SETTLED: Final = {
    Status.DRAFT: ShownStatus.DRAFT,
    Status.PAID: ShownStatus.PAID,
    Status.CREDITED: ShownStatus.CREDITED,
    Status.VOID: ShownStatus.VOID,
    Status.WRITTEN_OFF: ShownStatus.WRITTEN_OFF,
}
_STAYS: Final = {Status.DRAFT, Status.VOID}
"""The statuses that say more than that it is a credit note."""
OPEN: Final = "{type} = 'invoice' AND {status} IN ('open', 'part_paid') AND {open_amount} > 0"
"""The condition of :func:`is_open`, as SQL."""


def shown_status_of(invoice: Invoice, *, today: date) -> ShownStatus:
    """Return the status of *invoice*. Being late says more than being partly paid."""
    settled = settled_status_of(invoice)
    if settled is not None:
        return settled
    if invoice.due_on is not None and invoice.due_on < today:
        return ShownStatus.OVERDUE
    if invoice.status == Status.PART_PAID:
        return ShownStatus.PART_PAID
    if invoice.due_on is not None and invoice.due_on <= today + DUE_SOON:
        return ShownStatus.DUE_SOON
    return ShownStatus.OPEN


def settled_status_of(invoice: Invoice) -> ShownStatus | None:
    """Return the status of an invoice with nothing left to pay, whatever day it is, or None.

    Billing systems call a credit note and an invoice of 0.00 open, too: nobody has to pay those.
    """
    status = Status(invoice.status)
    if invoice.is_credit_note and status not in _STAYS:
        return ShownStatus.CREDIT_NOTE
    if status in _SETTLED:
        return _SETTLED[status]
    if invoice.open_amount > 0:
        return None
    return ShownStatus.PAID if invoice.amount else ShownStatus.NOTHING_DUE


class IsOpen(Func):
    """Whether something is left to pay of an invoice with this type, status and open amount.

    Its values are part of the text, not parameters, so that SQLite recognises the condition of the
    index of such invoices (:mod:`kept_sums`).
    """

    template = OPEN
    output_field = BooleanField()
    conditional = True

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, _connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        """Return the condition; its fields have no parameters."""
        names = ("type", "status", "open_amount")
        compiled = [compiler.compile(each)[0] for each in self.get_source_expressions()]
        return f"({self.template.format(**dict(zip(names, compiled, strict=True)))})", []


class IsUnsettled(Func):
    """Whether a status is one of ``UNSETTLED``: as text of SQL, too, for the same reason."""

    template = f"%(expressions)s IN {tuple(map(str, UNSETTLED))}"
    output_field = BooleanField()
    conditional = True


def has_balance() -> Q:
    """Return the condition for an invoice that :func:`is_open` or :func:`is_credit` is true of."""
    return Q(IsUnsettled(F("status"))) & ~Q(open_amount=0)


def is_open() -> Q:
    """Return the condition for an invoice with something left to pay."""
    return Q(IsOpen(F("type"), F("status"), F("open_amount")))


def is_overdue(*, today: date) -> Q:
    """Return the condition for an invoice that should have been paid before *today*."""
    return is_open() & Q(due_on__lt=today)


def is_paid() -> Q:
    """Return the condition for an invoice that is shown as paid."""
    is_settled = Q(status__in=UNSETTLED, open_amount__lte=0, amount__gt=0)
    return Q(type=InvoiceType.INVOICE) & (Q(status=Status.PAID, amount__gte=0) | is_settled)


def is_credit() -> Q:
    """Return the condition for a credit note of which something is left."""
    is_left = Q(open_amount__lt=0) | Q(type=InvoiceType.CREDIT_NOTE, open_amount__gt=0)
    return Q(IsUnsettled(F("status"))) & is_left
