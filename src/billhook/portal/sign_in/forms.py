"""The sign-in forms: django-allauth's, with our wording and hints for browsers."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms

from billhook.portal.fields.names import check_name


class EmailForm(allauth_forms.RequestLoginCodeForm):  # type: ignore[misc]
    """The person who wants to sign in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self, "email", label="E-mail", autofocus=True)


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
