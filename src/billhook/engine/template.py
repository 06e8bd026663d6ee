"""Texts with ``{{Tokens}}``: found once, filled piece by piece; a filled value isn't read again.

A text is read in two rounds. :func:`read_text` finds the tokens. A slot module
(``slots_url``, ``slots_header``, ``slots_json``, …) then says for each token what its place is,
and so how a value is encoded there. What comes out is a :class:`Template`: a flat tuple of literal
text and encoders, which takes about a microsecond to fill.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from billhook.engine.errors import Problem
from billhook.engine.secret import MASK
from billhook.engine.tokens import NAME, NAME_RULE, nearest
from billhook.engine.values import Given, UnfitValue, Values

_TOKEN: Final = re.compile(rf"\{{\{{({NAME.pattern})(?:\|({NAME.pattern}))?\}}\}}", re.ASCII)
_UNSENDABLE: Final = re.compile(r"[\0\ud800-\udfff]")
_OPENING: Final = "{{"
_CLOSING: Final = "}}"

Encode = Callable[[Given], str]
Check = Callable[[str, Values], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUse:
    """One token where it stands in a text, with its character offsets there."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names that a command's texts may use, and where the value of each comes from."""

    variables: Mapping[str, Given]
    secrets: frozenset[str]
    tokens: frozenset[str]

    def knows(self, name: str) -> bool:
        """Say whether *name* may stand in a text."""
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
        """Return a problem of this text that stands at the offsets *at*."""
        return Problem(
            code=code,
            message=message,
            where=self.where,
            start=at[0],
            end=at[1],
            suggestion=suggestion,
        )

    def misplaced(self, token: TokenUse, message: str) -> Problem:
        """Return the problem of a *token* that may not stand where it does."""
        return self.problem("forbidden-position", message, (token.start, token.end))


def read_text(text: str, where: str, scope: Scope) -> Text:
    """Find the tokens of *text*, and what is wrong with each of them."""
    tokens: list[TokenUse] = []
    problems = _character_problems(text, where)
    is_broken = bool(problems)
    position = text.find(_OPENING)
    while position >= 0:
        match = _TOKEN.match(text, position)
        if match is None:
            is_broken = True
            problem = _malformed(text, position, where, scope)
            problems.append(problem)
            end = problem.end or position + len(_OPENING)
        else:
            end = match.end()
            tokens.append(TokenUse(name=match[1], start=position, end=end))
            problems.extend(_name_problems(match, where, scope))
        position = text.find(_OPENING, end)
    return Text(
        text=text,
        where=where,
        tokens=tuple(tokens),
        problems=tuple(problems),
        is_broken=is_broken,
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
        for match in _UNSENDABLE.finditer(text)
    ]


def _name_problems(match: re.Match[str], where: str, scope: Scope) -> list[Problem]:
    name, function = match[1], match[2]
    problems = []
    if not scope.knows(name):
        problems.append(_unknown(name, match.span(), where, scope))
    if function is not None:
        problems.append(
            Problem(
                code="unknown-function",
                message=(
                    f'There is no function "{function}" that a token could pass through. '
                    f"Write {{{{{name}}}}}."
                ),
                where=where,
                start=match.start(),
                end=match.end(),
                suggestion=f"{{{{{name}}}}}",
            )
        )
    return problems


