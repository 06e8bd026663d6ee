"""Mail that invites people, and the sentence that reports to the member whether it was sent.

The mail holds the address of the sign-in page and nothing that signs in: its reader must still get
the code that is sent to that address. An address that an organisation invites again and again gets
a few mails a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact
from billhook.portal.limits.rates import is_within
from billhook.portal.mail.models import MailKind
from billhook.portal.mail.outbox import PostedMail, post_mail
from billhook.portal.mail.status import mail_status
from billhook.portal.organisations.models import Member, Organisation

_PATIENCE: Final = 1.0
"""Seconds that a page waits for the mail server, so that it can report the result."""

_AT_ONCE: Final = 50
MOST_A_DAY: Final = 5
"""Invitations that an organisation sends to one address in a day."""
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


def mail_contact(contact: Contact) -> PostedMail | None:
    """Tell *contact* by mail that they may see their company's invoices.

    None, if their address has had :data:`MOST_A_DAY` invitations in the last day.
    """
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


def mail_contacts(contacts: Sequence[Contact]) -> int:
    """Tell many contacts by mail that they may see their company's invoices.

    Return the number of mails: an address that has had its invitations of the day gets no more.
    """
    sent = 0
    for start in range(0, len(contacts), _AT_ONCE):
        with transaction.atomic():
            for contact in contacts[start : start + _AT_ONCE]:
                sent += mail_contact(contact) is not None
    return sent


def mail_member(member: Member, *, invited_by: Member) -> PostedMail | None:
    """Tell *member* by mail that they may use the backoffice; None as in :func:`mail_contact`."""
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


def report_invitation(
    request: HttpRequest, posted: PostedMail | None, *, email: str, done: str
) -> None:
    """Show on the next page that *done*, and whether the mail to *email* was sent."""
    if posted is None:
        messages.warning(
            request,
            f"{done} No mail was sent: {email} has had {MOST_A_DAY} invitations in the last day. "
            f"Ask them to open {_sign_in_address()}, where they get a code.",
        )
        return
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


def _post(invitation: InvitationMail) -> PostedMail | None:
    to = invitation.user.email
    key = f"{invitation.organisation.id}:{to}"
    if not is_within("invite-address", f"{MOST_A_DAY}/d/key", key=key):
        return None
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
