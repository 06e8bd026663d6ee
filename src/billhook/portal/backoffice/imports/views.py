"""Imports of invoices, and of customers with their contacts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billhook.engine.document_headers import content_disposition
from billhook.portal.backoffice.imports.columns_form import ColumnsForm
from billhook.portal.backoffice.imports.pages import (
    choose_address,
    choose_page,
    import_page,
    state_page,
)
from billhook.portal.backoffice.invitations import MOST_A_DAY, mail_contacts
from billhook.portal.backoffice.pages import confirm, member_for, page, rows_of
from billhook.portal.imports import access, services
from billhook.portal.imports.columns.fields import ImportKind
from billhook.portal.imports.jobs import enqueue_import, job_of_import
from billhook.portal.imports.kept import open_kept
from billhook.portal.imports.models import FileImport, ImportState
from billhook.portal.imports.reading.table import MAX_BYTES, UnreadableFile
from billhook.portal.imports.refused import refused_file
from billhook.portal.jobs.waiting import wait_for_job
from billhook.portal.limits.rates import limited
from billhook.portal.organisations.models import Member, Role


@require_safe
def imports(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the imports of the organisation."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    rows = rows_of(request, access.imports_for_member(member))
    return page(request, member, "backoffice/imports/list.html", {"rows": rows}, section="invoices")


@require_http_methods(["GET", "HEAD", "POST"])
def choose_invoices(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Ask for a file with invoices, and take it in."""
    return _choose(request, organisation_id, ImportKind.INVOICES)


