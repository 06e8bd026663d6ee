"""The body of a call: strict JSON, so that no two readers can understand it differently."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from django.http import HttpRequest

from billhook.portal.api.problems import ApiProblem

MOST_BYTES: Final = 2_000_000
"""Bytes of a body: a thousand invoices have about half a megabyte."""
_JSON: Final = "application/json"


def read_json(request: HttpRequest) -> Any:
    """Return the JSON in the body of *request*.

    Raises:
        ApiProblem: if it isn't declared as JSON, is too large, or can't be read.
    """
    _check_kind(request)
    if len(request.body) > MOST_BYTES:
        raise ApiProblem(
            "body-too-large",
            f"The body is larger than the limit of {MOST_BYTES:,} bytes. Send less in one request.",
        )
    try:
        return _DECODER.decode(request.body.decode())
    except UnicodeDecodeError:
        raise _bad("The body isn't UTF-8. Send JSON in UTF-8.") from None
    except json.JSONDecodeError as error:
        raise _bad(f"The body isn't JSON: see line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise _bad("The body is nested too deeply.") from None
    except (ValueError, ArithmeticError):  # more digits, also of an exponent, than Python reads
        raise _bad("The body contains a number that is too long. Send it as text.") from None


def _check_kind(request: HttpRequest) -> None:
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if (request.content_type or "").lower() != _JSON or coding != "identity":
        raise ApiProblem(
            "not-json",
            "The body must be JSON in UTF-8 and not compressed: "
            "send it with Content-Type: application/json.",
        )


def _bad(detail: str) -> ApiProblem:
    return ApiProblem("bad-json", detail)


def _object_without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _bad("A name appears twice in one JSON object. Remove one of them.")
    return made


def _refuse_constant(_: str) -> None:
    raise _bad("NaN and Infinity aren't JSON.")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object_without_twins, parse_float=Decimal, parse_constant=_refuse_constant
)
