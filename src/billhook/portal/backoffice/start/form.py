"""The form of the first document: an address, a key and the number of an invoice."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote, urlsplit

from django import forms

from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.secret import Secret
from billhook.portal.backoffice.forms import BackofficeForm
from billhook.portal.documents.invoice_document import INVOICE_COMMAND
from billhook.portal.integrations.drafts import Draft, SecretEntry

_NUMBER: Final = "{{InvoiceNumber}}"
_KEY: Final = "ApiKey"
_HEADER: Final = re.compile(r"([A-Za-z0-9-]{1,60}):\s*(.+)")
_SCHEME: Final = re.compile(r"(Bearer|Basic|Token|token|ApiKey)\s+(\S.*)")
_PLAIN: Final = {"autocomplete": "off", "spellcheck": "false", "class": "mono"}


class FirstDocumentForm(BackofficeForm):
    """The way to get one invoice's document."""

    number = forms.CharField(
        label="Invoice number",
        max_length=100,
        help_text="One that your billing system has.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    address = forms.CharField(
        label="Address of its PDF",
        max_length=2000,
        help_text="The address of this invoice's PDF, with the number in it, such as "
        "https://billing.example.com/invoices/INV-7/pdf.",
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "url"}),
    )
    key = forms.CharField(
        label="Key",
        max_length=4000,
        required=False,
        help_text="It is sent as Authorization: Bearer. For another header, write its name "
        "first: X-Api-Key: abc123.",
        widget=forms.PasswordInput(attrs={**_PLAIN, "autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Put the token into the address, where the number is."""
        cleaned = super().clean() or {}
        number, address = cleaned.get("number", ""), cleaned.get("address", "").strip()
        if not number or not address:
            return cleaned
        for typed in (quote(number, safe=""), number):
            if _NUMBER not in address:
                address = address.replace(typed, _NUMBER)
        if _NUMBER not in address:
            self.add_error(
                "address",
                f"The number {number} isn't in this address. Put it where it belongs, or write "
                f"{_NUMBER} there.",
            )
        return cleaned | {"address": address}

    def draft(self, key: Secret | None, *, taken: frozenset[str]) -> Draft:
        """Return the integration that the form makes; for a valid form."""
        address = self.cleaned_data["address"]
        header, value = _header_of(key)
        step = StepConfig(url=address, headers=((header, value),) if header else ())
        secrets = (SecretEntry(name=_KEY, value=_value_of(key)),) if key else ()
        return Draft(
            name=_free_name(urlsplit(address).hostname or "Billing system", taken),
            secrets=secrets,
            commands=(CommandConfig(name=INVOICE_COMMAND, steps=(step,)),),
        )


class FirstContactForm(BackofficeForm):
    """The person who will see the first invoice."""

    customer = forms.CharField(label="Customer", max_length=200)
    email = forms.EmailField(
        label="Contact's e-mail",
        help_text="Nothing is sent to it now. You invite the contact when you are ready.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


def _header_of(key: Secret | None) -> tuple[str, str]:
    """Return the header that carries *key*, with a token instead of the secret."""
    token = f"{{{{{_KEY}}}}}"
    if key is None:
        return "", ""
    named, scheme = _HEADER.fullmatch(key.reveal()), _SCHEME.fullmatch(key.reveal())
    if named:
        inner = _SCHEME.fullmatch(named[2])
        return named[1], f"{inner[1]} {token}" if inner else token
    return "Authorization", f"{scheme[1] if scheme else 'Bearer'} {token}"


def _value_of(key: Secret | None) -> Secret | None:
    """Return the secret itself, without a header's name or a scheme before it."""
    if key is None:
        return None
    text = key.reveal()
    named = _HEADER.fullmatch(text)
    text = named[2] if named else text
    scheme = _SCHEME.fullmatch(text)
    return Secret(scheme[2] if scheme else text)


def _free_name(name: str, taken: frozenset[str]) -> str:
    numbered = (f"{name} {number}" for number in range(2, 1000))
    return next((each for each in (name, *numbered) if each not in taken), name)
