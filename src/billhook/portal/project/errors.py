# ruff: noqa: ARG001 - the signatures are Django's
"""The error pages: one calm sentence and a way on, without the cause.

A page that is missing and a page of somebody else get the same response, to the byte.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string


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
    return answer


def failed(request: HttpRequest) -> HttpResponse:
    """Respond with 500: a fault of ours. The page needs neither database nor session."""
    return HttpResponse(render_to_string("errors/500.html"), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Respond with 403: the form was too old, or was sent from another site."""
    return render(request, "errors/csrf.html", status=403)


def _page(request: HttpRequest, status: int) -> HttpResponse:
    return render(request, f"errors/{status}.html", status=status)
