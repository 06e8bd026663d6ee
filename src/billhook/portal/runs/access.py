"""The only way to the rows of runs: each function says who is asking."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import Http404

from billhook.engine.list_config import LIST_COMMANDS
from billhook.engine.tokens.catalogue import LOGIN_COMMAND, PAYMENT_COMMAND
from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Member
from billhook.portal.runs.models import Run, RunKind
from billhook.portal.runs.outcomes import SAYS_NOTHING, SOURCE_WORKS

_FAILURES_READ: Final = 1_000
_WITHOUT_DOCUMENT: Final = (*LIST_COMMANDS, PAYMENT_COMMAND, LOGIN_COMMAND)
_TESTS: Final = (RunKind.TRY, RunKind.VIEW_AS)


def runs_for_member(member: Member) -> QuerySet[Run]:
    """Return the runs of the organisation that *member* is of, newest first."""
    return (
        Run.objects.filter(organisation_id=member.organisation_id)
        .select_related("integration", "invoice", "customer", "user", "api_key")
        .order_by("-started_at", "-id")
    )


def runs_found(member: Member, *, outcome: str = "", integration_id: str = "") -> QuerySet[Run]:
    """Return the runs of *member*'s organisation with this outcome, and of this integration.

    The outcome is ``ok`` or ``failed``. Each is left out of the search if it is empty.
    """
    found = runs_for_member(member)
    if outcome:
        worked = Q(outcome="ok")
        found = found.filter(worked if outcome == "ok" else ~worked)
    return found.filter(integration_id=integration_id) if integration_id else found


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
    ours = runs_for_member(member)
    found = [*ours.filter(id=first), *ours.filter(part_of__gt="", part_of=first)]
    return sorted(found, key=lambda each: (each.started_at, each.part_of))


def ids_of_click(member: Member, run_id: str) -> list[str]:
    """Return the ids of a run and of those that followed it in the same click."""
    ours = Run.objects.filter(organisation_id=member.organisation_id)
    one = ours.filter(id=run_id).values_list("id", flat=True)
    return [*one, *ours.filter(part_of__gt="", part_of=run_id).values_list("id", flat=True)]


def ids_of_invoices(member: Member, invoice_ids: Collection[str], *, most: int) -> list[str]:
    """Return the ids of the newest runs for these invoices."""
    ours = Run.objects.filter(organisation_id=member.organisation_id, invoice_id__in=invoice_ids)
    return list(ours.order_by("-started_at").values_list("id", flat=True)[:most])


def ids_of_customers(member: Member, customer_ids: Collection[str], *, most: int) -> list[str]:
    """Return the ids of runs for invoices or statements of these customers, in no order."""
    ids: list[str] = []
    for condition in are_for_customers(member, customer_ids):
        runs = Run.objects.filter(condition).order_by().values_list("id", flat=True)
        ids += runs[: most - len(ids)]
    return ids


def are_for_customers(member: Member, customer_ids: Collection[str]) -> tuple[Q, Q]:
    """Return the conditions for runs for statements, and for invoices, of these customers.

    No run is for both. Each begins with the customers, and needs no other condition.
    """
    ours = Q(organisation_id=member.organisation_id, customer_id__in=customer_ids)
    theirs = Q(invoice__organisation_id=member.organisation_id)
    return ours, theirs & Q(invoice__customer_id__in=customer_ids)


def ids_of_integration(member: Member, integration_id: str, *, most: int) -> list[str]:
    """Return the ids of the newest runs of this integration of *member*'s organisation."""
    ours = Run.objects.filter(integration__organisation_id=member.organisation_id)
    newest = ours.filter(integration_id=integration_id).order_by("-started_at")
    return list(newest.values_list("id", flat=True)[:most])


def is_for_customers(customer_ids: Collection[str]) -> Q:
    """Return the same condition for one run after another: it looks at each run's own facts."""
    invoices = Invoice.objects.filter(id=OuterRef("invoice_id"), customer_id__in=customer_ids)
    return Q(Exists(invoices)) | Q(customer_id__in=customer_ids)


