"""Parses text with ``{{tokens}}``: finds each token and reports its problems."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Final

from billhook.engine.errors import Problem
from billhook.engine.tokens.catalogue import NAME, NAME_RULE, nearest
from billhook.engine.tokens.functions import BadFunction, make_function
from billhook.engine.tokens.values import Given

_PATH: Final = rf"{NAME.pattern}(?:\.{NAME.pattern})?"
_TOKEN: Final = re.compile(
    rf"\{{\{{({_PATH})(?:\|([A-Za-z][A-Za-z0-9_]*(?::[^{{}}|\n]*)?))?\}}\}}", re.ASCII
)
_UNSENDABLE: Final = re.compile(r"[\0\ud800-\udfff]")
_OPENING: Final = "{{"
MAX_PROBLEMS: Final = 20
"""The most problems that are reported of one text: to find each takes a look at the rest of it."""
_CLOSING: Final = "}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUse:
    """One token in a text, with its character offsets there.

    ``name`` is that of a value, or ``Step.Field``. ``function`` is what follows the pipe.
    """

    name: str
    start: int
    end: int
    function: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names that a command's texts may use, and where the value of each comes from.

    ``absent`` are names that other texts of the command may use, but not this one, each with the
    sentences that say why.
    """

    variables: Mapping[str, Given]
    secrets: frozenset[str]
    tokens: frozenset[str]
    absent: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def knows(self, name: str) -> bool:
        """Say whether *name* is allowed in a text."""
        return name in self.tokens or name in self.variables or name in self.secrets

    def nearest(self, name: str) -> str | None:
        """Return the known name that *name* most probably means."""
        return nearest(name, {*self.tokens, *self.variables, *self.secrets})


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text as typed, with its tokens found. ``problems`` are those of the tokens themselves.

    If ``is_broken``, it holds what is neither text nor token, so that nothing more can be judged.
    """

    text: str
    where: str
    tokens: tuple[TokenUse, ...]
    problems: tuple[Problem, ...]
    is_broken: bool

    @property
    def end(self) -> int:
        """The number of characters."""
        return len(self.text)

    def shape(self, stand_in: Callable[[TokenUse], str] | None = None) -> str:
        """Return the text with each token replaced by as many characters (``x`` by default)."""
        parts, position = [], 0
        for token in self.tokens:
            length = token.end - token.start
            parts.append(self.text[position : token.start])
            parts.append(stand_in(token) if stand_in else "x" * length)
            position = token.end
        parts.append(self.text[position:])
        return "".join(parts)

    def problem(
        self, code: str, message: str, at: tuple[int, int], suggestion: str | None = None
    ) -> Problem:
        """Return a problem of this text at the offsets *at*."""
        return Problem(
            code=code,
            message=message,
            where=self.where,
            start=at[0],
            end=at[1],
            suggestion=suggestion,
        )

    def misplaced(self, token: TokenUse, message: str) -> Problem:
        """Return the problem of a *token* that isn't allowed in its position."""
        return self.problem("forbidden-position", message, (token.start, token.end))


def read_text(text: str, where: str, scope: Scope) -> Text:
    """Find the tokens of *text*, and what is wrong with each of them."""
    tokens: list[TokenUse] = []
    problems = _character_problems(text, where)
    is_broken = bool(problems)
    position = text.find(_OPENING)
    while position >= 0 and len(problems) < MAX_PROBLEMS:
        match = _TOKEN.match(text, position)
        if match is None:
            is_broken = True
            problem = _malformed(text, position, where, scope)
            problems.append(problem)
            end = problem.end or position + len(_OPENING)
        else:
            end = match.end()
            use = TokenUse(name=match[1], start=position, end=end, function=match[2] or "")
            tokens.append(use)
            problems.extend(_name_problems(match, where, scope))
        position = text.find(_OPENING, end)
    return Text(
        text=text,
        where=where,
        tokens=tuple(tokens),
        problems=tuple(problems),
        is_broken=is_broken or len(problems) >= MAX_PROBLEMS,
    )


