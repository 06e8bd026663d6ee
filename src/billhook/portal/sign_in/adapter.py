# ruff: noqa: ARG002 - the signatures are django-allauth's
"""Our differences from django-allauth: no sign-up, our wording, our first page."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import get_next_redirect_url
from allauth.core import context as allauth_context
from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from billhook.portal.accounts.services import user_of_email
from billhook.portal.events.facts import note_sign_in
from billhook.portal.mail.background import writing_background
from billhook.portal.mail.models import MailKind
from billhook.portal.mail.outbox import post_mail
from billhook.portal.organisations.home import home_of
from billhook.portal.sign_in.attempts import count_key, is_to_be_mailed, make_code


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """django-allauth's questions, answered for Billhook."""

    error_messages: ClassVar[dict[str, str]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "This e-mail and password don't match. Try again, or let us "
        "send you a code instead.",
        "enter_current_password": "This isn't your current password. Type the one you use now.",
        "incorrect_code": "This isn't the code we sent. Look for our latest e-mail and try again.",
        "too_many_login_attempts": "Too many attempts. Wait a few minutes, then try again.",
        "rate_limited": "Too many attempts. Wait a few minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False: a member invites people; nobody signs up."""
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Return the first page after signing in: the backoffice, or the person's invoices."""
        return home_of(request.user)

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Return the sign-in page."""
        return reverse("account_request_login_code")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Return to one's own settings."""
        return reverse("settings")

    def login(self, request: HttpRequest, user: Any) -> None:
        """Sign *user* in, and note the event."""
        super().login(request, user)
        note_sign_in(user)

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Respond as if the person were unknown."""
        messages.error(request, self.error_messages["email_password_mismatch"])
        return HttpResponseRedirect(reverse("account_login"))

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Pass on warnings and errors; a success shows on the page that follows."""
        if level >= messages.WARNING:
            super().add_message(request, level, *args, **kwargs)

    def format_email_subject(self, subject: str) -> str:
        """Return the subject without the site's name in brackets."""
        return subject

    def is_safe_url(self, url: str) -> bool:
        """Return whether a person may be sent to *url* after signing in: a path of ours alone."""
        return url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def generate_login_code(self) -> str:
        """Return a code, longer where many are asked for."""
        return make_code(allauth_context.request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        return count_key(request, credentials.get("email", ""))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Store an e-mail and send it after the response: a delay would reveal who is known."""
        if not is_to_be_mailed(context.get("code", "")):
            return
        values = {
            **context,
            "email": email,
            "public_url": settings.PUBLIC_URL,
            "next": get_next_redirect_url(allauth_context.request),  # one of ours, or nothing
        }
        message = self.render_mail(template_prefix, email, values)
        writing_background().run(partial(_post_code, message, email))


def _post_code(message: EmailMessage, email: str) -> None:
    lasting = timedelta(seconds=settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT)
    post_mail(message=message, kind=MailKind.CODE, user=user_of_email(email), lasting=lasting)
