"""The forms of the backoffice's people, customers, invoices and settings."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.validators import RegexValidator
from django.urls import reverse

from billhook.portal.customers.access import customers_for_member
from billhook.portal.customers.models import Customer
from billhook.portal.customers.picker import customer_field
from billhook.portal.fields.currencies import (
    CURRENCY_PATTERN,
    CURRENCY_SENTENCE,
    MAX_DECIMALS,
    in_decimals,
)
from billhook.portal.fields.names import LOCALE_PATTERN, LOCALE_SENTENCE, check_name
from billhook.portal.invoices.models import Invoice, InvoiceType, Status
from billhook.portal.invoices.services import InvoiceFacts, open_by_default
from billhook.portal.organisations.models import Member, Organisation, Role

_PLAIN: Final = {"autocomplete": "off", "spellcheck": "false"}
_CURRENCY: Final = RegexValidator(CURRENCY_PATTERN, CURRENCY_SENTENCE)
_LOCALE: Final = RegexValidator(LOCALE_PATTERN, LOCALE_SENTENCE)


def customer_search_address(member: Member) -> str:
    """Return the address that answers a script's search for customers."""
    return reverse("backoffice:customer-search", args=[member.organisation_id])


def _day(label: str, *, required: bool = True) -> forms.DateField:
    # A browser's date field sends and needs ISO 8601, whatever it shows.
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(
        label=label,
        required=required,
        widget=widget,
        error_messages={"invalid": "This isn't a date. Write it as 2024-05-31."},
    )


def _amount(label: str, *, required: bool = True, help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=required,
        help_text=help_text,
        max_digits=15,
        decimal_places=MAX_DECIMALS,
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "decimal"}),
        error_messages={"invalid": "This isn't an amount. Write it as 1240.00."},
    )


