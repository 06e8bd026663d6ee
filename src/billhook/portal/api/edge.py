"""The edge of the API: who calls and how often, and one form for every error."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, get_resolver
from django.views.decorators.csrf import csrf_exempt

from billhook.engine.errors import ConfigurationError
from billhook.portal.api.answers import not_modified
from billhook.portal.api.calling_key import authenticate
from billhook.portal.api.idempotency import answered_once
from billhook.portal.api.limits import count_call, count_failure, show_limits
from billhook.portal.api.problems import (
    ApiProblem,
    invalid,
    problem_of_status,
    problem_response,
)
from billhook.portal.compression.pages import never_compressed
from billhook.portal.fields.problem import FieldProblem

_ROUTES: Final = "billhook.portal.api.urls"
"""Imported with the first call: a server that has none needn't."""
_PUBLIC: Final = "openapi"
_METHOD_NOT_ALLOWED: Final = 405
_CSP: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"


@csrf_exempt
@login_not_required
def api(request: HttpRequest, path: str = "") -> HttpResponse:
    """Respond to a call: with what it asks for, or with a problem document."""
    try:
        response = _answer(request, path)
    except ApiProblem as problem:
        response = problem_response(problem)
    key = getattr(request, "calling_key", None)
    if key is not None:
        show_limits(response, key.row.id)
    response["Content-Security-Policy"] = _CSP
    return never_compressed(response)


@csrf_exempt
@login_not_required
def api_elsewhere(request: HttpRequest, path: str = "") -> HttpResponse:  # noqa: ARG001
    """Respond with 404: there is only version 1 of the API."""
    return problem_response(_no_route())


def _answer(request: HttpRequest, path: str) -> HttpResponse:
    match = _route(path)
    if request.method == "HEAD":
        request.method = "GET"
    if match.url_name == _PUBLIC:
        return not_modified(request, _done(request, match))
    _let_in(request)
    response = answered_once(request, lambda: _done(request, match))
    return not_modified(request, response)


def _route(path: str) -> ResolverMatch:
    try:
        return get_resolver(_ROUTES).resolve(f"/{path}")
    except Resolver404:
        raise _no_route() from None


def _no_route() -> ApiProblem:
    return ApiProblem(
        "route-not-found",
        "Nothing was found at this address. The paths are listed in /api/v1/openapi.json.",
    )


def _let_in(request: HttpRequest) -> None:
    try:
        key = authenticate(request)
    except ApiProblem:
        count_failure(request)
        raise
    request.calling_key = key  # type: ignore[attr-defined]
    count_call(key.row.id)


def _done(request: HttpRequest, match: ResolverMatch) -> HttpResponse:
    """Call the operation; its errors become problems, and undo what it has written."""
    try:
        _check_parameters(request, match)
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    except Http404:
        raise ApiProblem(
            "not-found",
            "The organisation of this API key has no such thing. Check the id.",
        ) from None
    except FieldProblem as problem:
        raise invalid(problem.field, problem.message) from None
    except ConfigurationError as error:
        raise ApiProblem(
            "invalid",
            " ".join(problem.message for problem in error.problems),
            problems=error.problems,
        ) from None
    except PermissionDenied:
        raise ApiProblem("scope-missing", "This isn't for API keys.") from None
    if response.status_code == _METHOD_NOT_ALLOWED:
        return problem_of_status(_METHOD_NOT_ALLOWED, headers={"Allow": _allowed(response)})
    return response


def _check_parameters(request: HttpRequest, match: ResolverMatch) -> None:
    if request.GET and match.url_name != _PUBLIC:
        from billhook.portal.api.parameters import refuse_unknown_parameters

        refuse_unknown_parameters(request, str(match.url_name))


def _allowed(response: HttpResponse) -> str:
    methods = response["Allow"].split(", ")
    return ", ".join([*methods, "HEAD"] if "GET" in methods else methods)