@require_http_methods(["GET", "HEAD", "POST"])
def choose_customers(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Ask for a file with customers and contacts, and take it in."""
    return _choose(request, organisation_id, ImportKind.CUSTOMERS)


@require_safe
def show_import(request: HttpRequest, organisation_id: str, import_id: str) -> HttpResponse:
    """Show the preview of an import, its progress, or its result; go on with it if nobody does."""
    member, row = _import(request, organisation_id, import_id)
    if _needs_work(row):
        wait_for_job(job_of_import(row))
        row = access.import_for_member(member, import_id)
    state = ImportState(row.state)
    if state is ImportState.UNREADABLE:
        return choose_page(request, member, ImportKind(row.kind), problem=row.problem)
    if state is ImportState.CHOSEN and not row.is_sure:
        return HttpResponseRedirect(_address(row, "import-columns"))
    return state_page(request, member, row)


@require_http_methods(["GET", "HEAD", "POST"])
def choose_columns(request: HttpRequest, organisation_id: str, import_id: str) -> HttpResponse:
    """Show what the columns of a file mean, and take what a person chose instead."""
    member, row = _import(request, organisation_id, import_id)
    if row.state != ImportState.CHOSEN:
        return HttpResponseRedirect(_address(row))
    kind = ImportKind(row.kind)
    try:
        table = open_kept(row)
    except UnreadableFile as error:
        return choose_page(request, member, kind, problem=str(error))
    posted = request.POST if request.method == "POST" else None
    form = ColumnsForm(row, table, posted)
    if form.is_sent and form.asks_for_other_rows:
        services.read_other_rows(file_import=row, table=table, mapping=form.mapping)
        return HttpResponseRedirect(_address(row, "import-columns"))
    if form.is_sent and form.is_complete:
        services.choose_columns(file_import=row, mapping=form.mapping)
        enqueue_import(row)
        return HttpResponseRedirect(_address(row))
    status = 422 if form.problems else 200
    context = {"import": row, "form": form}
    return import_page(request, member, "columns", context, kind=kind, status=status)


@require_POST
def confirm_import(request: HttpRequest, organisation_id: str, import_id: str) -> HttpResponse:
    """Import the file whose preview the member has seen."""
    member, row = _import(request, organisation_id, import_id)
    if row.is_sure and services.confirm_import(file_import=row):
        wait_for_job(enqueue_import(access.import_for_member(member, import_id)))
    return HttpResponseRedirect(_address(row))


@require_POST
def discard_import(request: HttpRequest, organisation_id: str, import_id: str) -> HttpResponse:
    """Forget a file that wasn't imported."""
    member, row = _import(request, organisation_id, import_id)
    services.discard_import(file_import=row)
    return HttpResponseRedirect(choose_address(member, ImportKind(row.kind)))


@require_http_methods(["GET", "HEAD", "POST"])
def undo_import(request: HttpRequest, organisation_id: str, import_id: str) -> HttpResponse:
    """Undo an import, after a question."""
    member, row = _import(request, organisation_id, import_id)
    if request.method == "POST":
        if services.begin_undo(file_import=row):
            wait_for_job(enqueue_import(access.import_for_member(member, import_id)))
        return HttpResponseRedirect(_address(row))
    if row.state != ImportState.DONE:
        return HttpResponseRedirect(_address(row))
    context: dict[str, Any] = {"import": row, "written": access.written_counts(row)}
    return import_page(request, member, "undo", context, kind=ImportKind(row.kind))


@require_safe
def refused_rows(request: HttpRequest, organisation_id: str, import_id: str) -> HttpResponse:
    """Respond with the refused rows and their reasons, as a file that can be imported again."""
    _, row = _import(request, organisation_id, import_id)
    response = HttpResponse(refused_file(row), content_type="text/csv; charset=utf-8")
    name = f"refused-{row.file_name.rpartition('.')[0] or row.kind}.csv"
    response.headers["Content-Disposition"] = content_disposition(name, download=True)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@limited("invite", "60/h/user")
def invite_contacts(request: HttpRequest, organisation_id: str, import_id: str) -> HttpResponse:
    """Send an invitation to the contacts that an import added, after a question."""
    member, row = _import(request, organisation_id, import_id)
    count = len(access.contacts_added(row))
    if row.state != ImportState.DONE or row.invited_at or not count:
        return HttpResponseRedirect(_address(row))
    if request.method == "POST":
        contacts = services.contacts_to_invite(file_import=row)
        _report_invitations(request, len(contacts), sent=mail_contacts(contacts))
        return HttpResponseRedirect(_address(row))
    return confirm(
        request,
        member,
        question=f"Send {count} invitation{'' if count == 1 else 's'}?",
        consequence="Each new contact gets a mail that explains how to sign in.",
        button="Send",
        back=_address(row),
        section=row.kind,
    )


def _report_invitations(request: HttpRequest, count: int, *, sent: int) -> None:
    are_on_way = (
        "1 invitation is on its way." if sent == 1 else f"{sent} invitations are on their way."
    )
    if sent == count:
        messages.success(request, are_on_way)
        return
    messages.warning(
        request,
        f"{are_on_way} {count - sent} were not sent, since their addresses have had {MOST_A_DAY} "
        "invitations in the last day.",
    )


def _choose(request: HttpRequest, organisation_id: str, kind: ImportKind) -> HttpResponse:
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    if request.method != "POST":
        return choose_page(request, member, kind)
    upload = request.FILES.get("file")
    try:
        row = services.keep_upload(
            organisation=member.organisation,
            user=member.user,
            kind=kind,
            content=_content(upload),
            file_name=(upload and upload.name) or "",
        )
    except UnreadableFile as error:
        return choose_page(request, member, kind, problem=str(error))
    enqueue_import(row)
    return HttpResponseRedirect(_address(row))


def _content(upload: UploadedFile[bytes] | None) -> bytes:
    if upload is None:
        raise UnreadableFile("No file was chosen. Choose a spreadsheet or a CSV file.")
    return bytes(upload.read(MAX_BYTES + 1))


def _import(
    request: HttpRequest, organisation_id: str, import_id: str
) -> tuple[Member, FileImport]:
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    return member, access.import_for_member(member, import_id)


def _needs_work(row: FileImport) -> bool:
    if row.state == ImportState.CHOSEN:
        return row.is_sure and row.preview is None
    return row.state in {ImportState.READING, ImportState.RUNNING, ImportState.UNDOING}


def _address(row: FileImport, route: str = "import") -> str:
    return reverse(f"backoffice:{route}", args=[row.organisation_id, row.id])
