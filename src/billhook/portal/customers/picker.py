"""The field of a form for one customer: a list of few, or a field that searches among many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.renderers import BaseRenderer
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from billhook.portal.customers.choice import choose_customer, label_of
from billhook.portal.customers.models import Customer

MOST_LISTED: Final = 50
"""Customers that are listed in full; more are searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickedCustomer:
    """The sent values of the field: an id, and the words, if the field for them was there."""

    id: str
    words: str | None


class CustomerInput(forms.Widget):
    """A text field with a search, which works without JavaScript: matches are listed to choose."""

    def __init__(self, *, address: str, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.address = address
        self.matches: tuple[Customer, ...] = ()
        self.customer: Customer | None = None

    def value_from_datadict(
        self, data: Mapping[str, Any], _files: Any, name: str
    ) -> PickedCustomer:
        """Return the id and the words that were sent."""
        return PickedCustomer(id=str(data.get(name) or ""), words=data.get(f"{name}_words"))

    def value_omitted_from_data(self, data: Mapping[str, Any], _files: Any, name: str) -> bool:
        """Return whether neither was sent."""
        return name not in data and f"{name}_words" not in data

    def id_for_label(self, id_: str) -> str:
        """Return the id of the text field, which has the label."""
        return id_

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,  # noqa: ARG002 - it knows Django's own templates alone
    ) -> SafeString:
        """Return the field as HTML."""
        words = value.words if isinstance(value, PickedCustomer) else None
        context = {
            "name": name,
            "attrs": self.build_attrs(self.attrs, attrs),
            "customer": self.customer,
            "words": label_of(self.customer) if self.customer else words or "",
            "matches": self.matches,
            "address": self.address,
        }
        return render_to_string("parts/customer_input.html", context)


class CustomerField(forms.Field):
    """A customer among *customers*, which are the ones that the person may see."""

    def __init__(self, *, customers: QuerySet[Customer], address: str = "", **kwargs: Any) -> None:
        self.customers = customers
        super().__init__(widget=CustomerInput(address=address), **kwargs)

    @property
    def input(self) -> CustomerInput:
        """The widget, which shows what was chosen. This field is made for one form alone."""
        assert isinstance(self.widget, CustomerInput)  # noqa: S101 - for the type checker
        return self.widget

    def clean(self, value: PickedCustomer) -> Customer | None:
        """Return the customer that was chosen.

        Raises:
            ValidationError: if the words fit several customers, which are then listed, or none.
        """
        choice = choose_customer(self.customers, picked=value.id, typed=value.words)
        self.input.customer, self.input.matches = choice.customer, choice.matches
        if choice.problem:
            raise ValidationError(choice.problem, code="invalid_choice")
        if choice.customer is None and self.required:
            raise ValidationError(self.error_messages["required"], code="required")
        return choice.customer

    def prepare_value(self, value: Any) -> Any:
        """Look up the customer of an initial id, so that its name is shown."""
        if isinstance(value, str) and value:
            self.input.customer = self.customers.filter(id=value[:20]).first()
        return value


def customer_field(
    customers: QuerySet[Customer], *, address: str = "", empty_label: str, **kwargs: Any
) -> forms.Field:
    """Return the field for one of *customers*; *address* answers searches of a browser's script."""
    if customers.order_by()[: MOST_LISTED + 1].count() > MOST_LISTED:
        return CustomerField(customers=customers, address=address, **kwargs)
    listed: forms.ModelChoiceField[Customer] = forms.ModelChoiceField(
        queryset=customers, empty_label=empty_label, **kwargs
    )
    listed.error_messages["invalid_choice"] = (
        "This customer doesn't exist. Choose one from the list."
    )
    return listed
