"""Permissions in the backoffice: people, customers, invoices, settings."""

from __future__ import annotations

from django.core.mail import EmailMessage

from billhook.engine.body import Body
from billhook.portal.backoffice.views_held import holder_of
from billhook.portal.documents.held import Held, shelf
from billhook.portal.mail.models import MailKind
from billhook.portal.mail.services import keep_mail
from portal.who_may import EDITORS, OWNERS, VIEWERS, Row, Target


def _organisation(target: Target) -> dict[str, object]:
    return {"organisation_id": target.organisation.id}


def _invoice(target: Target) -> dict[str, object]:
    return {**_organisation(target), "invoice_id": target.invoice.id}


def _customer(target: Target) -> dict[str, object]:
    return {**_organisation(target), "customer_id": target.customer.id}


def _contact(target: Target) -> dict[str, object]:
    return {**_organisation(target), "contact_id": target.contact.id}


def _member(target: Target) -> dict[str, object]:
    return {**_organisation(target), "member_id": target.member.id}


def _unsent_mail(target: Target) -> dict[str, object]:
    message = EmailMessage("Invitation", "text", to=[target.contact.user.email])
    mail = keep_mail(
        message=message,
        kind=MailKind.INVITATION,
        user=target.contact.user,
        organisation=target.organisation,
    )
    return {**_organisation(target), "mail_id": mail.id}


def _held_file(target: Target) -> dict[str, object]:
    holder = holder_of(target.owner)
    held = Held(
        name=shelf().hold(Body(b"%PDF")),
        user_id=holder.user_id,
        subject=holder.subject,
        run_id="0" * 12,
        media_type="application/pdf",
        file_name="INV-1.pdf",
        size=4,
        fetched_at=0.0,
    )
    return {**_organisation(target), "token": held.token()}


def _held_page(target: Target) -> dict[str, object]:
    return {**_held_file(target), "number": 1}


ROWS = {
    "backoffice:home": Row(get=VIEWERS, given=_organisation),
    "backoffice:invoices": Row(get=VIEWERS, given=_organisation),
    "backoffice:invoice": Row(get=VIEWERS, given=_invoice),
    "backoffice:invoice-export": Row(get=VIEWERS, given=_organisation),
    "backoffice:invoice-new": Row(get=EDITORS, post=EDITORS, given=_organisation),
    "backoffice:invoice-import": Row(get=EDITORS, post=EDITORS, given=_organisation),
    "backoffice:invoice-import-apply": Row(post=EDITORS, given=_organisation),
    "backoffice:invoice-edit": Row(get=EDITORS, post=EDITORS, given=_invoice),
    "backoffice:invoice-remove": Row(get=EDITORS, post=EDITORS, given=_invoice),
    "backoffice:customers": Row(get=VIEWERS, given=_organisation),
    "backoffice:customer": Row(get=VIEWERS, given=_customer),
    "backoffice:customer-new": Row(get=EDITORS, post=EDITORS, given=_organisation),
    "backoffice:customer-edit": Row(get=EDITORS, post=EDITORS, given=_customer),
    "backoffice:customer-remove": Row(get=EDITORS, post=EDITORS, given=_customer),
    "backoffice:contact-invite": Row(post=EDITORS, given=_customer),
    "backoffice:contact-remove": Row(get=EDITORS, post=EDITORS, given=_contact),
    "backoffice:members": Row(get=VIEWERS, given=_organisation),
    "backoffice:member-invite": Row(post=OWNERS, given=_organisation),
    "backoffice:member-role": Row(post=OWNERS, given=_member),
    "backoffice:member-remove": Row(get=OWNERS, post=OWNERS, given=_member),
    "backoffice:settings": Row(get=OWNERS, post=OWNERS, given=_organisation),
    "backoffice:test-mail": Row(post=OWNERS, given=_organisation),
    "backoffice:mail-again": Row(post=EDITORS, given=_unsent_mail),
    "backoffice:held-page": Row(get=EDITORS, given=_held_page),
    "backoffice:held-document": Row(get=EDITORS, given=_held_file),
}
