"""The sentences for what pydantic finds wrong in a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from billhook.engine.errors import Problem
from billhook.portal.api.problems import ApiProblem

_SENTENCES: Final = {
    "missing": "{where} is missing. Add it.",
    "extra_forbidden": "There is no field {where}. Leave it out.",
    "string_type": "{where} must be a text.",
    "bool_type": "{where} must be true or false.",
    "list_type": "{where} must be a list.",
    "dict_type": "{where} must be an object.",
    "model_type": "{where} must be an object.",
    "model_attributes_type": "{where} must be an object.",
    "string_too_short": "{where} is empty. Fill it in.",
    "string_too_long": "{where} has more than {max_length} characters. Shorten it.",
    "string_unicode": "{where} contains half a character. Remove it.",
    "int_parsing": "{where} must be a whole number.",
    "int_type": "{where} must be a whole number.",
    "greater_than_equal": "{where} must be at least {ge}.",
    "less_than_equal": "{where} must be at most {le}.",
    "too_long": "{where} has more than {max_length} items. Send them in several calls.",
    "too_short": "{where} has no items. Add some.",
    "literal_error": "{where} must be {expected}.",
    "enum": "{where} must be {expected}.",
}


def validation_problem(errors: Sequence[Mapping[str, Any]], *, skip: int = 2) -> ApiProblem:
    """Return the problem with one entry for each of pydantic's *errors*."""
    problems = problems_of(errors, skip=skip)
    return ApiProblem(
        "invalid", " ".join(problem.message for problem in problems), problems=problems
    )


def problems_of(errors: Sequence[Mapping[str, Any]], *, skip: int) -> list[Problem]:
    """Return *errors* as problems.

    The first *skip* parts of a place are no field's name; for a parameter, that is the first.
    """
    return [_problem(error, skip) for error in errors]


def _problem(error: Mapping[str, Any], skip: int) -> Problem:
    is_parameter = bool(skip) and error["loc"][:1] == ("query",)
    place = error["loc"][1 if is_parameter else skip :]
    where = ".".join(str(part) for part in place) or "The body"
    sentence = _SENTENCES.get(error["type"])
    message = error["msg"] if sentence is None else sentence.format(where=where, **_context(error))
    if sentence is None and not message.endswith("."):
        message = f"{where}: {message}."
    return Problem(code=error["type"].replace("_", "-").lower(), where=where, message=message)


def _context(error: Mapping[str, Any]) -> dict[str, Any]:
    return {"expected": "", "max_length": "", "ge": "", "le": "", **error.get("ctx", {})}
