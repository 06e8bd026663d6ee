"""Form bodies and plain text with tokens (application/x-www-form-urlencoded; anything unknown)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from billhook.engine.errors import Problem
from billhook.engine.tokens.encoders import encode_form, encode_text
from billhook.engine.tokens.template import Template, build_template, place_tokens
from billhook.engine.tokens.text import Scope, Text
from billhook.engine.tokens.values import UnfitValue

_LINE_BREAK: Final = re.compile(r"[\x00-\x1f\x7f]")
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TO_ENCODE: Final = re.compile(r"[^!-~]+")


def compile_text(text: Text, scope: Scope) -> tuple[Template | None, list[Problem]]:
    """Compile a body that has no grammar of ours: values go into it as they are."""
    parts, problems = place_tokens(text, scope, lambda _: encode_text)
    return (None, problems) if problems else (build_template(text.where, parts), [])


def compile_form(text: Text, scope: Scope) -> tuple[Template | None, list[Problem]]:
    """Compile a form body. Spaces and letters beyond ASCII between tokens are encoded, too."""
    shape = text.shape()
    problems = _grammar_problems(text, shape)
    if problems:
        return None, problems
    parts, problems = place_tokens(text, scope, lambda _: encode_form, literal=_encode_literal)
    check = key_check(shape, [token.start for token in text.tokens])
    template = build_template(
        text.where, parts, check=None if check is None else lambda filled, _: check(filled)
    )
    return (None, problems) if problems else (template, [])


def _grammar_problems(text: Text, shape: str) -> list[Problem]:
    problems = []
    if match := _LINE_BREAK.search(shape):
        message = (
            "Form data is one line without control characters: key=value, joined by &. "
            "Remove the line break, or write it %0D%0A."
        )
        problems.append(text.problem("invalid-form", message, match.span()))
    if match := _STRAY_PERCENT.search(shape):
        message = (
            "A % in form data must be followed by two hexadecimal digits. "
            "A percent sign itself is written %25."
        )
        problems.append(text.problem("invalid-form", message, match.span()))
    return problems


def _encode_literal(text: str) -> str:
    return _TO_ENCODE.sub(lambda match: quote_plus(match[0]), text)


def key_check(shape: str, token_starts: Sequence[int]) -> Callable[[str], None] | None:
    """Return the check of filled pairs that a value makes no second key of the same name.

    Sources take the first or the last of two values, so a value must not shadow a key. It is None
    where no key has a token.
    """
    dynamic = _dynamic_keys(shape, token_starts)
    if not dynamic:
        return None

    def check(filled: str) -> None:
        keys = [unquote_plus(pair.partition("=")[0]) for pair in filled.split("&")]
        if any(keys.count(keys[index]) > 1 for index in dynamic):
            raise UnfitValue("duplicate-key", "makes a second key of the same name.")

    return check


def _dynamic_keys(shape: str, token_starts: Sequence[int]) -> tuple[int, ...]:
    """Return which of the pairs joined by ``&`` have a token in their key."""
    indices = []
    start = 0
    for index, pair in enumerate(shape.split("&")):
        key_end = start + len(pair.partition("=")[0])
        if any(start <= token < key_end for token in token_starts):
            indices.append(index)
        start += len(pair) + 1
    return tuple(indices)
