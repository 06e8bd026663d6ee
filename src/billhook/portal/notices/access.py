"""The only way to the rows of notices: each function says who is asking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact
from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Invoice
from billhook.portal.notices.languages import MailText, language_of
from billhook.portal.notices.models import (
    Incident,
    MailingState,
    Notice,
    NoticeChoice,
    NoticeMailing,
    NoticeRules,
    NoticeText,
    SourceCheck,
)
from billhook.portal.organisations.models import Member, Organisation, Role
from billhook.portal.runs.models import Run

OPEN_STATES = (MailingState.WAITING, MailingState.SENDING)
REFUSED_STATES = (MailingState.FAILED, MailingState.BOUNCED)
"""The states of mail that a mail server refused: ours at once, or the contact's later."""
TROUBLED_STATES = (*REFUSED_STATES, MailingState.UNCERTAIN)
"""The states of mail that a member can have sent again."""


def rules_for_member(member: Member) -> NoticeRules:
    """Return the rules of the organisation that *member* is of; unsaved ones, all off, at first."""
    return rules_of(member.organisation)


def rules_of(organisation: Organisation) -> NoticeRules:
    """Return the rules of *organisation*: for a caller that has it from its own access."""
    found = NoticeRules.objects.filter(organisation=organisation).first()
    return found or NoticeRules(organisation=organisation)


def rules_to_work_on(organisation_id: str) -> NoticeRules | None:
    """Return the rules of an organisation: for the job that sends its notices."""
    rows = NoticeRules.objects.filter(organisation_id=organisation_id)
    return rows.select_related("organisation").first()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnChoice:
    """The notices that one organisation sends to a person, and what the person has chosen."""

    organisation: Organisation
    frequency: str
    language: str
    problem: str = ""


def choices_of_person(user: User) -> list[OwnChoice]:
    """Return the choices of *user* for each organisation that sends them notices, by name."""
    theirs = NoticeRules.objects.filter(organisation__customers__contacts__user=user)
    rules = [each for each in theirs.select_related("organisation").distinct() if each.is_on]
    chosen = {row.organisation_id: row for row in NoticeChoice.objects.filter(user=user)}
    return [
        OwnChoice(
            organisation=each.organisation,
            frequency=frequency_for(each, chosen.get(each.organisation_id)),
            language=chosen[each.organisation_id].language
            if each.organisation_id in chosen
            else "",
        )
        for each in sorted(rules, key=lambda each: (each.organisation.name, each.organisation_id))
    ]


def frequency_for(rules: NoticeRules, choice: NoticeChoice | None) -> str:
    """Return the frequency that counts for a person with this choice."""
    return choice.frequency if choice is not None and choice.frequency else rules.usual


def choices_for(rules: NoticeRules, user_ids: Iterable[str]) -> dict[str, NoticeChoice]:
    """Return the choices of many people by their ids: for the job that announces invoices."""
    rows = NoticeChoice.objects.filter(
        organisation_id=rules.organisation_id, user_id__in=list(user_ids)
    )
    return {row.user_id: row for row in rows}


def language_for(rules: NoticeRules, choice: NoticeChoice | None, locale: str) -> str:
    """Return the code of the language of mail to a person whose customer has *locale*."""
    chosen = choice.language if choice is not None else ""
    return chosen or language_of(locale) or rules.language


def own_texts(organisation: Organisation, language: str) -> Mapping[str, MailText]:
    """Return the organisation's own texts in a language, by kind of mail."""
    rows = NoticeText.objects.filter(organisation=organisation, language=language)
    return {row.kind: MailText(subject=row.subject, body=row.body) for row in rows}


def text_for_member(member: Member, kind: str, language_code: str) -> NoticeText | None:
    """Return the own text of *member*'s organisation for a kind of mail in a language, or None."""
    return NoticeText.objects.filter(
        organisation_id=member.organisation_id, kind=kind, language=language_code
    ).first()


def own_texts_of_member(member: Member) -> set[tuple[str, str]]:
    """Return the kinds and languages in which *member*'s organisation has its own texts."""
    rows = NoticeText.objects.filter(organisation_id=member.organisation_id)
    return set(rows.values_list("kind", "language"))


def notices_of_mailing(mailing: NoticeMailing) -> list[Notice]:
    """Return the notices of a mail, with what writing it takes: for the job that sends it."""
    rows = mailing.notices.select_related("invoice__customer", "invoice__organisation", "user")
    return list(rows.order_by("invoice__due_on", "invoice__number"))


def due_mailings(rules: NoticeRules, *, now: datetime, most: int) -> list[NoticeMailing]:
    """Return the mail of an organisation that is due, oldest first: for the job that sends it."""
    rows = NoticeMailing.objects.filter(
        organisation_id=rules.organisation_id, state=MailingState.WAITING, due_at__lte=now
    )
    return list(rows.select_related("user").order_by("due_at", "id")[:most])


