"""Errors as ``application/problem+json`` (RFC 9457): the same members for every one of them."""

from __future__ import annotations

import json
from typing import Any, Final

from billhook.engine.egress.lifting import ALLOW_SETTING, allowance_that_lifts
from billhook.engine.errors import (
    URL,
    BillhookError,
    ConfigurationError,
    EgressDenied,
    Problem,
    TokenError,
)
from billhook.gateway.errors import GatewayError

MEDIA_TYPE: Final = b"application/problem+json"
TYPE_PREFIX: Final = "urn:billhook:problem:"


def problem_json(error: BillhookError | GatewayError, *, run_id: str = "") -> bytes:
    """Return *error* as a problem document.

    ``type``, ``title`` and ``code`` name the error, ``detail`` says what to do about it; ``run`` is
    set once a run has an id, ``reason`` if the code alone isn't enough, ``problems`` if there
    are single problems to fix, and ``denied`` for an address that the egress policy denies.
    """
    document: dict[str, Any] = {
        "type": TYPE_PREFIX + error.code,
        "title": title(type(error)),
        "status": error.status,
        "detail": error.public_message,
        "code": error.code,
    }
    if run_id:
        document["run"] = run_id
    if isinstance(error, BillhookError) and error.reason:
        document["reason"] = error.reason
    if isinstance(error, EgressDenied):
        document["denied"] = _denied(error)
    if problems := _problems(error):
        document["problems"] = [_as_json(problem) for problem in problems]
    return json.dumps(document, ensure_ascii=False).encode(errors="replace")


def _denied(error: EgressDenied) -> dict[str, str]:
    """Return where a denied address came from; and the address, if that is the configured URL.

    An address out of a redirect or a response is the source's text, which may repeat a secret. No
    setting allows one, either.
    """
    facts = {"came_from": error.came_from}
    if error.place is None or error.came_from != URL:
        return facts
    place = error.place
    allowance = allowance_that_lifts(error.verdict, host=place.host, port=place.port)
    setting = {"setting": f"{ALLOW_SETTING}={allowance}"} if allowance else {}
    return facts | {"host": place.host, "port": str(place.port)} | setting


def title(kind: type[BillhookError | GatewayError]) -> str:
    """Return the first sentence of the class's docstring: the same for all errors of its code."""
    first_line = (kind.__doc__ or kind.code).partition("\n")[0].replace("``", "")
    return first_line.partition(". ")[0].rstrip(".")


def _problems(error: BillhookError | GatewayError) -> tuple[Problem, ...]:
    if isinstance(error, (ConfigurationError, TokenError, GatewayError)):
        return error.problems
    return ()


def _as_json(problem: Problem) -> dict[str, Any]:
    document: dict[str, Any] = {
        "code": problem.code,
        "where": problem.where,
        "message": problem.message,
    }
    if problem.suggestion is not None:
        document["suggestion"] = problem.suggestion
    return document
