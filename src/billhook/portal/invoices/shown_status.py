"""The status of an invoice today: one word for people, with an icon and never a colour alone."""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum
from typing import Final

from django.db.models import Q

from billhook.portal.invoices.models import Invoice, Status

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

    def __init__(self, word: str, icon: str, kind: str) -> None:
        self.word = word
        self.icon = icon
        self.kind = kind


_SETTLED: Final = {
    Status.DRAFT: ShownStatus.DRAFT,
    Status.PAID: ShownStatus.PAID,
    Status.CREDITED: ShownStatus.CREDITED,
}


def shown_status_of(invoice: Invoice, *, today: date) -> ShownStatus:
    """Return the status of *invoice*. Being late says more than being partly paid."""
    status = Status(invoice.status)
    if status in _SETTLED:
        return _SETTLED[status]
    if invoice.due_on is not None and invoice.due_on < today:
        return ShownStatus.OVERDUE
    if status == Status.PART_PAID:
        return ShownStatus.PART_PAID
    if invoice.due_on is not None and invoice.due_on <= today + DUE_SOON:
        return ShownStatus.DUE_SOON
    return ShownStatus.OPEN


def is_open() -> Q:
    """Return the condition for an invoice with something left to pay."""
    return Q(status__in=[Status.OPEN, Status.PART_PAID])


def is_overdue(*, today: date) -> Q:
    """Return the condition for an invoice that should have been paid before *today*."""
    return is_open() & Q(due_on__lt=today)
