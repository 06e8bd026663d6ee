"""The choice of a customer and a period: the fields of the statement's page, and its problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet

from billhook.portal.customers.models import Customer
from billhook.portal.customers.picker import customer_field
from billhook.portal.fields.periods import (
    USUAL,
    NamedPeriod,
    StatementPeriod,
    named_period,
)

_NO_DAY: Final = "Type a date such as 2026-05-03."


def _day_field(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _NO_DAY},
    )


class StatementForm(forms.Form):
    """The customer, if there are several, and the first and last day."""

    start = _day_field("From")
    end = _day_field("Until")

    def __init__(
        self, data: Mapping[str, Any], *, customers: QuerySet[Customer] | None, today: date
    ) -> None:
        """Offer *customers*, if there are several."""
        self.named = _named(data)
        """The chosen period, if it has a name."""
        if self.named is not None:
            period = named_period(self.named, today=today)
            days = {"start": period.start.isoformat(), "end": period.end.isoformat()}
            data = {**data, **days}
        super().__init__(data)
        if customers is not None:
            self.fields["customer"] = customer_field(
                customers, empty_label="Choose one", label="Customer", required=False
            )
            self.order_fields(["customer", "start", "end"])
        for field in self.fields.values():
            field.widget.is_required = False

    def clean(self) -> dict[str, Any]:
        """Check that both days are there, and in order."""
        days = self.cleaned_data
        for name in ("start", "end"):
            if name not in self.errors and not days.get(name):
                self.add_error(name, _NO_DAY)
        if not self.errors and days["end"] < days["start"]:
            self.add_error("end", "The last day can't be before the first.")
        return days

    @property
    def customer(self) -> Customer | None:
        """The customer that was chosen."""
        self.is_valid()
        found = self.cleaned_data.get("customer")
        return found if isinstance(found, Customer) else None

    @property
    def period(self) -> StatementPeriod | None:
        """The chosen period, or None if a day is missing or wrong."""
        self.is_valid()
        if {"start", "end"} & self.errors.keys():
            return None
        return StatementPeriod(start=self.cleaned_data["start"], end=self.cleaned_data["end"])


def _named(data: Mapping[str, Any]) -> NamedPeriod | None:
    """Return the name of the period in the URL; the usual one if there are no days either."""
    word = data.get("period")
    if word in set(NamedPeriod):
        return NamedPeriod(str(word))
    return None if data.get("start") or data.get("end") or "start" in data else USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementChoice:
    """A valid choice: whose statement, and for which period."""

    customer: Customer
    period: StatementPeriod

    @property
    def query(self) -> str:
        """The part of a URL that says the same, so that a file has what the page shows."""
        days = {"start": self.period.start.isoformat(), "end": self.period.end.isoformat()}
        return urlencode({"customer": self.customer.id, **days})
