"""Integrations as files: read into the editor, and written."""

from __future__ import annotations

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from billhook.engine.document_headers import content_disposition
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration_file.file import MAX_FILE_BYTES, decode_file, write_integration
from billhook.portal.backoffice.editor import SECTION, Editor
from billhook.portal.backoffice.pages import member_for, page
from billhook.portal.editor.form import form_of_file
from billhook.portal.integrations import access
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.organisations.models import Member, Role


@require_http_methods(["GET", "HEAD", "POST"])
def import_integration(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Read an integration file into the editor. Nothing is saved before the editor's Save."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    if request.method != "POST":
        return _import_page(request, member)
    try:
        form = form_of_file(decode_file(_file_content(request)))
    except ConfigurationError as error:
        return _import_page(request, member, error.problems)
    editor = Editor(request=request, member=member)
    return editor.answer(form, is_imported=True, is_changed=True)


def _file_content(request: HttpRequest) -> bytes | str:
    file = request.FILES.get("file")
    if isinstance(file, UploadedFile):
        return bytes(file.read(MAX_FILE_BYTES + 1))
    return str(request.POST.get("text", ""))


def _import_page(
    request: HttpRequest, member: Member, problems: tuple[Problem, ...] = ()
) -> HttpResponse:
    context = {"problems": problems, "text": request.POST.get("text", "")}
    return page(
        request,
        member,
        "backoffice/integrations/import.html",
        context,
        section=SECTION,
        status=422 if problems else 200,
    )


@require_safe
def export_integration(
    request: HttpRequest, organisation_id: str, integration_id: str
) -> HttpResponse:
    """Respond with the integration as a file, with the names of secrets but no values.

    A file may have keys that were typed in clear, so it isn't for viewers.
    """
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.integration_for_member(member, integration_id)
    text = write_integration(draft_of(row).config())
    response = HttpResponse(text, content_type="application/toml; charset=utf-8")
    response.headers["Content-Disposition"] = content_disposition(f"{row.name}.toml", download=True)
    return response
