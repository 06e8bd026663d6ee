"""A test mail, and another try for mail that couldn't be sent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Final

from asgiref.sync import sync_to_async
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from billhook.portal.backoffice.invitations import report_invitation
from billhook.portal.backoffice.pages import member_for
from billhook.portal.documents.response import DocumentResponse
from billhook.portal.limits.rates import limited
from billhook.portal.mail.access import mail_for_member
from billhook.portal.mail.background import writing_background
from billhook.portal.mail.check import is_mail_sent, send_test_mail
from billhook.portal.mail.failure import MailFailed, MailFailure
from billhook.portal.mail.outbox import post_again
from billhook.portal.mail.status import check_mail_soon, note_check
from billhook.portal.organisations.models import Member, Role

_SALT: Final = "billhook.test-mail"
_SHOWN_FOR: Final = 600
"""Seconds for which the page shows the result in its address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """The result of a test mail: the reason why it wasn't sent, or none."""

    to: str
    reason: str

    __test__ = False  # no test class, whatever pytest reads in its name


@require_POST
@limited("test-mail", "10/h/user")
def send_test(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Send a test mail to the owner who asks for it, and show the result."""
    member = member_for(request, organisation_id, at_least=Role.OWNER)
    if not is_mail_sent():
        return HttpResponseRedirect(_settings_address(member))

    async def send() -> HttpResponse:
        failure = await asyncio.to_thread(_failure_of_test_mail, member.user.email)
        await _noted(failure)
        return HttpResponseRedirect(_result_address(member, failure))

    return DocumentResponse(send)


@require_POST
@limited("invite", "60/h/user")
def send_again(request: HttpRequest, organisation_id: str, mail_id: str) -> HttpResponse:
    """Send a mail that couldn't be sent once more."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    mail = mail_for_member(member, mail_id)
    if mail.can_be_sent_again:
        report_invitation(request, post_again(mail=mail), email=mail.to, done="Tried again.")
    return HttpResponseRedirect(_way_back(request, organisation_id))


def read_result(text: str) -> TestResult | None:
    """Return the result of a test mail that the address of the settings page holds, if it does."""
    try:
        to, reason = signing.loads(text, salt=_SALT, max_age=_SHOWN_FOR)
    except signing.BadSignature:
        return None
    return TestResult(to=to, reason=reason)


def _failure_of_test_mail(to: str) -> MailFailure | None:
    try:
        send_test_mail(to=to)
    except MailFailed as failed:
        return failed.failure
    return None


def _note(failure: MailFailure | None) -> None:
    """Note that mail works, or have a check find out whether the server fails for everybody."""
    note = partial(note_check, None) if failure is None else check_mail_soon
    writing_background().run(note).result()


_noted = sync_to_async(_note, thread_sensitive=True)


def _result_address(member: Member, failure: MailFailure | None) -> str:
    """Return the address of the settings page with the result, signed: nobody else can write it."""
    reason = failure.message if failure else ""
    result = signing.dumps([member.user.email, reason], salt=_SALT)
    return f"{_settings_address(member)}?test={result}#mail"


def _settings_address(member: Member) -> str:
    return reverse("backoffice:settings", args=[member.organisation_id])


def _way_back(request: HttpRequest, organisation_id: str) -> str:
    """Return the page of the backoffice that the form was on; Home where it doesn't say."""
    home = reverse("backoffice:home", args=[organisation_id])
    back = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith(home)
    return back if is_ours else home
