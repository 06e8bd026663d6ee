"""The pages of syncs."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billhook.portal.backoffice.pages import ROWS_ON_A_PAGE, member_for, page
from billhook.portal.fields.times import shown_moment
from billhook.portal.integrations.access import integration_for_member
from billhook.portal.invoices.access import hidden_invoices
from billhook.portal.organisations.models import Member, Role
from billhook.portal.paging.count import count_up_to
from billhook.portal.paging.order import Order
from billhook.portal.paging.page import page_of
from billhook.portal.sync import access, services
from billhook.portal.sync.models import SyncRun, SyncSource, WaitsFor
from billhook.portal.sync.scope import INVOICES
from billhook.portal.sync.status import count_lines, next_run_at, open_job, standing_of

_RUNS_SHOWN: Final = 10
_ROWS_ASKED: Final = 50
_WAITING: Final = Order(name="newest", fields=("id",), is_descending=True)
_HIDDEN: Final = Order(name="hidden", fields=("hidden_at", "id"), is_descending=True)


@require_safe
def sync(request: HttpRequest, organisation_id: str, integration_id: str) -> HttpResponse:
    """Show how the sync of an integration gets on."""
    member, source = _source(request, organisation_id, integration_id)
    return _sync_page(request, member, source)


@require_POST
def start(request: HttpRequest, organisation_id: str, integration_id: str) -> HttpResponse:
    """Sync from now on."""
    member, source = _source(request, organisation_id, integration_id, at_least=Role.EDITOR)
    takes_over = "takes_over" in request.POST
    services.start_sync(source=source, takes_over=takes_over, user=member.user)
    messages.success(request, f"{source.integration.name} is synced from now on.")
    return _back(source)


@require_POST
def stop(request: HttpRequest, organisation_id: str, integration_id: str) -> HttpResponse:
    """Sync no longer."""
    _, source = _source(request, organisation_id, integration_id, at_least=Role.EDITOR)
    services.stop_sync(source=source)
    messages.success(request, f"{source.integration.name} isn't synced any more.")
    return _back(source)


@require_POST
def now(request: HttpRequest, organisation_id: str, integration_id: str) -> HttpResponse:
    """Sync as soon as a process is free."""
    member, source = _source(request, organisation_id, integration_id, at_least=Role.EDITOR)
    if source.is_on:
        services.sync_now(source=source, user=member.user, full="full" in request.POST)
        until = access.pause_ends_at(source)
        if until is None:
            messages.success(request, "The sync begins in a moment.")
        else:
            text = "The source asked for a pause. The sync goes on at {}."
            messages.info(request, format_html(text, shown_moment(until, "second")))
    return _back(source)


@require_POST
def answer(request: HttpRequest, organisation_id: str, integration_id: str) -> HttpResponse:
    """Apply or discard what a run asked about."""
    member, source = _source(request, organisation_id, integration_id, at_least=Role.EDITOR)
    run = access.open_question(source)
    choice = request.POST.get("answer")
    if run is None or run.id != request.POST.get("run") or choice not in {"apply", "discard"}:
        messages.error(request, "This question is answered already, or there is a newer one.")
        return _back(source)
    services.answer(run=run, user=member.user, apply=choice == "apply")
    done = "It is being applied." if choice == "apply" else "It is discarded."
    messages.success(request, done)
    return _back(source)


@require_http_methods(["GET", "HEAD", "POST"])
def dry_run(request: HttpRequest, organisation_id: str, integration_id: str) -> HttpResponse:
    """Show the newest dry run, or have another one done."""
    member, source = _source(request, organisation_id, integration_id, at_least=Role.EDITOR)
    if request.method == "POST":
        services.try_sync(source=source, user=member.user)
        address = reverse("backoffice:sync-dry-run", args=[organisation_id, integration_id])
        return HttpResponseRedirect(address)
    run = access.newest_dry_run(source)
    context = {
        "source": source,
        "run": run,
        "lines": count_lines(run) if run else (),
        "reasons": _reasons(run),
        "absent": _absent(run),
        "job": open_job(source, is_dry=True),
    }
    return page(request, member, "backoffice/sync/dry_run.html", context, section="integrations")


@require_POST
def change_nudge(request: HttpRequest, organisation_id: str, integration_id: str) -> HttpResponse:
    """Create a nudge URL, which is shown once, or remove it."""
    member, source = _source(request, organisation_id, integration_id, at_least=Role.EDITOR)
    if request.POST.get("to") != "new":
        services.remove_nudge(source=source)
        messages.success(request, "Nobody can nudge it any more.")
        return _back(source)
    secret = services.new_nudge_secret(source=source)
    address = reverse("nudge", args=[integration_id, secret])
    return _sync_page(request, member, source, nudge=f"{settings.PUBLIC_URL}{address}")


@require_safe
def unassigned(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the invoices whose customer isn't known: nobody but members sees them."""
    member = member_for(request, organisation_id)
    rows = access.unassigned_rows(member)
    context = {
        "page": page_of(rows, _WAITING, request.GET.get("page", ""), size=ROWS_ON_A_PAGE),
        "count": count_up_to(rows),
    }
    return page(request, member, "backoffice/sync/unassigned.html", context, section="invoices")


