"""Headers with tokens: a name is fixed, a value is filled and can't end its line or its quotes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from billhook.engine.egress.guard import judge_header
from billhook.engine.errors import Problem
from billhook.engine.tokens.encoders import (
    encode_cookie,
    encode_cookie_name,
    encode_header,
    encode_header_quoted,
)
from billhook.engine.tokens.template import Encode, Template, build_template, place_tokens
from billhook.engine.tokens.text import Scope, Text, TokenUse, read_text
from billhook.engine.tokens.values import UnfitValue, Values

MAX_HEADER_LENGTH: Final = 8_000
_SPACE: Final = " \t"
_NOT_HERE: Final = "A header's name is fixed: it can't hold a token. Put the token into the value."


def compile_header(
    name: str, value: str, where: str, scope: Scope
) -> tuple[Template | None, list[Problem]]:
    """Compile one header; return its value's template, or the problems that prevent it.

    Offsets of problems are those in the value.
    """
    if "{{" in name:
        return None, [Problem(code="forbidden-position", message=_NOT_HERE, where=where)]
    text = read_text(value, where, scope)
    problems = [*text.problems, *_literal_problems(name, text)]
    if text.is_broken or problems:
        return None, problems
    encoder_of = _cookie_encoder(text) if name.lower() == "cookie" else _encoder(text)
    parts, problems = place_tokens(text, scope, encoder_of)
    template = build_template(where, parts, check=_check if text.tokens else None)
    return (None, problems) if problems else (template, [])


def _literal_problems(name: str, text: Text) -> list[Problem]:
    """Judge the name, and the value with plain characters in place of its tokens."""
    shape = text.shape()
    verdict = judge_header(name, shape)
    if not verdict.allowed:
        code = "control-character" if verdict.reason == "control-char" else verdict.reason
        return [Problem(code=code, message=verdict.message, where=text.where)]
    if not shape.isascii():
        at = next(index for index, character in enumerate(shape) if not character.isascii())
        message = "A header holds ASCII characters only. Send this in the URL or the body."
        return [text.problem("non-ascii", message, (at, at + 1))]
    if shape != shape.strip(_SPACE):
        message = "A header's value can't begin or end with a space. Remove it."
        return [
            text.problem("header-whitespace", message, (0, len(shape)), text.text.strip(_SPACE))
        ]
    if len(shape) > MAX_HEADER_LENGTH:
        message = f"A header's value may have at most {MAX_HEADER_LENGTH:,} characters."
        return [text.problem("too-long", message, (0, len(shape)))]
    return []


def _check(filled: str, values: Values) -> None:  # noqa: ARG001 - the form of every check
    if filled and (filled[0] in _SPACE or filled[-1] in _SPACE):
        raise UnfitValue(
            "header-whitespace", "makes the header begin or end with a space, which gets lost."
        )
    if len(filled) > MAX_HEADER_LENGTH:
        raise UnfitValue(
            "too-long", f"makes the header longer than {MAX_HEADER_LENGTH:,} characters."
        )


def _encoder(text: Text) -> Callable[[TokenUse], Encode]:
    shape = text.shape()

    def encoder_of(token: TokenUse) -> Encode:
        return encode_header_quoted if _in_quotes(shape[: token.start]) else encode_header

    return encoder_of


def _in_quotes(before: str) -> bool:
    """Say whether a quoted string (RFC 9110, section 5.6.4) is open after *before*."""
    inside = escaped = False
    for character in before:
        if escaped:
            escaped = False
        elif character == "\\" and inside:
            escaped = True
        elif character == '"':
            inside = not inside
    return inside


def _cookie_encoder(text: Text) -> Callable[[TokenUse], Encode]:
    shape = text.shape()

    def encoder_of(token: TokenUse) -> Encode:
        pair_start = shape.rfind(";", 0, token.start) + 1
        pair_end = shape.find(";", token.end)
        pair = shape[pair_start : pair_end if pair_end >= 0 else len(shape)]
        is_name = token.start - pair_start < pair.find("=")
        return encode_cookie_name if is_name else encode_cookie

    return encoder_of
