"""The body of a run's request: JSON with the tokens, read strictly."""

from __future__ import annotations

import difflib
import json
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from decimal import Decimal
from typing import Any, Final

from billhook.engine.egress.url import holds_half_a_character
from billhook.engine.errors import Problem
from billhook.engine.isolation.deadline import Deadline
from billhook.gateway.errors import (
    BadBody,
    BadJson,
    BodyTooLarge,
    BodyTooSlow,
    CallerLeft,
    NotJson,
)

MAX_BYTES: Final = 64 * 1024
SECONDS: Final = 30.0
"""Seconds in which a body must arrive: a slow caller holds one connection and no more."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Scalar = str | int | Decimal | bool | None

_JSON: Final = b"application/json"


def refuse_other_bodies(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse, before reading it, a body that is declared as too large or as other than JSON."""
    given = dict(headers)
    media_type = given.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != _JSON or given.get(b"content-encoding", b"identity") != b"identity":
        raise NotJson
    length = given.get(b"content-length", b"0")
    if length.isdigit() and int(length) > MAX_BYTES:
        raise BodyTooLarge(MAX_BYTES)


async def read_body(receive: Receive, *, limit: int = MAX_BYTES, seconds: float = SECONDS) -> bytes:
    """Return the whole body; raise when it is larger than *limit* or takes more than *seconds*."""
    try:
        with Deadline(get_running_loop().time() + seconds):
            return await _read(receive, limit)
    except TimeoutError:
        raise BodyTooSlow from None


async def _read(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise BodyTooLarge(limit)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def read_tokens(body: bytes, *, limit: int = MAX_BYTES) -> Mapping[str, Scalar]:
    """Return the values in ``{"tokens": {…}}``; raise an error with every problem in it.

    A number with a fraction or an exponent stays a :class:`~decimal.Decimal`, as it was written.
    """
    if len(body) > limit:
        raise BodyTooLarge(limit)
    document = _parse(body)
    if not _is_well_shaped(document) and (problems := _shape_problems(document)):
        raise BadBody(tuple(problems))
    tokens: Mapping[str, Scalar] = document.get("tokens", {})
    return tokens


def _parse(body: bytes) -> Any:
    try:
        return _DECODER.decode(body.decode())
    except UnicodeDecodeError:
        raise BadJson("The body isn't UTF-8. Send JSON in UTF-8.") from None
    except json.JSONDecodeError as error:
        raise BadJson(
            f"The body isn't JSON: see line {error.lineno}, column {error.colno}."
            ' Expected {"tokens": {"Name": "value"}}.'
        ) from None
    except RecursionError:
        raise BadJson("The body is nested too deeply. Use one flat object.") from None
    except (ValueError, ArithmeticError):  # more digits, also of an exponent, than Python reads
        raise BadJson("The body contains a number that is too long. Send it as text.") from None


def _object_without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make the object; refuse a repeated name, as parsers differ in which one counts."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise BadJson("A name appears twice in one JSON object. Remove one of them.")
    return made


def _refuse_constant(_: str) -> None:
    raise BadJson("NaN and Infinity aren't JSON. Send null or leave the token out.")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object_without_twins, parse_float=Decimal, parse_constant=_refuse_constant
)


def _is_well_shaped(document: Any) -> bool:
    """Return whether it is an object of tokens, and all of them are plain text."""
    if type(document) is not dict or len(document) != 1 or type(document.get("tokens")) is not dict:
        return False
    return all(type(value) is str and value.isascii() for value in document["tokens"].values())


def _shape_problems(document: Any) -> list[Problem]:
    if not isinstance(document, dict):
        return [_problem("", f'Expected {{"tokens": {{…}}}}, got {_kind(document)}.')]
    problems = [_unknown_name(name) for name in document if name != "tokens"]
    tokens = document.get("tokens", {})
    if not isinstance(tokens, dict):
        message = f'"tokens" must be an object of names and values, not {_kind(tokens)}.'
        return [*problems, _problem("tokens", message)]
    return problems + [
        _problem(f"tokens.{name}", f"A token's value must be {expected}.")
        for name, value in tokens.items()
        if (expected := _expected_instead(value)) is not None
    ]


def _unknown_name(name: str) -> Problem:
    near = difflib.get_close_matches(name, ["tokens"], n=1)
    message = 'The body may only contain the name "tokens".'
    return _problem(_printable(name), message, suggestion=near[0] if near else None)


def _expected_instead(value: object) -> str | None:
    """Return the kind of value expected, or ``None`` when a token can have *value*."""
    if isinstance(value, (dict, list)):
        return f"text, a number, true, false or null, not {_kind(value)}"
    if isinstance(value, str) and holds_half_a_character(value):
        return "text without lone surrogates, which are half a character"
    return None


def _printable(name: str) -> str:
    return name.encode(errors="replace").decode()


def _problem(where: str, message: str, *, suggestion: str | None = None) -> Problem:
    where = _printable(where)
    return Problem(code="bad-body", message=message, where=where, suggestion=suggestion)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a text"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return "a number"