def _unknown(name: str, span: tuple[int, int], where: str, scope: Scope) -> Problem:
    near = scope.nearest(name)
    if near is None:
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
        ("." in inside, "A token's name has no dot: parts of a value can't be had. " + _FORM),
    )
    other = f"This is not a token's name. {NAME_RULE}"
    return next((reason for holds, reason in reasons if holds), other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a template: literal text, a variable's text, or a token with its encoder.

    ``start`` and ``end`` are the token's offsets in the text as typed.
    """

    text: str = ""
    token: str | None = None
    encode: Encode | None = None
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPiece:
    """A piece of a text for people; ``token`` names what filled it, if anything did."""

    text: str
    token: str | None = None
    is_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A filled text for people: secrets are masked. ``pieces`` joined are ``text``."""

    pieces: tuple[ShownPiece, ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A compiled text. Filling joins literals and encoded values, then checks the whole."""

    where: str
    parts: tuple[Part, ...]
    pieces: tuple[tuple[str, Encode, str], ...]
    tail: str
    check: Check | None = None

    def fill(self, values: Values) -> str:
        """Return the text with *values* in it, or raise :class:`UnfitValue` at the first misfit."""
        if not self.pieces:
            return self.tail
        given = values.given
        filled = []
        for literal, encode, name in self.pieces:
            filled.append(literal)
            filled.append(encode(given[name]))
        filled.append(self.tail)
        text = "".join(filled)
        if self.check is not None:
            self.check(text, values)
        return text

    def problems(self, values: Values) -> list[Problem]:
        """Return everything that hinders *values* from standing in this text."""
        problems = []
        for part in self.parts:
            if part.encode is not None and part.token is not None:
                try:
                    part.encode(values.given[part.token])
                except UnfitValue as unfit:
                    problems.append(self._misfit(unfit, part.token, (part.start, part.end)))
        return problems or self._problems_of_whole(values)

    def _problems_of_whole(self, values: Values) -> list[Problem]:
        try:
            self.fill(values)
        except UnfitValue as unfit:
            tokens = [part for part in self.parts if part.encode is not None]
            names = " and ".join(dict.fromkeys(str(part.token) for part in tokens))
            return [self._misfit(unfit, names, (tokens[0].start, tokens[-1].end))]
        return []

    def _misfit(self, unfit: UnfitValue, names: str, at: tuple[int, int]) -> Problem:
        return Problem(
            code=unfit.code,
            message=misfit_message(names, unfit.reason),
            where=self.where,
            start=at[0],
            end=at[1],
        )

    def shown(self, values: Values) -> Shown:
        """Return the filled text in pieces, for people."""
        return Shown(pieces=tuple(self._shown(part, values) for part in self.parts))

    def _shown(self, part: Part, values: Values) -> ShownPiece:
        if part.encode is None or part.token is None:
            return ShownPiece(text=part.text, token=part.token)
        given = values.given[part.token]
        text = MASK if given.secret else part.encode(given)
        return ShownPiece(text=text, token=part.token, is_secret=given.secret)


def misfit_message(names: str, reason: str) -> str:
    """Return the sentence that says that the value of token *names* is unfit."""
    marked = " and ".join(f"{{{{{name}}}}}" for name in names.split(" and "))
    return f"The value of {marked} {reason}"


def build_template(where: str, parts: Sequence[Part], *, check: Check | None = None) -> Template:
    """Return the template that *parts* make, with neighbouring literals joined for filling."""
    pieces: list[tuple[str, Encode, str]] = []
    literal = ""
    for part in parts:
        if part.encode is None or part.token is None:
            literal += part.text
        else:
            pieces.append((literal, part.encode, part.token))
            literal = ""
    return Template(
        where=where, parts=tuple(parts), pieces=tuple(pieces), tail=literal, check=check
    )


def place_tokens(
    text: Text,
    scope: Scope,
    encoder_of: Callable[[TokenUse], Encode],
    *,
    literal: Callable[[str], str] = str,
    start: int = 0,
) -> tuple[list[Part], list[Problem]]:
    """Cut *text* from offset *start* into parts; variables are filled in at once.

    *literal* turns the text between tokens into what is sent.
    """
    parts: list[Part] = []
    problems: list[Problem] = []
    position = start
    for token in text.tokens:
        if token.start < start:
            continue
        _add_literal(parts, literal(text.text[position : token.start]))
        position = token.end
        try:
            parts.append(_place(token, scope, encoder_of(token)))
        except UnfitValue as unfit:
            message = f"The variable's value can't stand here: it {unfit.reason}"
            problems.append(text.problem(unfit.code, message, (token.start, token.end)))
    _add_literal(parts, literal(text.text[position:]))
    return parts, problems


def _add_literal(parts: list[Part], text: str) -> None:
    if text:
        parts.append(Part(text=text))


def _place(token: TokenUse, scope: Scope, encode: Encode) -> Part:
    variable = scope.variables.get(token.name)
    if variable is None:
        return Part(token=token.name, encode=encode, start=token.start, end=token.end)
    return Part(text=encode(variable), token=token.name, start=token.start, end=token.end)
