"""The sign-in forms: django-allauth's, with our wording and hints for browsers."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.account.utils import filter_users_by_email
from allauth.core import context as allauth_context
from django import forms

from billhook.portal.fields.names import check_name
from billhook.portal.sign_in.attempts import count_code_request


class EmailForm(allauth_forms.RequestLoginCodeForm):  # type: ignore[misc]
    """The person who wants to sign in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self, "email", label="E-mail", autofocus=True)

    def clean_email(self) -> str:
        """Find the person of the address, and count the attempt. Strangers' count for themselves.

        The page is the same for an address that nobody has.
        """
        request, email = allauth_context.request, str(self.cleaned_data["email"])
        if not count_code_request(request, email):
            raise get_adapter().validation_error("too_many_login_attempts")
        users = filter_users_by_email(email, is_active=True, prefer_verified=True)
        self._user = users[0] if users else None
        return email


class CodeForm(allauth_forms.ConfirmLoginCodeForm):  # type: ignore[misc]
    """The code from the mail: one field, so that pasting and filling it in for the person work."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(
            self,
            "code",
            label="Code",
            autocomplete="one-time-code",
            inputmode="numeric",
            autofocus=True,
        )


class PasswordForm(allauth_forms.LoginForm):  # type: ignore[misc]
    """E-mail and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self, "login", label="E-mail", autofocus=True)
        _dress(self, "password", label="Password")


class ChangePasswordForm(allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    """The current password and a new one, typed once: a password manager shows it if need be."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        _dress(self, "oldpassword", label="Current password", autofocus=True)
        _dress(self, "password1", label="New password")


class SetPasswordForm(allauth_forms.SetPasswordForm):  # type: ignore[misc]
    """A first password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        _dress(self, "password1", label="New password", autofocus=True)


class NameForm(forms.Form):
    """The name of a person."""

    name = forms.CharField(
        label="Your name",
        max_length=200,
        validators=[check_name],
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


def _dress(form: forms.Form, name: str, *, label: str, **attributes: Any) -> None:
    field = form.fields[name]
    field.label = label
    field.widget.attrs.pop("placeholder", None)  # it vanishes while one types; the label stays
    field.widget.attrs.update(attributes)
