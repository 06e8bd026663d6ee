"""Mail that invites people, and the sentence that reports to the member whether it was sent.

The mail holds the address of the sign-in page and nothing that signs in: its reader must still get
the code that is sent to that address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact
from billhook.portal.mail.models import MailKind
from billhook.portal.mail.outbox import PostedMail, post_mail
from billhook.portal.mail.status import mail_status
from billhook.portal.organisations.models import Member, Organisation

_PATIENCE: Final = 1.0
"""Seconds that a page waits for the mail server, so that it can report the result."""

_NO_CODE_EITHER: Final = "Until mail reaches them, they can't get a code to sign in with either."


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationMail:
    """The mail for one person, and who sends it."""

    user: User
    organisation: Organisation
    subject: str
    template: str
    context: dict[str, object]
    reply_to: str


def mail_contact(contact: Contact) -> PostedMail:
    """Tell *contact* by mail that they may see their company's invoices."""
    organisation = contact.customer.organisation
    return _post(
        InvitationMail(
            user=contact.user,
            organisation=organisation,
            subject=f"Your invoices from {organisation.name}",
            template="backoffice/mail/contact.txt",
            context={"contact": contact, "organisation": organisation},
            reply_to=organisation.support_email,
        )
    )


def mail_member(member: Member, *, invited_by: Member) -> PostedMail:
    """Tell *member* by mail that they may use the backoffice."""
    return _post(
        InvitationMail(
            user=member.user,
            organisation=member.organisation,
            subject=f"You are a member of {member.organisation.name}",
            template="backoffice/mail/member.txt",
            context={"member": member, "invited_by": invited_by},
            reply_to=invited_by.user.email,
        )
    )


def report_invitation(request: HttpRequest, posted: PostedMail, *, email: str, done: str) -> None:
    """Show on the next page that *done*, and whether the mail to *email* was sent."""
    status = mail_status()
    mail = posted.outcome(seconds=_PATIENCE)
    if status.is_printed:
        messages.warning(
            request,
            f"{done} No mail was sent: no mail server is set (BILLHOOK_EMAIL_URL), so the mail is "
            f"in Billhook's log. To let them in now, ask them to open {_sign_in_address()} and "
            f"type {email}, and give them the code that the log then shows.",
        )
    elif mail is None:
        messages.success(request, f"{done} A mail to {email} explains how to sign in.")
    elif mail.has_failed:
        messages.warning(
            request, f"{done} The mail couldn't be sent. {mail.reason} {_NO_CODE_EITHER}"
        )
    elif mail.reason or not status.works:
        reason = mail.reason or status.reason
        messages.warning(
            request,
            f"{done} The mail couldn't be sent yet. {reason} Billhook tries again for a day. "
            f"{_NO_CODE_EITHER}",
        )
    else:
        messages.success(
            request, f"{done} A mail that explains how to sign in is on its way to {email}."
        )


def _post(invitation: InvitationMail) -> PostedMail:
    to = invitation.user.email
    message = EmailMessage(
        subject=" ".join(invitation.subject.split()),
        body=render_to_string(
            invitation.template, invitation.context | {"sign_in": _sign_in_address(), "to": to}
        ),
        to=[to],
        reply_to=[invitation.reply_to] if invitation.reply_to else None,
    )
    return post_mail(
        message=message,
        kind=MailKind.INVITATION,
        user=invitation.user,
        organisation=invitation.organisation,
    )


def _sign_in_address() -> str:
    return settings.PUBLIC_URL + reverse(settings.LOGIN_URL)
