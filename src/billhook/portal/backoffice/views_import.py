"""The import of invoices: choose a file, see a preview, and confirm it or not.

Between the two pages, the file stays on the server for an hour, for the member who chose it.
"""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from billhook.engine.body import Body
from billhook.portal.backoffice.pages import member_for, page
from billhook.portal.documents.held import (
    UPLOAD_KEPT_SECONDS,
    DocumentGone,
    Held,
    Holder,
    ShelfFull,
    read_token,
    uploads,
)
from billhook.portal.fields.csv_files import MAX_BYTES, UnreadableFile
from billhook.portal.invoices.csv_columns import COLUMNS
from billhook.portal.invoices.csv_import import Plan, import_invoices, plan_import
from billhook.portal.organisations.models import Member, Role

SECTION = "invoices"
_ROWS_SHOWN: Final = 100
_GONE: Final = "This preview is more than an hour old. Choose the file again."


@require_http_methods(["GET", "HEAD", "POST"])
def choose_file(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Ask for a file; with one, show the preview."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    if request.method != "POST":
        return _choose_page(request, member)
    try:
        content = _content(request.FILES.get("file"))
        plan = plan_import(member=member, content=content)
        token = _keep(content, member)
    except UnreadableFile as error:
        return _choose_page(request, member, problem=str(error))
    return _plan_page(request, member, plan, token=token)


@require_POST
def apply(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Import the file whose preview the member has seen."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    try:
        content = _kept(request.POST.get("token", ""), member)
        plan = import_invoices(member=member, content=content)
    except (DocumentGone, UnreadableFile) as error:
        return _choose_page(request, member, problem=str(error) or _GONE)
    if plan.refused:
        return _plan_page(request, member, plan, token="")
    messages.success(request, f"Imported: {len(plan.created)} new, {len(plan.changed)} changed.")
    return HttpResponseRedirect(reverse("backoffice:invoices", args=[organisation_id]))


def _content(upload: UploadedFile[bytes] | None) -> bytes:
    if upload is None:
        raise UnreadableFile("No file was chosen. Choose a CSV file.")
    if (upload.size or 0) > MAX_BYTES:
        raise UnreadableFile("The file is larger than 5 MB. Split it into smaller files.")
    return bytes(upload.read())


def _keep(content: bytes, member: Member) -> str:
    """Keep the file for the next page and return its token."""
    holder = _holder(member)
    try:
        name = uploads().hold(Body(content))
    except ShelfFull:
        raise UnreadableFile("The server has no space for the file. Try again later.") from None
    held = Held(
        name=name,
        user_id=holder.user_id,
        subject=holder.subject,
        run_id="",
        media_type="text/csv",
        file_name="",
        size=len(content),
        fetched_at=0,
    )
    return held.token()


def _kept(token: str, member: Member) -> bytes:
    held = read_token(token, _holder(member), kept_seconds=UPLOAD_KEPT_SECONDS)
    with uploads().open(held) as file:
        return file.read()


def _holder(member: Member) -> Holder:
    return Holder(user_id=member.user_id, subject=f"import:{member.organisation_id}")


def _choose_page(request: HttpRequest, member: Member, *, problem: str = "") -> HttpResponse:
    context = {"problem": problem, "columns": COLUMNS}
    return page(request, member, "backoffice/invoices/import.html", context, section=SECTION)


def _plan_page(request: HttpRequest, member: Member, plan: Plan, *, token: str) -> HttpResponse:
    """Show a plan with the *token* that confirms it or, without one, the result."""
    others = (*plan.changed, *plan.created)
    context = {
        "plan": plan,
        "token": token,
        "is_done": not token,
        "refused": plan.refused[:_ROWS_SHOWN],
        "others": others[:_ROWS_SHOWN],
        "others_left_out": others[_ROWS_SHOWN:],
    }
    return page(request, member, "backoffice/invoices/plan.html", context, section=SECTION)