def failures_among(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return those of *runs* that gave no document, and whose click got none elsewhere either."""
    helped = runs.filter(outcome="ok", part_of__gt="").order_by().values("part_of")
    failed = runs.exclude(outcome="ok")
    return failed.exclude(id__in=helped).exclude(part_of__in=helped)


def last_runs(integrations: Sequence[Integration]) -> dict[str, Run]:
    """Return the last run of each of these integrations of the caller's, by their ids."""
    newest = Run.objects.filter(integration_id=OuterRef("id")).order_by("-started_at", "-id")
    rows = Integration.objects.filter(id__in=[each.id for each in integrations]).order_by()
    last = rows.annotate(last=Subquery(newest.values("id")[:1])).values_list("last", flat=True)
    found = Run.objects.filter(id__in=[id_ for id_ in last if id_ is not None])
    return {run.integration_id: run for run in found if run.integration_id}


def has_document(member: Member, kinds: Collection[str], *, without: Collection[str]) -> bool:
    """Return whether a run of these kinds gave a document of an integration.

    Runs of the integrations *without* don't count.
    """
    worked = Run.objects.filter(organisation_id=member.organisation_id, outcome="ok")
    worked = worked.exclude(command__in=_WITHOUT_DOCUMENT)
    found = worked.filter(kind__in=kinds, integration__isnull=False)
    return found.exclude(integration_id__in=without).exists()


def failing_integrations(member: Member, *, since: datetime, most: int) -> list[str]:
    """Return the ids of the integrations with the newest failed runs since then."""
    failed = runs_since(member, since).exclude(outcome="ok").select_related(None)
    ids = failed.values_list("integration_id", flat=True)[:_FAILURES_READ]
    return [id_ for id_ in dict.fromkeys(ids) if id_ is not None][:most]


def has_ever_worked(integration: Integration) -> bool:
    """Return whether an integration of the caller's has ever given a document."""
    return integration.runs.filter(outcome="ok").exists()


def has_failed_since(integration: Integration, since: datetime) -> bool:
    """Return whether a use of an integration of the caller's showed since then that it fails."""
    uses = _uses(integration, since).exclude(outcome__in=SAYS_NOTHING | SOURCE_WORKS)
    return uses.exists()


def newest_uses(integration: Integration, *, since: datetime, most: int) -> list[Run]:
    """Return the newest runs since then that an integration of the caller's was really used for.

    Runs of members who only try or look don't count.
    """
    return list(_uses(integration, since).order_by("-started_at")[:most])


def newest_uses_of(
    integrations: Sequence[Integration], *, since: datetime, most: int
) -> dict[str, list[Run]]:
    """Return the :func:`newest_uses` of integrations of the caller's by their ids.

    Runs before the last change of an integration don't count. Two queries read all of them: one
    the time of each integration's last run to read, the other the runs.
    """
    if not integrations:
        return {}
    uses = Run.objects.filter(integration_id=OuterRef("id"), started_at__gte=OuterRef("changed_at"))
    newest = uses.filter(started_at__gte=since).exclude(kind__in=_TESTS).order_by("-started_at")
    rows = Integration.objects.filter(id__in=[each.id for each in integrations]).order_by()
    last = Subquery(newest.values("started_at")[most - 1 : most])
    edges = dict(rows.annotate(last=last).values_list("id", "last"))
    wanted = Q()
    for each in integrations:
        start = edges.get(each.id) or max(since, each.changed_at)
        wanted |= Q(integration_id=each.id, started_at__gte=start)
    found: dict[str, list[Run]] = {each.id: [] for each in integrations}
    for run in Run.objects.filter(wanted).exclude(kind__in=_TESTS).order_by("-started_at"):
        found[str(run.integration_id)].append(run)
    return {id_: runs[:most] for id_, runs in found.items()}


def _uses(integration: Integration, since: datetime) -> QuerySet[Run]:
    return integration.runs.filter(started_at__gte=since).exclude(kind__in=_TESTS)
