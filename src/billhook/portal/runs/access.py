"""The only way to the rows of runs: each function says who is asking."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import Http404

from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Member
from billhook.portal.runs.models import Run, RunKind


def runs_for_member(member: Member) -> QuerySet[Run]:
    """Return the runs of the organisation that *member* is of, newest first."""
    return (
        Run.objects.filter(organisation_id=member.organisation_id)
        .select_related("integration", "invoice", "user", "api_key")
        .order_by("-started_at", "-id")
    )


def runs_of_invoice(member: Member, invoice: Invoice, *, most: int) -> list[Run]:
    """Return the newest runs for *invoice*, as far as *member* may see them."""
    return list(runs_for_member(member).filter(invoice=invoice)[:most])


def runs_since(member: Member, since: datetime) -> QuerySet[Run]:
    """Return the runs since then of the organisation that *member* is of."""
    return runs_for_member(member).filter(started_at__gte=since)


def run_for_member(member: Member, run_id: str) -> Run:
    """Return a run of the organisation that *member* is of, or raise Http404."""
    found = runs_for_member(member).filter(id=run_id).first()
    if found is None:
        raise Http404
    return found


def runs_of_click(member: Member, run: Run) -> list[Run]:
    """Return all runs of the click that *run* is of, in the order in which sources were asked."""
    first = run.part_of or run.id
    found = runs_for_member(member).filter(Q(id=first) | Q(part_of=first))
    return list(found.order_by("started_at", "part_of"))


def failures_among(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return those of *runs* that gave no document, and whose click got none elsewhere either."""
    helped = runs.filter(outcome="ok").exclude(part_of="").values("part_of")
    failed = runs.exclude(outcome="ok")
    return failed.exclude(id__in=helped).exclude(part_of__in=helped)


def last_runs(member: Member) -> dict[str, Run]:
    """Return the last run of each integration of the organisation, by the integration's id."""
    ids = member.organisation.integrations.values_list("id", flat=True)
    newest = (Run.objects.filter(integration_id=id_).order_by("-started_at").first() for id_ in ids)
    return {run.integration_id: run for run in newest if run is not None and run.integration_id}


def newest_uses(integration: Integration, *, since: datetime, most: int) -> list[Run]:
    """Return the newest runs since then that an integration of the caller's was really used for.

    Runs of "Try it" don't count.
    """
    uses = integration.runs.filter(started_at__gte=since).exclude(kind=RunKind.TRY)
    return list(uses.order_by("-started_at")[:most])
