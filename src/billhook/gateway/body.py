"""The body of a run's request: JSON with the tokens, read strictly."""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from decimal import Decimal
from typing import Any, Final

from billhook.engine.errors import Problem
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
        async with asyncio.timeout(seconds):
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


def read_tokens(body: bytes) -> Mapping[str, Scalar]:
    """Return the values in ``{"tokens": {…}}``; raise an error with every problem in it.

    A number with a fraction or an exponent stays a :class:`~decimal.Decimal`, as it was written.
    """
    document = _parse(body)
    problems = tuple(_shape_problems(document))
    if problems:
        raise BadBody(problems)
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
    except ValueError:  # a whole number with thousands of digits (Python's own limit)
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
    if isinstance(value, str) and not value.isascii() and _has_surrogate(value):
        return "text without lone surrogates, which are half a character"
    return None


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


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
