"""How an invoice stands today: one word for people, with an icon and never a colour alone."""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum
from typing import Final

from django.db.models import Q

from billhook.portal.invoices.models import Invoice, Status

DUE_SOON: Final = timedelta(days=7)


class Standing(Enum):
    """A word, the icon beside it, and the kind that decides its colour."""

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
    Status.DRAFT: Standing.DRAFT,
    Status.PAID: Standing.PAID,
    Status.CREDITED: Standing.CREDITED,
}


def standing_of(invoice: Invoice, *, today: date) -> Standing:
    """Return how *invoice* stands. Being late says more than being paid in part."""
    status = Status(invoice.status)
    if status in _SETTLED:
        return _SETTLED[status]
    if invoice.due_on is not None and invoice.due_on < today:
        return Standing.OVERDUE
    if status == Status.PART_PAID:
        return Standing.PART_PAID
    if invoice.due_on is not None and invoice.due_on <= today + DUE_SOON:
        return Standing.DUE_SOON
    return Standing.OPEN


def is_open() -> Q:
    """Return the condition for an invoice with something left to pay."""
    return Q(status__in=[Status.OPEN, Status.PART_PAID])


def is_overdue(*, today: date) -> Q:
    """Return the condition for an invoice that should have been paid before *today*."""
    return is_open() & Q(due_on__lt=today)
