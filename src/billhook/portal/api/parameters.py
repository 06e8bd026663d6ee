"""The names of the parameters in a query: unknown ones are refused, as unknown fields are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.http import HttpRequest

from billhook.engine.errors import Problem
from billhook.portal.api.application import api
from billhook.portal.api.problems import ApiProblem


def refuse_unknown_parameters(request: HttpRequest, route: str) -> None:
    """Raise ApiProblem if the operation of *request* doesn't know a parameter in its query."""
    known = _names()[route].get(request.method or "", frozenset())
    problems = [_problem(name, known) for name in request.GET if name not in known]
    if problems:
        detail = " ".join(problem.message for problem in problems)
        raise ApiProblem("invalid", detail, problems=problems)


def _problem(name: str, known: frozenset[str]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1)
    question = f" Did you mean {near[0]}?" if near else " Leave it out."
    return Problem(
        code="unknown-parameter",
        where=name,
        message=f"There is no parameter {name}.{question}",
        suggestion=near[0] if near else None,
    )


@cache
def _names() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Return the names by method, of each route: it is named after its first operation."""
    return {
        view.operations[0].view_func.__name__: {
            method: frozenset(_query_names(operation))
            for operation in view.operations
            for method in operation.methods
        }
        for router in api._get_bound_routers()  # noqa: SLF001 - it has no public list of them
        for view in router.path_operations.values()
    }


def _query_names(operation: Any) -> set[str]:
    return {
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    }