class BackofficeForm(forms.Form):
    """A form that names its missing fields. No text in it contains invisible characters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.CharField):
                field.validators.append(check_name)
            verb = "Choose one" if isinstance(field, forms.ChoiceField) else "Fill it in"
            field.error_messages["required"] = f"{field.label} is missing. {verb}."


class CustomerForm(BackofficeForm):
    """A customer's own facts."""

    name = forms.CharField(
        label="Name", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    number = forms.CharField(
        label="Number",
        max_length=64,
        help_text="The number in your billing system. Integrations can send it.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    locale = forms.CharField(
        label="Language",
        max_length=16,
        required=False,
        validators=[_LOCALE],
        help_text="For example en-GB or de. Integrations can send it.",
        widget=forms.TextInput(attrs=_PLAIN),
    )

    @classmethod
    def showing(cls, customer: Customer) -> CustomerForm:
        """Return the form with the facts of *customer*."""
        initial = {"name": customer.name, "number": customer.number, "locale": customer.locale}
        return cls(initial=initial)


class InviteForm(BackofficeForm):
    """Whom to invite."""

    email = forms.EmailField(
        label="E-mail",
        error_messages={"invalid": "This isn't an e-mail address, such as dana@acme.com."},
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(
        label="Name",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class MemberForm(InviteForm):
    """A new member and their role."""

    role = forms.ChoiceField(
        label="Role",
        choices=[
            (Role.VIEWER, "Viewer: can view everything"),
            (Role.EDITOR, "Editor: can also change invoices, customers and integrations"),
            (Role.OWNER, "Owner: can also invite members and change settings"),
        ],
        initial=Role.VIEWER,
    )


class RoleForm(BackofficeForm):
    """The new role of a member."""

    role = forms.ChoiceField(label="Role", choices=Role.choices)


class SettingsForm(BackofficeForm):
    """The settings that an owner may change."""

    name = forms.CharField(
        label="Name",
        max_length=200,
        help_text="Appears at the top of every page that your customers see.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    support_email = forms.EmailField(
        label="Support e-mail",
        required=False,
        help_text="Contacts see it when an invoice can't be shown.",
        error_messages={"invalid": "This isn't an e-mail address. It looks like help@acme.com."},
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    runs_kept_days = forms.IntegerField(
        label="Days to keep runs",
        min_value=1,
        max_value=3650,
        help_text="Older runs are deleted every hour.",
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "numeric"}),
    )
    plain_rendering = forms.BooleanField(
        label="Show a summary if no integration has the document",
        required=False,
        help_text="A PDF made from the invoice's record, which says that it is not the original.",
    )

    @classmethod
    def showing(cls, organisation: Organisation) -> SettingsForm:
        """Return the form with the current settings."""
        names = ("name", "support_email", "runs_kept_days", "plain_rendering")
        return cls(initial={name: getattr(organisation, name) for name in names})


class EmbeddingForm(forms.Form):
    """The sites that may show the portal inside their pages."""

    parents = forms.CharField(
        label="Sites that may embed the portal",
        max_length=5_000,
        required=False,
        help_text="One in each line, such as https://www.acme.example. Leave it empty to allow "
        "none.",
        widget=forms.Textarea(attrs={**_PLAIN, "rows": 4, "class": "mono"}),
    )


class InvoiceForm(BackofficeForm):
    """An invoice's facts."""

    number = forms.CharField(
        label="Number",
        max_length=100,
        help_text="As printed on the invoice.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    source_id = forms.CharField(
        label="Id in the billing system",
        max_length=200,
        required=False,
        help_text="Only if it differs from the number. Fills {{InvoiceId}}.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    type = forms.ChoiceField(
        label="Type", choices=InvoiceType.choices, initial=InvoiceType.INVOICE, required=False
    )
    po_number = forms.CharField(
        label="PO number",
        max_length=100,
        required=False,
        help_text="The number of the customer's own order.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    link = forms.CharField(
        label="Link",
        max_length=2000,
        required=False,
        help_text="Where the customer can see or pay it; begins with https://.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    issued_on = _day("Date")
    due_on = _day("Due date", required=False)
    amount = _amount("Amount")
    open_amount = _amount(
        "Open amount",
        required=False,
        help_text="Leave it empty for the full amount, or for nothing once it's paid.",
    )
    currency = forms.CharField(
        label="Currency",
        max_length=3,
        validators=[_CURRENCY],
        widget=forms.TextInput(attrs={**_PLAIN, "autocapitalize": "characters"}),
    )
    status = forms.ChoiceField(
        label="Status",
        choices=Status.choices,
        initial=Status.OPEN,
        help_text="Only members can see a draft.",
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["customer"] = customer_field(
            customers_for_member(member),
            address=customer_search_address(member),
            empty_label="Choose one",
            label="Customer",
        )
        self.fields["customer"].error_messages["required"] = "Customer is missing. Choose one."
        self.order_fields(["customer"])

    @classmethod
    def showing(cls, invoice: Invoice, *, member: Member) -> InvoiceForm:
        """Return the form with the facts of *invoice*."""
        facts = {name: getattr(invoice, name) for name in cls.base_fields}
        for name in ("amount", "open_amount"):
            facts[name] = in_decimals(facts[name], invoice.currency)
        return cls(initial=facts | {"customer": invoice.customer_id}, member=member)

    def customer_chosen(self) -> Customer:
        """Return the customer; for a form that is valid."""
        customer: Customer = self.cleaned_data["customer"]
        return customer

    def facts(self) -> InvoiceFacts:
        """Return the facts that were typed; for a valid form."""
        typed = {name: value for name, value in self.cleaned_data.items() if name != "customer"}
        typed["status"] = Status(typed["status"])
        typed["type"] = InvoiceType(typed["type"] or InvoiceType.INVOICE)
        if typed["open_amount"] is None:
            typed["open_amount"] = open_by_default(typed["amount"], typed["status"])
        return InvoiceFacts(**typed)