def begun_since(rules: NoticeRules, since: datetime) -> int:
    """Return how many mails of an organisation were begun since a time, for the hourly limit."""
    return NoticeMailing.objects.filter(
        organisation_id=rules.organisation_id, began_at__gt=since
    ).count()


def notices_of_invoice(member: Member, invoice: Invoice, *, most: int) -> list[Notice]:
    """Return the last notices about *invoice*, as far as *member* may see it, newest first."""
    rows = Notice.objects.filter(invoice=invoice, organisation_id=member.organisation_id)
    return list(rows.select_related("user", "mailing").order_by("-created_at", "-id")[:most])


def refused_mailings(member: Member, user_ids: Iterable[str]) -> dict[str, NoticeMailing]:
    """Return the last mail to each of some people, if it was refused for good or came back."""
    rows = NoticeMailing.objects.filter(
        organisation_id=member.organisation_id, user_id__in=list(user_ids)
    ).exclude(state__in=(*OPEN_STATES, MailingState.DROPPED))
    newer = NoticeMailing.objects.filter(
        organisation_id=member.organisation_id,
        user_id=OuterRef("user_id"),
        created_at__gt=OuterRef("created_at"),
    ).exclude(state__in=(*OPEN_STATES, MailingState.DROPPED))
    refused = rows.filter(~Exists(newer), state__in=REFUSED_STATES)
    return {row.user_id: row for row in refused}


def troubled_mailings(member: Member) -> QuerySet[NoticeMailing]:
    """Return the mail of *member*'s organisation that may not have arrived, newest first."""
    rows = NoticeMailing.objects.filter(
        organisation_id=member.organisation_id, state__in=TROUBLED_STATES
    ).select_related("user")
    return rows.order_by("-created_at")


def mailing_for_member(member: Member, mailing_id: str) -> NoticeMailing | None:
    """Return a mail of the organisation that *member* is of, if there is one with that id."""
    rows = NoticeMailing.objects.filter(organisation_id=member.organisation_id)
    return rows.filter(id=mailing_id).first()


def mailing_of_mark(mailing_id: str) -> NoticeMailing | None:
    """Return a mail by the id in its genuine mark: for what notes that it came back."""
    return NoticeMailing.objects.filter(id=mailing_id).first()


def sent_today(member: Member) -> int:
    """Return how many mails of *member*'s organisation were sent in the last 24 hours."""
    since = timezone.now() - timedelta(days=1)
    return NoticeMailing.objects.filter(
        organisation_id=member.organisation_id, began_at__gt=since, state=MailingState.SENT
    ).count()


def next_watched(*, after: str) -> Integration | None:
    """Return the next enabled integration of any organisation: for the job that watches them."""
    rows = Integration.objects.filter(enabled=True, id__gt=after).order_by("id")
    return rows.select_related("organisation").first()


def check_of(integration: Integration) -> SourceCheck:
    """Return the nightly check of an integration that the caller has; an unsaved one at first."""
    rows = SourceCheck.objects.select_related("integration__organisation")
    found = rows.filter(integration=integration).first()
    return found or SourceCheck(integration=integration)


def invoice_to_check(integration: Integration, number: str) -> Invoice | None:
    """Return the invoice of that number, or else the last one whose document *integration* gave."""
    shown = Invoice.objects.filter(
        organisation_id=integration.organisation_id, hidden_at=None
    ).select_related("customer", "organisation")
    if number:
        return shown.filter(number=number).first()
    worked = Run.objects.filter(integration=integration, outcome="ok", invoice__isnull=False)
    last = worked.order_by("-started_at").values_list("invoice_id", flat=True).first()
    return shown.filter(id=last).first() if last else None


def reader_for_check(invoice: Invoice) -> User | None:
    """Return the person in whose name a check asks: a contact of the customer, or else an owner."""
    contact = Contact.objects.filter(customer=invoice.customer).order_by("created_at").first()
    if contact is not None:
        return contact.user
    owners = Member.objects.filter(organisation_id=invoice.organisation_id, role=Role.OWNER)
    owner = owners.select_related("user").order_by("created_at").first()
    return owner.user if owner else None


def open_incidents(integration: Integration) -> dict[str, Incident]:
    """Return the open incidents of an integration by their kinds: for the same job."""
    rows = Incident.objects.filter(integration=integration, closed_at=None)
    return {row.kind: row for row in rows.select_related("integration__organisation")}


def has_had_incident(integration: Integration, kind: str, text: str) -> bool:
    """Return whether *integration* has had exactly this incident: for the job that watches."""
    return Incident.objects.filter(integration=integration, kind=kind, text=text).exists()


def incidents_for_member(member: Member, *, most: int) -> list[Incident]:
    """Return the last incidents of *member*'s organisation, newest first."""
    rows = Incident.objects.filter(organisation_id=member.organisation_id)
    return list(rows.select_related("integration").order_by("-opened_at", "-id")[:most])
