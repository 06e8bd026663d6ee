"""The pages and the file of a document that a member has just fetched to try an integration."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from billhook.portal.backoffice.pages import member_for
from billhook.portal.documents import viewer
from billhook.portal.organisations.models import Member, Role
from billhook.portal.storage.shelf import Holder


def holder_of(member: Member) -> Holder:
    """Return the holder of documents that were fetched for *member* in a test.

    Every member who may test an integration may see the result, so no particular member is named.
    """
    organisation_id = member.organisation_id
    return Holder(
        user_id="", subject=f"organisation:{organisation_id}", organisation_id=organisation_id
    )


@require_GET
def held_page(request: HttpRequest, organisation_id: str, token: str, number: int) -> HttpResponse:
    """Respond with the image of one page."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    return viewer.page_response(token, holder_of(member), number=number)


@require_GET
def held_document(request: HttpRequest, organisation_id: str, token: str) -> HttpResponse:
    """Respond with the document's bytes."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    download = "download" in request.GET
    return viewer.file_response(token, holder_of(member), download=download)
