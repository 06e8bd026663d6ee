"""Errors as ``application/problem+json`` (RFC 9457): the same members for every one of them."""

from __future__ import annotations

import json
from typing import Any, Final

from billhook.engine.errors import BillhookError, ConfigurationError, Problem, TokenError, reason_of
from billhook.gateway.errors import GatewayError

MEDIA_TYPE: Final = b"application/problem+json"
TYPE_PREFIX: Final = "urn:billhook:problem:"


def problem_json(error: BillhookError | GatewayError, *, run_id: str = "") -> bytes:
    """Return *error* as a problem document.

    ``type``, ``title`` and ``code`` name the error, ``detail`` says what to do about it; ``run`` is
    set once a run has an id, ``reason`` if the code alone isn't enough, and ``problems`` if there
    are single problems to fix.
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
    if isinstance(error, BillhookError) and (reason := reason_of(error)):
        document["reason"] = reason
    if problems := _problems(error):
        document["problems"] = [_as_json(problem) for problem in problems]
    return json.dumps(document, ensure_ascii=False).encode(errors="replace")


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
