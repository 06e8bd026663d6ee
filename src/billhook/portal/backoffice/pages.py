"""The beginning and end of every page of the backoffice: the member who asks, and the frame."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billhook.portal.accounts.who import user_of
from billhook.portal.organisations.access import may, member_of
from billhook.portal.organisations.models import Member, Role

ROWS_ON_A_PAGE: Final = 50
Row = TypeVar("Row", bound=Model)


def member_for(
    request: HttpRequest, organisation_id: str, *, at_least: Role = Role.VIEWER
) -> Member:
    """Return the signed-in person as a member of the organisation.

    Raises:
        Http404: if there is no such organisation, or it isn't theirs: nobody can see which.
        PermissionDenied: if it is theirs, but their role may do less than *at_least*. It is raised
            before anything is looked up, so it reveals nothing either.
    """
    return member_of(user_of(request), organisation_id, at_least=at_least)


def page(
    request: HttpRequest,
    member: Member,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    section: str,
    status: int = 200,
) -> HttpResponse:
    """Return the page that *template* makes, in the frame of *member*'s organisation.

    *section* is the entry of the navigation that the page belongs to. A template also gets
    ``member``, ``organisation``, ``may_edit`` and ``is_owner``.
    """
    frame = frame_of(member, section=section)
    return render(request, template, frame | (context or {}), status=status)


def frame_of(member: Member, *, section: str) -> dict[str, Any]:
    """Return the values for the frame of *member*'s organisation."""
    return {
        "member": member,
        "organisation": member.organisation,
        "section": section,
        "may_edit": may(member, Role.EDITOR),
        "is_owner": may(member, Role.OWNER),
    }


def rows_of(request: HttpRequest, rows: QuerySet[Row]) -> Page[Row]:
    """Return the rows of the requested page, or of the nearest one."""
    return Paginator(rows, ROWS_ON_A_PAGE).get_page(request.GET.get("page"))


def confirm(
    request: HttpRequest,
    member: Member,
    *,
    question: str,
    consequence: str,
    button: str,
    back: str,
    section: str,
    problem: str = "",
    is_possible: bool = True,
) -> HttpResponse:
    """Return the page that asks before something is done that can't be undone.

    If it isn't possible, the page says so by *consequence*, and has no button for it.
    """
    context = {
        "question": question,
        "consequence": consequence,
        "button": button,
        "back": back,
        "problem": problem,
        "is_possible": is_possible,
    }
    return page(request, member, "backoffice/confirm.html", context, section=section)
