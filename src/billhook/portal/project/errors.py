# ruff: noqa: ARG001 - the signatures are Django's
"""The error pages: one calm sentence and a way on, without the cause.

A page that is missing and a page of somebody else get the same response, to the byte.
"""

from __future__ import annotations

import sys

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string

from billhook.portal.api.problems import is_api, problem_of_status
from billhook.portal.installation.logs import Seldom, name_of
from billhook.portal.project.typed import keep_typed, page_of_form

log = structlog.get_logger("billhook.portal")

_say = Seldom(30.0)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Respond with 400: the request can't be understood."""
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Respond with 403: a member of this organisation, but without the role."""
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Respond with 404: this page doesn't exist for this person."""
    return _page(request, 404)


def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Respond with 429: too many attempts in a short time."""
    return _page(request, 429)


def cannot_write(request: HttpRequest) -> HttpResponse:
    """Respond with 503: the database accepts no changes. The page only needs to read."""
    answer = _page(request, 503)
    answer.headers["Retry-After"] = "60"
    return _logged(answer)


def failed(request: HttpRequest) -> HttpResponse:
    """Respond with 500: a fault of ours; or with 503 while the database is away.

    The pages need neither database nor session.
    """
    error = sys.exc_info()[1]
    if error is not None and is_away(error):
        return database_away(error, request)
    if is_api(request):
        return problem_of_status(500)
    return HttpResponse(render_to_string("errors/500.html"), status=500)


def is_away(error: BaseException) -> bool:
    """Return whether *error* says that the database doesn't respond, is locked, full or too slow.

    SQLite also reports a table that it doesn't have in this way: that is a fault of ours.
    """
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    return getattr(error.__cause__, "sqlite_errorname", "") != "SQLITE_ERROR"


def database_away(error: BaseException, request: HttpRequest | None = None) -> HttpResponse:
    """Respond with 503, and log that seldom: every page fails in the same way meanwhile."""
    if _say.now():
        log.warning("database-away", error=name_of(error))
    if request is not None and is_api(request):
        response = problem_of_status(503)
    else:
        response = HttpResponse(render_to_string("errors/away.html"), status=503)
    response.headers["Retry-After"] = "10"
    return _logged(response)


def _logged(response: HttpResponse) -> HttpResponse:
    """Note that *response* is logged already; else Django adds a line and a trace for each."""
    response._has_been_logged = True  # type: ignore[attr-defined] # noqa: SLF001
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Show a form that was too old again, filled; respond with 403 to one of another site."""
    page = page_of_form(request)
    if page and keep_typed(request, page=page, why="This page had been open too long"):
        return HttpResponseRedirect(page)
    return render(request, "errors/csrf.html", status=403)


def _page(request: HttpRequest, status: int) -> HttpResponse:
    if is_api(request):
        return problem_of_status(status)
    return render(request, f"errors/{status}.html", status=status)
