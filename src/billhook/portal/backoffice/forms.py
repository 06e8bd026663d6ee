"""The forms of the backoffice's people, customers, invoices and settings."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.validators import RegexValidator

from billhook.portal.customers.access import customers_for_member
from billhook.portal.customers.models import Customer
from billhook.portal.fields.names import check_name
from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.invoices.services import InvoiceFacts, open_by_default
from billhook.portal.organisations.models import Member, Organisation, Role

_PLAIN: Final = {"autocomplete": "off", "spellcheck": "false"}
_CURRENCY: Final = RegexValidator("^[A-Za-z]{3}$", "A currency has three letters, such as EUR.")
_LOCALE: Final = RegexValidator(
    "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$", "Write the language like en-GB or de."
)


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
        max_digits=14,
        decimal_places=2,
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "decimal"}),
        error_messages={"invalid": "This isn't an amount. Write it as 1240.00."},
    )


class _Form(forms.Form):
    """A form that names its missing fields. No text in it contains invisible characters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.CharField):
                field.validators.append(check_name)
            verb = "Choose one" if isinstance(field, forms.ChoiceField) else "Fill it in"
            field.error_messages["required"] = f"{field.label} is missing. {verb}."


class CustomerForm(_Form):
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


class InviteForm(_Form):
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


class RoleForm(_Form):
    """The new role of a member."""

    role = forms.ChoiceField(label="Role", choices=Role.choices)


class SettingsForm(_Form):
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


class InvoiceForm(_Form):
    """An invoice's facts."""

    customer = forms.ModelChoiceField(
        label="Customer",
        queryset=Customer.objects.none(),
        empty_label="Choose one",
        error_messages={"invalid_choice": "This customer doesn't exist. Choose one from the list."},
    )
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
        customers = self.fields["customer"]
        assert isinstance(customers, forms.ModelChoiceField)  # noqa: S101 - for the type checker
        customers.queryset = customers_for_member(member)

    @classmethod
    def showing(cls, invoice: Invoice, *, member: Member) -> InvoiceForm:
        """Return the form with the facts of *invoice*."""
        facts = {name: getattr(invoice, name) for name in cls.base_fields}
        return cls(initial=facts | {"customer": invoice.customer_id}, member=member)

    def customer_chosen(self) -> Customer:
        """Return the customer; for a form that is valid."""
        customer: Customer = self.cleaned_data["customer"]
        return customer

    def facts(self) -> InvoiceFacts:
        """Return the facts that were typed; for a valid form."""
        typed = {name: value for name, value in self.cleaned_data.items() if name != "customer"}
        typed["status"] = Status(typed["status"])
        if typed["open_amount"] is None:
            typed["open_amount"] = open_by_default(typed["amount"], typed["status"])
        return InvoiceFacts(**typed)