def _character_problems(text: str, where: str) -> list[Problem]:
    """Refuse what can't be sent in any place: NUL, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return []
    return [
        Problem(
            code="control-character" if match[0] == "\0" else "invalid-unicode",
            message="This character can't be sent anywhere. Type the text again without it.",
            where=where,
            start=match.start(),
            end=match.end(),
        )
        for match in islice(_UNSENDABLE.finditer(text), MAX_PROBLEMS)
    ]


def _name_problems(match: re.Match[str], where: str, scope: Scope) -> list[Problem]:
    name, function = match[1], match[2]
    problems = []
    if name in scope.absent:
        problems.append(_problem_at(match, "later-token", scope.absent[name], where))
    elif not scope.knows(name):
        problems.append(_unknown(name, match.span(), where, scope))
    if function is not None:
        problems += _function_problems(match, where)
    return problems


def _problem_at(
    match: re.Match[str], code: str, message: str, where: str, suggestion: str | None = None
) -> Problem:
    return Problem(
        code=code,
        message=message,
        where=where,
        start=match.start(),
        end=match.end(),
        suggestion=suggestion,
    )


def _function_problems(match: re.Match[str], where: str) -> list[Problem]:
    name, function = match[1], match[2]
    try:
        make_function(function)
    except BadFunction as bad:
        message = f'"{function}" is no function that a token can pass through. {bad.advice}'
        suggestion = f"{{{{{name}|{bad.suggestion}}}}}" if bad.suggestion else f"{{{{{name}}}}}"
        return [_problem_at(match, "unknown-function", message, where, suggestion)]
    return []


def _unknown(name: str, span: tuple[int, int], where: str, scope: Scope) -> Problem:
    near = scope.nearest(name)
    step, dot, field_name = name.partition(".")
    if near is None and dot:
        advice = f"Extract or derive {field_name} in a step called {step}, before this one."
    elif near is None:
        advice = (
            "Choose one of the tokens offered, or declare it among the command's tokens "
            "or the integration's variables or secrets."
        )
    elif near.casefold() == name.casefold():
        advice = f"Capital and small letters matter: write {{{{{near}}}}}."
    else:
        advice = f"Did you mean {{{{{near}}}}}?"
    return Problem(
        code="unknown-token",
        message=f"There is no token {{{{{name}}}}} here. {advice}",
        where=where,
        start=span[0],
        end=span[1],
        suggestion=f"{{{{{near}}}}}" if near else None,
    )


def _malformed(text: str, start: int, where: str, scope: Scope) -> Problem:
    """Explain why what begins with ``{{`` at *start* is no token."""
    closing = text.find(_CLOSING, start + 2)
    reopened = text.find(_OPENING, start + 2)
    if closing < 0 or 0 <= reopened < closing - 1:
        end = start + 2
        inside, message = "", "A token begins here with {{ but does not end with }}. " + _FORM
    else:
        end = closing + 2
        inside = text[start + 2 : closing]
        message = ""
    near = scope.nearest(inside.strip(" \t\r\n{}")) if inside else None
    message = message or _malformed_reason(inside, near)
    return Problem(
        code="malformed-token",
        message=message,
        where=where,
        start=start,
        end=end,
        suggestion=f"{{{{{near}}}}}" if near else None,
    )


_FORM: Final = "A token is written exactly like {{InvoiceNumber}}."


def _malformed_reason(inside: str, near: str | None) -> str:
    """Return the first reason that holds why ``{{inside}}`` is no token."""
    bare = inside.strip()
    spaced = bare != inside and NAME.fullmatch(bare) is not None
    reasons = (
        (not bare, "There is no name between {{ and }}. " + _FORM),
        (spaced, f"Drop the spaces inside the token: write {{{{{near or bare}}}}}."),
        (not bare.isascii(), f"The token holds a letter of another alphabet. {NAME_RULE}"),
        (inside.startswith("{"), "There are three { in a row. " + _FORM),
        ("|" in inside, "A token is one name, then perhaps one | and one function. " + _FORM),
        (
            inside.count(".") > 1,
            "A token's name has at most one dot, between a step and its value.",
        ),
    )
    other = f"This is not a token's name. {NAME_RULE}"
    return next((reason for holds, reason in reasons if holds), other)
