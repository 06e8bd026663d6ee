"""Bodies with tokens: the Content-Type header decides how a body is read and filled."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from billhook.engine.errors import Problem
from billhook.engine.slots.form import compile_form, compile_text
from billhook.engine.slots.json import compile_json
from billhook.engine.slots.xml import compile_xml
from billhook.engine.tokens.template import Template
from billhook.engine.tokens.text import Scope, Text, read_text

FORM: Final = "application/x-www-form-urlencoded"
MAX_BODY_LENGTH: Final = 200_000
_CHARSET: Final = re.compile(r';\s*charset\s*=\s*"?([^\s;"]*)', re.IGNORECASE)
_UTF8: Final = frozenset({"utf-8", "utf8"})
_JSON: Final = frozenset(
    {
        "application/json",
        "text/json",
        "application/x-amz-json-1.0",  # how Amazon's interfaces call it
        "application/x-amz-json-1.1",
    }
)
_XML: Final = frozenset({"application/xml", "text/xml"})

CompileBody = Callable[[Text, Scope], tuple[Template | None, list[Problem]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledBody:
    """A body's template, if it could be compiled, with what is wrong and what is worth a remark."""

    template: Template | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()


def compile_body(body: str, content_types: Sequence[str], where: str, scope: Scope) -> CompiledBody:
    """Compile a body by the values of its request's Content-Type headers."""
    text = read_text(body, where, scope)
    content_type = content_types[0] if content_types else ""
    media_type = content_type.partition(";")[0].strip().lower()
    problems = [*text.problems, *_problems(text, content_type, media_type)]
    template = None
    if not text.is_broken and not problems:
        template, problems = _compiler_of(media_type)(text, scope)
    return CompiledBody(
        template=template, problems=tuple(problems), notes=tuple(_notes(text, media_type))
    )


def _compiler_of(media_type: str) -> CompileBody:
    if media_type == FORM:
        return compile_form
    if media_type in _JSON or media_type.endswith("+json"):
        return compile_json
    if media_type in _XML or media_type.endswith("+xml"):
        return compile_xml
    return compile_text


def _problems(text: Text, content_type: str, media_type: str) -> list[Problem]:
    whole = (0, len(text.text))
    if len(text.text) > MAX_BODY_LENGTH:
        message = f"A body may have at most {MAX_BODY_LENGTH:,} characters."
        return [text.problem("too-long", message, whole)]
    charset = _CHARSET.search(content_type)
    if charset and charset[1].lower() not in _UTF8:
        message = (
            f'Bodies are sent in UTF-8, but the Content-Type says "{charset[1]}". '
            "Write charset=utf-8, or leave it out."
        )
        return [text.problem("unsupported-charset", message, whole)]
    if media_type.startswith("multipart/"):
        message = "A multipart body can't hold a token. Use form data, JSON or XML."
        return [text.misplaced(token, message) for token in text.tokens]
    return []


def _notes(text: Text, media_type: str) -> list[Problem]:
    guess = _guess(text.text)
    if not media_type:
        message = (
            "There is no Content-Type header, so the body is sent as plain text and values are "
            f"in it as they are. It looks like {guess}: add the header Content-Type: {guess}."
        )
        return [_note("no-content-type", message, text, guess)]
    if media_type == FORM and guess in {*_JSON, *_XML}:
        message = (
            f"The Content-Type says form data, but the body looks like {guess}. "
            "Make the two agree, else values are encoded for a form."
        )
        return [_note("other-content-type", message, text, guess)]
    if text.tokens and _compiler_of(media_type) is compile_text and media_type != "text/plain":
        message = (
            f"Billhook has no rules for {media_type}: values go into the body as they are. "
            "Make sure that no value can break its grammar."
        )
        return [_note("unknown-content-type", message, text, None)]
    return []


def _note(code: str, message: str, text: Text, suggestion: str | None) -> Problem:
    return Problem(code=code, message=message, where=text.where, suggestion=suggestion)


def _guess(body: str) -> str:
    """Return the media type that *body* looks like."""
    start = body.lstrip()
    if start.startswith(("{", "[")) and not start.startswith("{{"):
        return "application/json"
    if start.startswith("<"):
        return "application/xml"
    if re.fullmatch(r"[^\s=&]+=[^\n]*", start):
        return FORM
    return "text/plain"
