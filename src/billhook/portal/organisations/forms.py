"""The form of the first start."""

from __future__ import annotations

from typing import Any

from allauth.account.fields import SetPasswordField
from django import forms

from billhook.portal.accounts.models import User
from billhook.portal.fields.names import check_name
from billhook.portal.organisations.first_run import is_setup_code


class SetupForm(forms.Form):
    """The first organisation, its owner, and the code that shows who may make them."""

    code = forms.CharField(
        label="Set-up code",
        help_text="Billhook printed it when it started. It is also in the file setup.code in the "
        "data folder.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    organisation_name = forms.CharField(
        label="Organisation",
        max_length=200,
        validators=[check_name],
        help_text="The company whose invoices these are.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    email = forms.EmailField(
        label="Your e-mail", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    password = SetPasswordField(label="Password", help_text="At least 10 characters.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs.pop("placeholder", None)
        email = self.data.get("email", "") if self.is_bound else ""
        self.fields["password"].user = User(email=email)  # type: ignore[attr-defined]

    def clean_code(self) -> str:
        """Refuse a wrong code."""
        code: str = self.cleaned_data["code"]
        if not is_setup_code(code):
            raise forms.ValidationError(
                "This isn't the set-up code. Compare it with what Billhook printed, or with the "
                "file setup.code in the data folder."
            )
        return code
