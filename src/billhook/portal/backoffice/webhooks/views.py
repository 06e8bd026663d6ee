"""Webhooks: the endpoints, and the log of one with its buttons."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from billhook.portal.backoffice.pages import ROWS_ON_A_PAGE, confirm, member_for, page
from billhook.portal.backoffice.webhooks.form import EndpointForm, ReplayForm
from billhook.portal.compression.pages import never_compressed
from billhook.portal.events import access, services
from billhook.portal.events.models import WebhookEndpoint
from billhook.portal.events.services import NewSecret
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.organisations.models import Member, Role
from billhook.portal.paging.page import page_of

SECTION: Final = "keys"


@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the endpoints, and make one: its secret is shown on this page, once."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    form, made = EndpointForm(request.POST or None), None
    if form.is_valid():
        try:
            made = services.create_endpoint(
                organisation=member.organisation, user=member.user, **form.cleaned_data
            )
            form = EndpointForm()
        except FieldProblem as problem:
            problem.show_in(form)
    context = {"form": form, "made": made, "endpoints": access.endpoints_for_member(member)}
    return _page(request, member, "list", context, form=form, made=made)


@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, organisation_id: str, endpoint_id: str) -> HttpResponse:
    """Show an endpoint with its log, and change it."""
    member, row = _endpoint(request, organisation_id, endpoint_id)
    form = EndpointForm.showing(row)
    if request.method == "POST":
        form = EndpointForm(request.POST)
        if form.is_valid():
            try:
                services.change_endpoint(endpoint=row, **form.cleaned_data)
            except FieldProblem as problem:
                problem.show_in(form)
            else:
                return _back(request, row, "The webhook is saved.")
    return _detail(request, member, row, form)


@require_POST
def new_secret(request: HttpRequest, organisation_id: str, endpoint_id: str) -> HttpResponse:
    """Make a new secret, which is shown once. For a day the old one signs, too."""
    member, row = _endpoint(request, organisation_id, endpoint_id)
    made = services.rotate_secret(endpoint=row)
    return _detail(request, member, row, EndpointForm.showing(row), made=made)


@require_POST
def pause(request: HttpRequest, organisation_id: str, endpoint_id: str) -> HttpResponse:
    """Deliver nothing for now."""
    _, row = _endpoint(request, organisation_id, endpoint_id)
    services.pause_endpoint(endpoint=row)
    return _back(request, row, "Paused. Events wait until you resume.")


@require_POST
def resume(request: HttpRequest, organisation_id: str, endpoint_id: str) -> HttpResponse:
    """Deliver again, first what waits."""
    _, row = _endpoint(request, organisation_id, endpoint_id)
    services.resume_endpoint(endpoint=row)
    return _back(request, row, "Events are delivered again.")


@require_POST
def test(request: HttpRequest, organisation_id: str, endpoint_id: str) -> HttpResponse:
    """Send a test event."""
    _, row = _endpoint(request, organisation_id, endpoint_id)
    if row.is_listening:
        services.send_test_event(endpoint=row)
        return _back(request, row, "A test event is sent. Reload this page to see the response.")
    messages.error(request, "The webhook is paused or switched off. Resume it first.")
    return HttpResponseRedirect(_address(row))


@require_POST
def replay(request: HttpRequest, organisation_id: str, endpoint_id: str) -> HttpResponse:
    """Deliver all events since a time again."""
    member, row = _endpoint(request, organisation_id, endpoint_id)
    form = ReplayForm(request.POST)
    if not form.is_valid():
        return _detail(request, member, row, EndpointForm.showing(row), replay=form)
    count = services.replay_deliveries(endpoint=row, since=form.time)
    return _back(request, row, f"{count} events are sent again, with the same ids.")


@require_POST
def again(
    request: HttpRequest, organisation_id: str, endpoint_id: str, event_id: str
) -> HttpResponse:
    """Deliver one event again."""
    member, row = _endpoint(request, organisation_id, endpoint_id)
    delivery = access.delivery_for_member(member, row, event_id)
    services.replay_delivery(delivery=delivery)
    return _back(request, row, "The event is sent again, with the same id.")


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, organisation_id: str, endpoint_id: str) -> HttpResponse:
    """Remove an endpoint, after a question."""
    member, row = _endpoint(request, organisation_id, endpoint_id)
    back = reverse("backoffice:webhooks", args=[organisation_id])
    if request.method == "POST":
        services.remove_endpoint(endpoint=row)
        messages.success(request, "The webhook is removed.")
        return HttpResponseRedirect(back)
    return confirm(
        request,
        member,
        question="Remove this webhook?",
        consequence=f"{row.url} gets no more events, and its log is deleted.",
        button="Remove",
        back=back,
        section=SECTION,
    )


def _endpoint(
    request: HttpRequest, organisation_id: str, endpoint_id: str
) -> tuple[Member, WebhookEndpoint]:
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    return member, access.endpoint_for_member(member, endpoint_id)


def _detail(
    request: HttpRequest,
    member: Member,
    row: WebhookEndpoint,
    form: EndpointForm,
    *,
    replay: ReplayForm | None = None,
    made: NewSecret | None = None,
) -> HttpResponse:
    rows = access.deliveries_for_member(member, row)
    address = request.GET.get("page", "")
    context = {
        "endpoint": row,
        "form": form,
        "replay": replay or ReplayForm(),
        "made": made,
        "page": page_of(rows, access.NEWEST_FIRST, address, size=ROWS_ON_A_PAGE),
    }
    return _page(request, member, "detail", context, form=replay or form, made=made)


def _page(
    request: HttpRequest,
    member: Member,
    name: str,
    context: dict[str, Any],
    *,
    form: EndpointForm | ReplayForm,
    made: NewSecret | None,
) -> HttpResponse:
    template, status = f"backoffice/webhooks/{name}.html", 422 if form.errors else 200
    response = page(request, member, template, context, section=SECTION, status=status)
    return never_compressed(response) if made else response


def _back(request: HttpRequest, row: WebhookEndpoint, done: str) -> HttpResponse:
    messages.success(request, done)
    return HttpResponseRedirect(_address(row))


def _address(row: WebhookEndpoint) -> str:
    return reverse("backoffice:webhook", args=[row.organisation_id, row.id])