@require_safe
def hidden(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the invoices that the billing systems no longer list."""
    member = member_for(request, organisation_id)
    rows = hidden_invoices(member)
    context = {
        "page": page_of(rows, _HIDDEN, request.GET.get("page", ""), size=ROWS_ON_A_PAGE),
        "count": count_up_to(rows),
    }
    return page(request, member, "backoffice/sync/hidden.html", context, section="invoices")


def _source(
    request: HttpRequest, organisation_id: str, integration_id: str, at_least: Role = Role.VIEWER
) -> tuple[Member, SyncSource]:
    """Return the member and the sync of an integration that lists invoices, or raise Http404."""
    member = member_for(request, organisation_id, at_least=at_least)
    integration = integration_for_member(member, integration_id)
    if INVOICES not in integration.command_names:
        raise Http404
    services.sync_of(integration)
    return member, access.source_for_member(member, integration_id)


def _sync_page(
    request: HttpRequest, member: Member, source: SyncSource, *, nudge: str = ""
) -> HttpResponse:
    asked, job = access.open_question(source), open_job(source)
    context: dict[str, Any] = {
        "source": source,
        "standing": standing_of(source, job, is_asking=asked is not None),
        "job": job,
        "next_run_at": next_run_at(source),
        "runs": [(run, count_lines(run), _reasons(run)) for run in _runs(source)],
        "asked": asked,
        "asked_rows": access.rows_asked_about(source, most=_ROWS_ASKED) if asked else (),
        "unassigned": count_up_to(access.waiting_rows(source, WaitsFor.CUSTOMER)),
        "nudge": nudge,
    }
    return page(request, member, "backoffice/sync/status.html", context, section="integrations")


def _runs(source: SyncSource) -> list[SyncRun]:
    return access.runs_of(source, most=_RUNS_SHOWN)


def _reasons(run: SyncRun | None) -> list[tuple[int, str]]:
    """Return the reasons and remarks of *run*, the most frequent first."""
    found = [(number, sentence) for _, (number, sentence) in run.reasons.items()] if run else []
    return sorted(found, key=lambda each: -each[0])


def _absent(run: SyncRun | None) -> list[tuple[str, int, int]]:
    counted = run.report.get("absent", {}) if run else {}
    return [(list_, absent, there) for list_, (absent, there) in counted.items() if absent]


def _back(source: SyncSource) -> HttpResponse:
    integration = source.integration
    address = reverse("backoffice:sync", args=[integration.organisation_id, integration.id])
    return HttpResponseRedirect(address)
