"""The mail that tells people that they were invited, and how to sign in.

It holds the address of the sign-in page and nothing that signs in: whoever reads the mail must
still get the code that is sent to its address.
"""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from billhook.portal.customers.models import Contact
from billhook.portal.mail.outbox import post
from billhook.portal.organisations.models import Member


def mail_contact(contact: Contact) -> None:
    """Tell *contact* that they may see their company's invoices."""
    organisation = contact.customer.organisation
    _mail(
        contact.user.email,
        subject=f"Your invoices from {organisation.name}",
        template="backoffice/mail/contact.txt",
        context={"contact": contact, "organisation": organisation},
        reply_to=organisation.support_email,
    )


def mail_member(member: Member, *, invited_by: Member) -> None:
    """Tell *member* that they may use the backoffice."""
    _mail(
        member.user.email,
        subject=f"You are a member of {member.organisation.name}",
        template="backoffice/mail/member.txt",
        context={"member": member, "invited_by": invited_by},
        reply_to=invited_by.user.email,
    )


def _mail(
    to: str, *, subject: str, template: str, context: dict[str, object], reply_to: str
) -> None:
    address = settings.PUBLIC_URL + reverse(settings.LOGIN_URL)
    message = EmailMessage(
        subject=" ".join(subject.split()),
        body=render_to_string(template, context | {"sign_in": address, "to": to}),
        to=[to],
        reply_to=[reply_to] if reply_to else None,
    )
    post(message)
