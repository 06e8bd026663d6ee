"""Errors of the API as ``application/problem+json`` (RFC 9457), as the gateway has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from billhook.engine.errors import Problem

MEDIA_TYPE: Final = "application/problem+json"
API_PREFIX: Final = "/api/"
_TYPE_PREFIX: Final = "urn:billhook:problem:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemCode:
    """A kind of error: its status, and a title that is the same each time."""

    status: int
    title: str


def _code(status: int, title: str) -> ProblemCode:
    return ProblemCode(status=status, title=title)


CODES: Final[Mapping[str, ProblemCode]] = {
    "bad-request": _code(400, "The request can't be understood"),
    "bad-json": _code(400, "The body can't be read as JSON"),
    "bad-cursor": _code(400, "The cursor names no place in this list"),
    "bad-idempotency-key": _code(400, "The Idempotency-Key isn't 1 to 255 visible characters"),
    "key-missing": _code(401, "There is no API key, or it isn't sent as a Bearer token"),
    "key-unknown": _code(401, "The API key is mistyped, or it was revoked"),
    "key-expired": _code(401, "The API key has expired"),
    "scope-missing": _code(403, "The API key lacks the scope that this needs"),
    "not-found": _code(404, "The key's organisation has no such thing"),
    "route-not-found": _code(404, "The path isn't one of the API's"),
    "method-not-allowed": _code(405, "The path doesn't take this method"),
    "body-too-slow": _code(408, "The body didn't arrive in time"),
    "already-exists": _code(409, "There is one with this number already"),
    "comes-from-integration": _code(409, "It comes from an integration, so it is changed there"),
    "idempotency-key-in-use": _code(409, "A request with this Idempotency-Key is in progress"),
    "has-invoices": _code(409, "The customer has invoices, so it can't be removed"),
    "not-possible": _code(409, "The state it is in doesn't allow this"),
    "changed-meanwhile": _code(412, "It isn't in the state that the request names"),
    "body-too-large": _code(413, "The body is larger than the limit"),
    "not-json": _code(415, "The body isn't declared as plain JSON"),
    "invalid": _code(422, "Fields are missing, unknown, or have values that can't be used"),
    "idempotency-key-reused": _code(422, "The Idempotency-Key was used for another request"),
    "too-many-calls": _code(429, "More calls than the key's limit"),
    "too-many-invitations": _code(429, "The address has had its invitations of the day"),
    "too-many-failures": _code(429, "Too many wrong keys from this address"),
    "internal-error": _code(500, "A fault in Billhook"),
    "database-away": _code(503, "The database doesn't respond, or accepts no changes"),
    "server-busy": _code(503, "Too many calls are in progress"),
}
"""Every error by its code."""

_BY_STATUS: Final = {
    400: "bad-request",
    404: "route-not-found",
    405: "method-not-allowed",
    408: "body-too-slow",
    413: "body-too-large",
    429: "too-many-calls",
    500: "internal-error",
    503: "database-away",
}
_DETAILS: Final = {
    400: "The request can't be understood. Check its address and its headers.",
    404: "Nothing was found at this address. The paths are listed in /api/v1/openapi.json.",
    408: "The body didn't arrive in time. Send it again.",
    413: "The body is too large. Send less in one request.",
    429: "Too many calls. Wait for the time in Retry-After.",
    500: "Something went wrong in Billhook. The operator finds more in the log.",
    503: "The database can't be used at the moment. Try again later.",
}


class ApiProblem(Exception):
    """An error with one of the :data:`CODES`; *detail* says what to do about it."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        problems: Iterable[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.detail = detail
        self.problems = tuple(problems)
        self.headers = dict(headers or {})
        super().__init__(code)


def is_api(request: HttpRequest) -> bool:
    """Return whether a program asks, which gets problem documents instead of pages."""
    return request.path_info.startswith(API_PREFIX)


def problem_response(problem: ApiProblem) -> HttpResponse:
    """Return *problem* as a response."""
    kind = CODES[problem.code]
    document: dict[str, Any] = {
        "type": _TYPE_PREFIX + problem.code,
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    if problem.problems:
        document["problems"] = [_as_json(each) for each in problem.problems]
    content = json.dumps(document, ensure_ascii=False).encode(errors="replace")
    return HttpResponse(
        content, status=kind.status, content_type=MEDIA_TYPE, headers=problem.headers
    )


def problem_of_status(status: int, *, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return the problem that a bare *status* means: for errors before and around the API."""
    code = _BY_STATUS.get(status, "bad-request")
    detail = _DETAILS.get(status, HTTPStatus(status).description or HTTPStatus(status).phrase)
    return problem_response(ApiProblem(code, detail, headers=headers))


def invalid(where: str, message: str, *, code: str = "invalid") -> ApiProblem:
    """Return the problem of one field."""
    return ApiProblem(
        "invalid", message, problems=[Problem(code=code, where=where, message=message)]
    )


def _as_json(problem: Problem) -> dict[str, Any]:
    document = {"code": problem.code, "where": problem.where, "message": problem.message}
    if problem.suggestion is not None:
        document["suggestion"] = problem.suggestion
    return document
