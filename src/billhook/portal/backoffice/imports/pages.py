"""The pages of one import, by its state."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from billhook.portal.backoffice.pages import page
from billhook.portal.imports.access import rows_left, written_counts
from billhook.portal.imports.columns.fields import ImportKind, fields_of
from billhook.portal.imports.columns.headings import LANGUAGES
from billhook.portal.imports.models import FileImport, ImportState
from billhook.portal.imports.reading.table import MAX_BYTES
from billhook.portal.installation import environment
from billhook.portal.organisations.models import Member

_SECONDS_TO_NEXT_LOOK: Final = "2"
_ROWS_LEFT_SHOWN: Final = 100


def import_page(
    request: HttpRequest,
    member: Member,
    template: str,
    context: dict[str, Any],
    *,
    kind: ImportKind,
    status: int = 200,
) -> HttpResponse:
    """Return a page of imports of *kind*, in the section of the list that it fills."""
    things = {
        "kind": str(kind),
        "list_address": reverse(f"backoffice:{kind}", args=[member.organisation_id]),
        "choose_address": choose_address(member, kind),
    }
    return page(
        request,
        member,
        f"backoffice/imports/{template}.html",
        things | context,
        section=str(kind),
        status=status,
    )


def choose_address(member: Member, kind: ImportKind) -> str:
    """Return the address of the page on which a file is chosen."""
    route = "invoice-import" if kind is ImportKind.INVOICES else "customer-import"
    return reverse(f"backoffice:{route}", args=[member.organisation_id])


def choose_page(
    request: HttpRequest, member: Member, kind: ImportKind, *, problem: str = ""
) -> HttpResponse:
    """Return the page that asks for a file."""
    context = {
        "problem": problem,
        "fields": fields_of(kind),
        "languages": LANGUAGES.values(),
        "max_rows": f"{environment.current().import_rows:,}",
        "megabytes": MAX_BYTES // (1024 * 1024),
    }
    return import_page(request, member, "choose", context, kind=kind)


def state_page(request: HttpRequest, member: Member, file_import: FileImport) -> HttpResponse:
    """Return the page that fits the state of an import: preview, progress or result."""
    kind = ImportKind(file_import.kind)
    context: dict[str, Any] = {"import": file_import}
    match ImportState(file_import.state):
        case ImportState.CHOSEN if file_import.preview is not None:
            return import_page(request, member, "preview", context, kind=kind)
        case ImportState.DONE:
            context["written"] = written_counts(file_import)
            return import_page(request, member, "result", context, kind=kind)
        case ImportState.UNDONE:
            left, left_count = rows_left(file_import, most=_ROWS_LEFT_SHOWN)
            context |= {"left": left, "left_count": left_count}
            return import_page(request, member, "undone", context, kind=kind)
        case _:
            response = import_page(request, member, "progress", context, kind=kind)
            response.headers["Refresh"] = _SECONDS_TO_NEXT_LOOK
            return response
