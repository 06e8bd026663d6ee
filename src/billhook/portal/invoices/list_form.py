"""The filters of the list, read from the URL; invalid ones are ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet

from billhook.portal.customers.models import Customer
from billhook.portal.customers.picker import customer_field
from billhook.portal.invoices.filters import SORTS, InvoiceFilter, Show


def _date_field(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Type a date such as 2026-05-03."},
    )


def _choice_field(label: str, no_such: str) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, required=False, error_messages={"invalid_choice": no_such}
    )


class FilterForm(forms.Form):
    """The filters in addition to the search."""

    issued_from = _date_field("From")
    issued_to = _date_field("Until")
    currency = _choice_field("Currency", "No invoice has this currency. Choose another one.")

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        customers: QuerySet[Customer] | None,
        currencies: Sequence[str],
        address: str = "",
    ) -> None:
        """Offer *customers*, if there are several; *address* answers a script's searches."""
        super().__init__(data)
        if customers is not None:
            self.fields["customer"] = customer_field(
                customers, address=address, empty_label="All", label="Customer", required=False
            )
            self.order_fields(["issued_from", "issued_to", "customer", "currency"])
        if len(currencies) > 1:
            offered = [("", "All"), *((currency, currency) for currency in currencies)]
            self.fields["currency"].choices = offered  # type: ignore[attr-defined]
        else:
            del self.fields["currency"]
        for field in self.fields.values():
            field.widget.is_required = False

    @property
    def customer(self) -> Customer | None:
        """The customer that was chosen."""
        self.is_valid()
        found = self.cleaned_data.get("customer")
        return found if isinstance(found, Customer) else None

    def criteria(self) -> InvoiceFilter:
        """Return the filters in the URL."""
        self.is_valid()  # what isn't valid isn't in cleaned_data, and counts as not asked for
        sort = str(self.data.get("sort", "-date"))
        return InvoiceFilter(
            show=_show(str(self.data.get("show", ""))),
            search=str(self.data.get("q", "")).replace("\0", "").strip()[:100],
            customer_id=self.customer.id if self.customer else "",
            currency=self._text("currency"),
            issued_from=self._day("issued_from"),
            issued_to=self._day("issued_to"),
            sort=sort.lstrip("-") if sort.lstrip("-") in SORTS else "date",
            is_descending=sort.startswith("-") or sort not in SORTS,
        )

    def _text(self, name: str) -> str:
        value = self.cleaned_data.get(name)
        return value if isinstance(value, str) else ""

    def _day(self, name: str) -> date | None:
        value = self.cleaned_data.get(name)
        return value if isinstance(value, date) else None


def _show(word: str) -> Show:
    return Show(word) if word in set(Show) else Show.ALL
