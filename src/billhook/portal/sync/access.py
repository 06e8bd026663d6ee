"""The only way to the rows of syncs: each function says who is asking."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Customer
from billhook.portal.integrations.models import Integration
from billhook.portal.organisations.models import Member, Organisation
from billhook.portal.sync.models import (
    Question,
    SyncRun,
    SyncSource,
    SyncState,
    WaitingRow,
    WaitsFor,
)


def sources_for_member(member: Member) -> QuerySet[SyncSource]:
    """Return the syncs of the organisation that *member* is of, in its integrations' order."""
    return (
        SyncSource.objects.filter(integration__organisation_id=member.organisation_id)
        .select_related("integration")
        .order_by("integration__position", "integration__created_at")
    )


def troubled_sources(member: Member, *, failures: int) -> Iterator[tuple[SyncSource, bool]]:
    """Yield the syncs of *member*'s organisation that a member should look at.

    These are the ones that are on and were refused, failed at least *failures* times in a row, or
    ask a question; whether they do comes with each.
    """
    question = SyncRun.objects.filter(source=OuterRef("pk"), question=Question.OPEN)
    found = sources_for_member(member).filter(is_on=True, integration__enabled=True)
    found = found.annotate(is_asking=Exists(question))
    for source in found.filter(Q(failures__gte=failures) | ~Q(stopped_at="") | Q(is_asking=True)):
        yield source, source.is_asking


def source_for_member(member: Member, integration_id: str) -> SyncSource:
    """Return the sync of an integration of *member*'s organisation, or raise Http404."""
    found = sources_for_member(member).filter(integration_id=integration_id).first()
    if found is None:
        raise Http404
    return found


def is_synced(integration: Integration) -> bool:
    """Return whether a member has started the sync of an integration of the caller's."""
    return SyncSource.objects.filter(integration=integration, is_on=True).exists()


def certificate_ends(integrations: Collection[Integration], *, since: datetime) -> dict[str, date]:
    """Return the ends of server certificates that syncs of the caller's *integrations* have seen.

    By the ids of the integrations: those that end soon, seen since then and since the last change.
    """
    found = SyncSource.objects.filter(
        integration__in=[each.id for each in integrations],
        certificate_seen_at__gte=since,
        certificate_seen_at__gt=F("integration__changed_at"),
    )
    ends = found.values_list("integration_id", "certificate_ends")
    return {id_: end for id_, end in ends if end is not None}


def runs_of(source: SyncSource, *, most: int) -> list[SyncRun]:
    """Return the newest runs of *source*, which the caller has from here; no dry ones."""
    return list(source.runs.filter(is_dry=False).select_related("answered_by")[:most])


def newest_dry_run(source: SyncSource) -> SyncRun | None:
    """Return the newest dry run of *source*, which the caller has from here."""
    return source.runs.filter(is_dry=True).first()


def pause_ends_at(source: SyncSource, *, is_dry: bool = False) -> datetime | None:
    """Return the time before which the run of *source* in progress may not ask it again."""
    waiting = source.runs.filter(
        is_dry=is_dry, state=SyncState.RUNNING, resume_at__gt=timezone.now()
    )
    return waiting.values_list("resume_at", flat=True).first()


def open_question(source: SyncSource) -> SyncRun | None:
    """Return the run of *source* about which a member is asked."""
    return source.runs.filter(question=Question.OPEN).first()


def waiting_rows(source: SyncSource, *kinds: WaitsFor) -> QuerySet[WaitingRow]:
    """Return the rows of *source*, which the caller has from here, that wait for *kinds*."""
    return source.waiting.filter(waits_for__in=kinds).order_by("id")


def rows_asked_about(source: SyncSource, *, most: int) -> QuerySet[WaitingRow]:
    """Return the first rows of *source* that wait for an answer; discarded ones don't."""
    rows = waiting_rows(source, WaitsFor.MOVE, WaitsFor.AMOUNT, WaitsFor.CONTACT)
    return rows.filter(is_discarded=False)[:most]


def unassigned_rows(member: Member) -> QuerySet[WaitingRow]:
    """Return the invoices without a known customer in the organisation that *member* is of."""
    return (
        WaitingRow.objects.filter(
            source__integration__organisation_id=member.organisation_id,
            waits_for=WaitsFor.CUSTOMER,
        )
        .select_related("source__integration")
        .order_by("-id")
    )


def sources_of_contact(user: User, *, organisation_id: str = "") -> QuerySet[SyncSource]:
    """Return the syncs that keep the invoices of *user*'s customers: for the time of the list.

    With *organisation_id*, only those of that organisation.
    """
    found = SyncSource.objects.filter(
        is_on=True,
        integration__enabled=True,
        integration__organisation__customers__contacts__user=user,
    )
    if organisation_id:
        found = found.filter(integration__organisation_id=organisation_id)
    return found.distinct()


def source_to_work_on(integration_id: str) -> SyncSource | None:
    """Return the sync of an integration that is on: for the job that does it."""
    rows = SyncSource.objects.filter(integration_id=integration_id, integration__enabled=True)
    return rows.select_related("integration__organisation").first()


def source_to_try(integration_id: str) -> SyncSource | None:
    """Return the sync of an integration, started or not: for the job of its dry run."""
    rows = SyncSource.objects.filter(integration_id=integration_id)
    return rows.select_related("integration__organisation").first()


def answered_run(run_id: str) -> SyncRun | None:
    """Return a run that a member has answered a question about: for the job that does it."""
    rows = SyncRun.objects.filter(id=run_id, question__in=[Question.APPLIED, Question.DISCARDED])
    return rows.select_related("source__integration__organisation").first()


def source_with_nudge(integration_id: str) -> SyncSource | None:
    """Return a sync that can be nudged: for a caller that is about to prove the secret."""
    rows = SyncSource.objects.filter(integration_id=integration_id, integration__enabled=True)
    return rows.exclude(nudge_digest="").select_related("integration__organisation").first()


def integration_with_secrets(integration_id: str) -> Integration | None:
    """Return an integration with its stored secrets: for the job that syncs it."""
    rows = Integration.objects.filter(id=integration_id)
    return rows.select_related("organisation").prefetch_related("stored_secrets").first()


def other_integrations(source: SyncSource) -> frozenset[str]:
    """Return the ids of the other integrations of the organisation of *source*."""
    ours = Integration.objects.filter(organisation_id=source.integration.organisation_id)
    return frozenset(ours.exclude(id=source.integration_id).values_list("id", flat=True))


def customer_ids(organisation: Organisation, integration_id: str) -> list[str]:
    """Return the source's ids of all customers of an integration, in order."""
    found = Customer.objects.filter(organisation=organisation, integration_id=integration_id)
    return list(found.order_by("source_id").values_list("source_id", flat=True))
