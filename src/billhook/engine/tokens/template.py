"""Texts with ``{{Tokens}}``: parsed once, filled part by part; a filled value isn't read again.

A text is read in two rounds. :func:`read_text` finds the tokens. A slot module
(:mod:`billhook.engine.slots`) then says for each token what its place is,
and so how a value is encoded there. What comes out is a :class:`Template`: a flat tuple of literal
text and encoders, which takes about a microsecond to fill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from billhook.engine.errors import Problem
from billhook.engine.secret import MASK
from billhook.engine.tokens.encoders import present
from billhook.engine.tokens.functions import (
    NUMBER,
    PATH,
    RAW,
    UnfitForFunction,
    find_function,
)
from billhook.engine.tokens.text import Scope, Text, TokenUse
from billhook.engine.tokens.values import Given, UnfitValue, Values

Encode = Callable[[Given], str]
Check = Callable[[str, Values], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a template: literal text, a variable's text, or a token with its encoder.

    ``start`` and ``end`` are the token's offsets in the text as typed.
    """

    text: str = ""
    token: str | None = None
    encode: Encode | None = None
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPiece:
    """A part of a text for people; ``token`` names what filled it, if anything did."""

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
        """Return the text with *values*, or raise :class:`UnfitValue` at the first unfit one."""
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
        """Return every reason why *values* can't be in this text.

        Where a value isn't known yet, the others are judged, but not the whole.
        """
        problems, is_whole = [], True
        for part in self.parts:
            if part.encode is None or part.token is None:
                continue
            if part.token not in values.given:
                is_whole = False
                continue
            try:
                part.encode(values.given[part.token])
            except UnfitValue as unfit:
                problems.append(self._unfit(unfit, part.token, (part.start, part.end)))
        return problems or (self._problems_of_whole(values) if is_whole else [])

    def _problems_of_whole(self, values: Values) -> list[Problem]:
        try:
            self.fill(values)
        except UnfitValue as unfit:
            tokens = [part for part in self.parts if part.encode is not None]
            names = " and ".join(dict.fromkeys(str(part.token) for part in tokens))
            return [self._unfit(unfit, names, (tokens[0].start, tokens[-1].end))]
        return []

    def _unfit(self, unfit: UnfitValue, names: str, at: tuple[int, int]) -> Problem:
        return Problem(
            code=unfit.code,
            message=unfit_message(names, unfit.reason),
            where=self.where,
            start=at[0],
            end=at[1],
        )

    def shown(self, values: Values) -> Shown:
        """Return the filled text in parts, for people: ‹Find.Id› replaces an unknown value."""
        return Shown(pieces=tuple(self._shown(part, values) for part in self.parts))

    def _shown(self, part: Part, values: Values) -> ShownPiece:
        if part.encode is None or part.token is None:
            return ShownPiece(text=part.text, token=part.token)
        given = values.given.get(part.token)
        if given is None:
            return ShownPiece(text=f"‹{part.token}›", token=part.token)
        text = MASK if given.secret else part.encode(given)
        return ShownPiece(text=text, token=part.token, is_secret=given.secret)


def unfit_message(names: str, reason: str) -> str:
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
    refusal_of: Callable[[TokenUse], str | None] | None = None,
) -> tuple[list[Part], list[Problem]]:
    """Cut *text* from offset *start* into parts; variables are filled in at once.

    *literal* turns the text between tokens into what is sent. A token's function is applied before
    its encoder. *refusal_of* says why a token's function isn't allowed where the token is; without
    it, those are refused that only a URL takes.
    """
    parts: list[Part] = []
    problems: list[Problem] = []
    position = start
    for token in text.tokens:
        if token.start < start:
            continue
        _add_literal(parts, literal(text.text[position : token.start]))
        position = token.end
        refusal = (refusal_of or refusal_outside_urls)(token)
        if refusal is not None:
            problems.append(text.misplaced(token, refusal))
            continue
        try:
            parts.append(_place(token, scope, encode_through(token, encoder_of(token))))
        except UnfitValue as unfit:
            message = f"The variable's value isn't allowed here: it {unfit.reason}"
            problems.append(text.problem(unfit.code, message, (token.start, token.end)))
    _add_literal(parts, literal(text.text[position:]))
    return parts, problems


NOT_RAW: Final = (
    "raw goes only into a URL's path or query, after scheme, host and port. "
    "Remove |raw: the value is then written so that it is only a value here."
)


NOT_PATH: Final = (
    "path goes only into a URL's path, after scheme, host and port, and before the query. "
    "Remove |path: the value is then written so that it is only a value here."
)


def refusal_outside_urls(token: TokenUse) -> str | None:
    """Say why the function of *token* isn't allowed outside of a URL's path and query."""
    return {RAW: NOT_RAW, PATH: NOT_PATH}.get(token.function)


def refusal_in_paths(token: TokenUse) -> str | None:
    """Say why the function of *token* isn't allowed in a path of a response.

    Paths are followed in processes that can't open a file, such as that of a time zone.
    """
    if token.function.startswith("date:") and "@" in token.function:
        return (
            "A date in a path of a response can't be moved into a time zone. Derive the value "
            "before, and use that: derive = { Day = … }."
        )
    return refusal_outside_urls(token)


def encode_through(token: TokenUse, encode: Encode) -> Encode:
    """Return *encode* with the token's function, if it has one, applied before it."""
    if not token.function or token.function == RAW or find_function(token.function) is None:
        return encode
    return _EncodeResult(token.function, encode)


@dataclass(frozen=True, slots=True)
class _EncodeResult:
    """Encodes the result of a function. Known by the function's name, it can be pickled."""

    name: str
    encode: Encode

    def __call__(self, given: Given) -> str:
        function = find_function(self.name)
        assert function is not None  # noqa: S101 - its name was looked up before
        try:
            text = function(present(given))
        except UnfitForFunction as unfit:
            raise UnfitValue("unfit-for-function", unfit.reason) from None
        is_quoted = self.name != NUMBER
        return self.encode(Given(text=text, quoted=is_quoted, secret=given.secret))


def _add_literal(parts: list[Part], text: str) -> None:
    if text:
        parts.append(Part(text=text))


def _place(token: TokenUse, scope: Scope, encode: Encode) -> Part:
    variable = scope.variables.get(token.name)
    if variable is None:
        return Part(token=token.name, encode=encode, start=token.start, end=token.end)
    return Part(text=encode(variable), token=token.name, start=token.start, end=token.end)
