"""The fields of an authentication scheme, compiled by their kinds, with every problem."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from billhook.engine.egress.guard import judge_header
from billhook.engine.egress.url import Origin, Url
from billhook.engine.errors import Problem
from billhook.engine.field import FieldInfo, FieldValue
from billhook.engine.slots.header import compile_header
from billhook.engine.slots.url import compile_url
from billhook.engine.tokens.catalogue import nearest
from billhook.engine.tokens.encoders import present
from billhook.engine.tokens.template import Part, Template, build_template, place_tokens
from billhook.engine.tokens.text import Scope, Text, read_text
from billhook.engine.tokens.values import Given, UnfitValue

MAX_SECONDS: Final = 30 * 24 * 3600.0
REQUEST_TOKENS: Final = frozenset(
    {"Request.Method", "Request.Target", "Request.Body", "Request.Origin", "Timestamp"}
)
"""Tokens that a text about the request may hold, in addition to variables and secrets."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledField:
    """One field, compiled. Booleans and numbers are text, too; only a URL has ``url``."""

    info: FieldInfo
    template: Template
    url: Url | None = None

    @property
    def tokens(self) -> frozenset[str]:
        """The names of the tokens that are filled later."""
        return frozenset(name for _, _, name in self.template.pieces)

    @property
    def literal(self) -> str:
        """The part of the text that is known before its secrets are."""
        return "".join(part.text for part in self.template.parts if part.encode is None)

    @property
    def origin(self) -> Origin:
        """The origin of a URL; raises ValueError for another kind of field."""
        if self.url is None:
            raise ValueError("this field is not a URL")
        return self.url.origin


Compiled = tuple[CompiledField | None, list[Problem]]


def compile_field(info: FieldInfo, typed: FieldValue | None, where: str, scope: Scope) -> Compiled:
    """Compile the value typed into a field, or None if there is none; or return its problems."""
    if typed is None or typed == "":
        # an empty text differs from no text: an empty prefix is allowed
        typed = info.default if typed is None else typed
        if info.required and typed == "":
            message = f"{info.label} is missing. {info.help}"
            return None, [Problem(code="missing-key", message=message, where=where)]
    return _COMPILERS[info.kind](info, typed, where, scope)


def plain_field(info: FieldInfo, text: str, where: str) -> CompiledField:
    """Return a field without tokens."""
    return CompiledField(info=info, template=build_template(where, [Part(text=text)]))


def encode_line(given: Given) -> str:
    """Write a value as text; refuse control characters, which could end a line somewhere."""
    text = present(given)
    if _CONTROL.search(text):
        raise UnfitValue("control-character", "holds a control character.")
    return text


def compile_line(text: Text, scope: Scope) -> tuple[Template | None, list[Problem]]:
    """Compile text without a syntax of its own: everything except control characters is allowed.

    *text* was read with *scope*.
    """
    problems = list(text.problems)
    if control := _CONTROL.search(text.text):
        message = "A control character, such as a line break, is not allowed here. Remove it."
        problems.append(text.problem("control-character", message, control.span()))
    if problems:
        return None, problems
    parts, problems = place_tokens(text, scope, lambda _: encode_line)
    return (None, problems) if problems else (build_template(text.where, parts), [])


def _of(info: FieldInfo, template: Template | None, problems: list[Problem]) -> Compiled:
    if template is None or problems:
        return None, problems
    return CompiledField(info=info, template=template), []


def _text(info: FieldInfo, typed: FieldValue, where: str, scope: Scope) -> Compiled:
    if not isinstance(typed, str):
        return None, [_wrong_type(info, "text in quotes", where)]
    return _of(info, *compile_line(read_text(typed, where, scope), scope))


def _request_text(info: FieldInfo, typed: FieldValue, where: str, scope: Scope) -> Compiled:
    if not isinstance(typed, str):
        return None, [_wrong_type(info, "text in quotes", where)]
    wider = Scope(variables=scope.variables, secrets=scope.secrets, tokens=REQUEST_TOKENS)
    text = read_text(typed, where, wider)
    if text.problems:
        return None, list(text.problems)
    parts, problems = place_tokens(text, wider, lambda _: present)
    return _of(info, build_template(where, parts), problems)


def _header_text(info: FieldInfo, typed: FieldValue, where: str, scope: Scope) -> Compiled:
    if not isinstance(typed, str):
        return None, [_wrong_type(info, "text in quotes", where)]
    return _of(info, *compile_header("Value", typed, where, scope))


