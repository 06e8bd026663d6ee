# ruff: noqa: ARG001 - the signatures are Django's
"""The pages for what went wrong: one calm sentence and a way on; nothing of the cause.

What is missing and what is somebody else's answer with the same page, to the byte.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400: the request can't be understood."""
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403: a member of this organisation, but not of this role."""
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404: there is no such page for this person."""
    return _page(request, 404)


def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 429: too many tries in a short time."""
    return _page(request, 429)


def cannot_write(request: HttpRequest) -> HttpResponse:
    """Answer 503: the database takes nothing at the moment. The page needs to read alone."""
    answer = _page(request, 503)
    answer.headers["Retry-After"] = "60"
    return answer


def failed(request: HttpRequest) -> HttpResponse:
    """Answer 500: a mistake of ours. The page needs neither database nor session."""
    return HttpResponse(render_to_string("errors/500.html"), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403: the form was too old, or was sent from elsewhere."""
    return render(request, "errors/csrf.html", status=403)


def _page(request: HttpRequest, status: int) -> HttpResponse:
    return render(request, f"errors/{status}.html", status=status)
