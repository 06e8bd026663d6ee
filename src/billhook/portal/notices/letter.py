"""Writes a mail with notices: subject, plain text and HTML. Nothing is read or sent here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from billhook.portal.accounts.models import User
from billhook.portal.invoices.models import Invoice
from billhook.portal.notices.languages import Language, MailText, Writer, language
from billhook.portal.notices.links import stop_address
from billhook.portal.notices.mail_tokens import LIST, filled
from billhook.portal.notices.models import NoticeKind
from billhook.portal.organisations.models import Organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """One notice: an invoice, with its customer, and the reason to write about it."""

    invoice: Invoice
    kind: NoticeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail as its reader gets it."""

    subject: str
    text: str
    html: str
    stop: str
    """The address that ends such mail with one click."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterWriter:
    """Writes the mail of one organisation to one person in one language.

    *own* are the organisation's own texts in that language, by kind.
    """

    organisation: Organisation
    user: User
    language: Language
    own: Mapping[str, MailText]
    is_list: bool = False
    """Whether a list is written even for one invoice: for the preview of one."""

    def write(self, announced: Sequence[Announced], *, is_attached: bool | None = None) -> Letter:
        """Return the mail about *announced*; *is_attached* is None where no document was wanted."""
        kind = str(announced[0].kind) if len(announced) == 1 and not self.is_list else LIST
        text = self.own.get(kind) or self.language.texts[kind]
        values = self._values(announced)
        words = self.language.words
        address = stop_address(self.user.id, self.organisation.id)
        context = {
            "language": self.language.code,
            "organisation": self.organisation,
            "words": words,
            "body": filled(text.body, kind, values).replace("\r\n", "\n"),
            "rows": [self._row(each) for each in announced],
            "is_list": kind == LIST,
            "note": _note(words, is_attached=is_attached),
            "reason": words["reason"].format(
                organisation=self.organisation.name, customer=_customers(announced)
            ),
            "settings": f"{settings.PUBLIC_URL}{reverse('settings')}#notices",
            "stop": address,
        }
        return Letter(
            subject=_one_line(filled(text.subject, kind, values)),
            text=render_to_string("notices/mail.txt", context),
            html=render_to_string("notices/mail.html", context),
            stop=address,
        )

    def _values(self, announced: Sequence[Announced]) -> dict[str, str]:
        first = announced[0].invoice
        writer = self._writer(first)
        return {
            "ContactName": self.user.name or self.user.email,
            "OrganisationName": self.organisation.name,
            "InvoiceCount": str(len(announced)),
            "InvoiceNumber": first.number,
            "InvoiceDate": writer.day(first.issued_on),
            "DueDate": writer.day(first.due_on),
            "Amount": writer.money(first.signed_amount, first.currency),
            "OpenAmount": writer.money(first.signed_open_amount, first.currency),
            "PoNumber": first.po_number,
            "CustomerName": first.customer.name,
        }

    def _row(self, announced: Announced) -> dict[str, Any]:
        invoice, writer = announced.invoice, self._writer(announced.invoice)
        words = self.language.words
        facts = [
            (words["number"], invoice.number),
            (words["customer"], invoice.customer.name),
            (words["date"], writer.day(invoice.issued_on)),
            (words["due"], writer.day(invoice.due_on) if invoice.due_on else ""),
            (words["amount"], writer.money(invoice.signed_amount, invoice.currency)),
            (words["open_amount"], writer.money(invoice.signed_open_amount, invoice.currency)),
        ]
        return {
            "kind": words[str(announced.kind).replace("-", "_")],
            "facts": [(name, value) for name, value in facts if value],
            "address": f"{settings.PUBLIC_URL}{reverse('invoice', args=[invoice.id])}",
        }

    def _writer(self, invoice: Invoice) -> Writer:
        return Writer.of(self.language.code, invoice.customer.locale)


def writer_for(
    *, organisation: Organisation, user: User, code: str, own: Mapping[str, MailText]
) -> LetterWriter:
    """Return the writer of mail to *user* in the language with that code."""
    return LetterWriter(organisation=organisation, user=user, language=language(code), own=own)


def _note(words: Mapping[str, str], *, is_attached: bool | None) -> str:
    if is_attached is None:
        return ""
    return words["attached" if is_attached else "not_attached"]


def _customers(announced: Sequence[Announced]) -> str:
    return ", ".join(dict.fromkeys(each.invoice.customer.name for each in announced))


def _one_line(text: str) -> str:
    """Return *text* without what a subject can't have: line breaks, and characters unseen."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:200]