def _header_name(info: FieldInfo, typed: FieldValue, where: str, scope: Scope) -> Compiled:  # noqa: ARG001 - as every kind
    if not isinstance(typed, str):
        return None, [_wrong_type(info, "text in quotes", where)]
    verdict = judge_header(typed, "") if typed else None
    if "{{" in typed:
        message = "A header's name is fixed: it can't hold a token. Write it out."
        return None, [Problem(code="forbidden-position", message=message, where=where)]
    if verdict is not None and not verdict.allowed:
        return None, [Problem(code=verdict.reason, message=verdict.message, where=where)]
    return plain_field(info, typed, where), []


def _url(info: FieldInfo, typed: FieldValue, where: str, scope: Scope) -> Compiled:
    if not isinstance(typed, str):
        return None, [_wrong_type(info, "text in quotes", where)]
    text = read_text(typed, where, scope)
    if text.problems:
        return None, list(text.problems)
    compiled, problems = compile_url(text, scope)
    if compiled is None:
        return None, problems
    return CompiledField(info=info, template=compiled.template, url=compiled.url), []


def _secret(info: FieldInfo, typed: FieldValue, where: str, scope: Scope) -> Compiled:
    if typed == "":
        return plain_field(info, "", where), []
    text = read_text(typed if isinstance(typed, str) else "", where, scope)
    if text.problems:
        return None, list(text.problems)
    token = text.tokens[0] if len(text.tokens) == 1 else None
    if token is None or (token.start, token.end) != (0, len(text.text)):
        message = (
            f"{info.label} must be the token of one secret and nothing else, such as "
            "{{ApiKey}}: then its value appears in no file."
        )
        return None, [Problem(code="not-a-secret", message=message, where=where)]
    if token.name not in scope.secrets:
        message = (
            f"{{{{{token.name}}}}} is a variable: everyone who can see the integration can read "
            "it. Make it a secret, and type its value again."
        )
        return None, [Problem(code="not-a-secret", message=message, where=where)]
    encode = present if info.kind == "secret-lines" else _encode_secret
    parts, problems = place_tokens(text, scope, lambda _: encode)
    return _of(info, build_template(where, parts), problems)


def _encode_secret(given: Given) -> str:
    text = encode_line(given)
    if not text.strip():
        raise UnfitValue("empty-value", "is empty. Type it again.")
    return text


def _choice(info: FieldInfo, typed: FieldValue, where: str, scope: Scope) -> Compiled:  # noqa: ARG001 - as every kind
    if typed in info.choices:
        return plain_field(info, str(typed), where), []
    near = nearest(str(typed), info.choices)
    message = f'"{typed}" is not a value of {info.key}. Choose one of {", ".join(info.choices)}.'
    return None, [Problem(code="unknown-choice", message=message, where=where, suggestion=near)]


def _boolean(info: FieldInfo, typed: FieldValue, where: str, scope: Scope) -> Compiled:  # noqa: ARG001 - as every kind
    if not isinstance(typed, bool):
        return None, [_wrong_type(info, "true or false, without quotes", where)]
    return plain_field(info, "yes" if typed else "", where), []


def _seconds(info: FieldInfo, typed: FieldValue, where: str, scope: Scope) -> Compiled:  # noqa: ARG001 - as every kind
    if typed == "":
        return plain_field(info, "", where), []
    if isinstance(typed, bool) or not isinstance(typed, int | float):
        return None, [_wrong_type(info, "a number of seconds", where)]
    if not 0 < typed <= MAX_SECONDS:
        message = f"{info.label} must be above 0 seconds and at most {MAX_SECONDS:.0f}."
        return None, [Problem(code="invalid-value", message=message, where=where)]
    return plain_field(info, repr(float(typed)), where), []


def _wrong_type(info: FieldInfo, expected: str, where: str) -> Problem:
    return Problem(code="wrong-type", message=f"{info.label} must be {expected}.", where=where)


_Compile = Callable[[FieldInfo, FieldValue, str, Scope], Compiled]
_COMPILERS: Final[dict[str, _Compile]] = {
    "text": _text,
    "secret": _secret,
    "secret-lines": _secret,
    "choice": _choice,
    "boolean": _boolean,
    "seconds": _seconds,
    "url": _url,
    "header-name": _header_name,
    "header-text": _header_text,
    "request-text": _request_text,
}
