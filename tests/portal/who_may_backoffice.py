"""Permissions in the backoffice: people, customers, invoices, settings."""

from __future__ import annotations

from django.core.mail import EmailMessage

from billhook.engine.body import Body
from billhook.portal.backoffice.views_held import holder_of
from billhook.portal.documents.held import Held, shelf
from billhook.portal.imports.columns.fields import ImportKind
from billhook.portal.imports.services import start_import
from billhook.portal.jobs.services import enqueue
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
        name=shelf().hold(Body(b"%PDF"), holder),
        user_id=holder.user_id,
        subject=holder.subject,
        run_id="0" * 12,
        media_type="application/pdf",
        file_name="INV-1.pdf",
        size=4,
        fetched_at=0.0,
        organisation_id=target.organisation.id,
    )
    return {**_organisation(target), "token": held.token()}


def _held_page(target: Target) -> dict[str, object]:
    return {**_held_file(target), "number": 1}


def _import(target: Target) -> dict[str, object]:
    started = start_import(
        organisation=target.organisation,
        user=None,
        kind=ImportKind.INVOICES,
        content=b"Number;Customer number;Date;Amount;Currency\nX-1;C-1;2025-01-01;5;EUR\n",
    )
    return {**_organisation(target), "import_id": started.id}


def _job(target: Target) -> dict[str, object]:
    job = enqueue("import", organisation=target.organisation, subject=target.invoice.id)
    return {**_organisation(target), "job_id": job.id}


ROWS = {
    "backoffice:jobs": Row(get=VIEWERS, given=_organisation),
    "backoffice:job-stop": Row(post=EDITORS, given=_job),
    "backoffice:job-run": Row(post=EDITORS, given=_job),
    "backoffice:job-retry": Row(post=EDITORS, given=_job),
    "backoffice:start": Row(get=EDITORS, post=EDITORS, given=_organisation),
    "backoffice:sample": Row(post=EDITORS, given=_organisation),
    "backoffice:home": Row(get=VIEWERS, given=_organisation),
    "backoffice:invoices": Row(get=VIEWERS, given=_organisation),
    "backoffice:invoice": Row(get=VIEWERS, given=_invoice),
    "backoffice:invoice-export": Row(get=VIEWERS, given=_organisation),
    "backoffice:invoice-new": Row(get=EDITORS, post=EDITORS, given=_organisation),
    "backoffice:invoice-import": Row(get=EDITORS, post=EDITORS, given=_organisation),
    "backoffice:customer-import": Row(get=EDITORS, post=EDITORS, given=_organisation),
    "backoffice:imports": Row(get=EDITORS, given=_organisation),
    "backoffice:import": Row(get=EDITORS, given=_import),
    "backoffice:import-columns": Row(get=EDITORS, post=EDITORS, given=_import),
    "backoffice:import-confirm": Row(post=EDITORS, given=_import),
    "backoffice:import-discard": Row(post=EDITORS, given=_import),
    "backoffice:import-undo": Row(get=EDITORS, post=EDITORS, given=_import),
    "backoffice:import-refused": Row(get=EDITORS, given=_import),
    "backoffice:import-invite": Row(get=EDITORS, post=EDITORS, given=_import),
    "backoffice:invoice-edit": Row(get=EDITORS, post=EDITORS, given=_invoice),
    "backoffice:invoice-remove": Row(get=EDITORS, post=EDITORS, given=_invoice),
    "backoffice:customers": Row(get=VIEWERS, given=_organisation),
    "backoffice:customer-search": Row(get=VIEWERS, given=_organisation),
    "backoffice:statement": Row(get=VIEWERS, given=_customer),
    "backoffice:statement-pdf": Row(get=VIEWERS, given=_customer),
    "backoffice:statement-csv": Row(get=VIEWERS, given=_customer),
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
    "backoffice:embedding": Row(get=OWNERS, post=OWNERS, given=_organisation),
    "backoffice:settings": Row(get=OWNERS, post=OWNERS, given=_organisation),
    "backoffice:test-mail": Row(post=OWNERS, given=_organisation),
    "backoffice:mail-again": Row(post=EDITORS, given=_unsent_mail),
    "backoffice:held-page": Row(get=EDITORS, given=_held_page),
    "backoffice:held-document": Row(get=EDITORS, given=_held_file),
}
