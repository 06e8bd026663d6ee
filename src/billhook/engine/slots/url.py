"""URLs with tokens: the origin is fixed when compiled, path and query are filled."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from billhook.engine.egress.url import (
    MAX_URL_LENGTH,
    Url,
    encode_target,
    has_dot_segment,
    holds_control_or_space,
    parse_url,
)
from billhook.engine.errors import Problem
from billhook.engine.slots.form import key_check
from billhook.engine.tokens.encoders import (
    EMPTY_INSIDE,
    EMPTY_SEGMENT,
    encode_percent,
    encode_raw,
    encode_raw_after_slash,
    encode_raw_path,
    encode_segments,
    encode_segments_after_slash,
    encode_whole_segment,
)
from billhook.engine.tokens.functions import PATH, RAW
from billhook.engine.tokens.template import (
    NOT_PATH,
    Check,
    Encode,
    Part,
    Template,
    build_template,
    encode_through,
    place_tokens,
    refusal_outside_urls,
)
from billhook.engine.tokens.text import Scope, Text, TokenUse
from billhook.engine.tokens.values import Given, UnfitValue, Values
from billhook.engine.verdict import Verdict

_AUTHORITY: Final = re.compile(r"[^:/?#\\]*://[^/?#\\]*")
_BASE_URL: Final = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#\\@\s]+(?:/[^?#\\\s]*)?")
_BARE_HOST: Final = re.compile(r"[^/?#\\@%\s\x00-\x1f\x7f]+")
_CODES: Final = {"host-syntax": "invalid-host", "control-char": "control-character"}
_DOT: Final = re.compile(r"[/FfCc]\.|%2[eE]")  # may a segment begin with a dot?


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlTemplate:
    """A compiled URL. ``site`` is the part before the path as it goes on the wire."""

    url: Url
    site: str
    template: Template


def compile_url(text: Text, scope: Scope) -> tuple[UrlTemplate | None, list[Problem]]:
    """Compile a URL; return it, or the problems that prevent it.

    Scheme, host and port take the integration's variables alone (so that no caller chooses where
    a request goes), or one variable at the very start holds the whole beginning of the URL.
    """
    shape = text.shape()
    head = _Head.find(text, shape)
    problems = [*_head_problems(text, head, scope), *_fragment_problems(text, shape, head)]
    if problems or _is_unknown_in_head(text, head, scope):
        return None, problems
    base, problems = _fill_head(text, head, scope)
    if problems:
        return None, problems
    return _compile_target(text, shape, head, base, scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """Scheme, host and port: the text up to ``end``. ``base`` is the variable that holds it all."""

    end: int
    base: TokenUse | None = None

    @staticmethod
    def find(text: Text, shape: str) -> _Head:
        first = text.tokens[0] if text.tokens and text.tokens[0].start == 0 else None
        if first is not None and not shape.startswith("://", first.end):
            return _Head(end=first.end, base=first)
        match = _AUTHORITY.match(shape)
        return _Head(end=match.end() if match else 0)


def _head_problems(text: Text, head: _Head, scope: Scope) -> list[Problem]:
    """Refuse every token in scheme, host and port that isn't a variable, or is glued to them."""
    problems = [
        text.misplaced(token, _misplaced_in_head(token, scope))
        for token in text.tokens
        if token.start < head.end and scope.knows(token.name) and token.name not in scope.variables
    ]
    problems += [
        text.misplaced(token, refusal)
        for token in text.tokens
        if token.start < head.end and (refusal := refusal_outside_urls(token)) is not None
    ]
    after = text.text[head.end : head.end + 1]
    if head.base is not None and not problems and after not in {"", "/", "?", "#"}:
        at = (head.end, len(text.text))
        message = f"A / must follow {{{{{head.base.name}}}}}, which holds the beginning of the URL."
        glued = [token for token in text.tokens if token.start == head.end]
        code = "forbidden-position" if glued else "url-syntax"
        problems.append(text.problem(code, message, at))
    return problems


def _is_unknown_in_head(text: Text, head: _Head, scope: Scope) -> bool:
    """Say whether an unknown token, already reported, prevents judging the rest."""
    return any(token.start < head.end and not scope.knows(token.name) for token in text.tokens)


def _misplaced_in_head(token: TokenUse, scope: Scope) -> str:
    what = "A secret" if token.name in scope.secrets else "This token"
    if "." in token.name:
        return (
            f"The value of {{{{{token.name}}}}}, from a response, isn't allowed in scheme, host or "
            "port. Say url = true where it is extracted, and let it be the whole URL of a step."
        )
    return (
        f"{what} isn't allowed in scheme, host or port: {{{{{token.name}}}}} would decide "
        "where the request goes. Write the address out, use a variable of the integration, "
        "or put a / before the token if it belongs to the path."
    )


def _fragment_problems(text: Text, shape: str, head: _Head) -> list[Problem]:
    start = shape.find("#")
    if start < 0 or "@" in shape[: head.end]:
        return []  # a user name before an @ is the graver flaw, and reported by parse_url
    message = "What follows a # in a URL is never sent. Remove it, or write %23."
    inside = [token for token in text.tokens if token.start > start]
    code = "forbidden-position" if inside else Verdict.DENIED_FRAGMENT.reason
    return [text.problem(code, message, (start, len(text.text)))]


def _fill_head(text: Text, head: _Head, scope: Scope) -> tuple[str, list[Problem]]:
    """Fill the variables into scheme, host and port, as they are."""
    problems = []
    filled, position = "", 0
    for token in text.tokens:
        if token.start >= head.end:
            break
        variable = scope.variables.get(token.name)
        value = _head_value(token, variable) if variable else ""
        filled += text.text[position : token.start] + value
        position = token.end
        if variable is not None and (flaw := _variable_flaw(value, is_base=head.base is token)):
            message = f"The variable {token.name} isn't allowed here. {flaw}"
            problems.append(text.problem("invalid-host", message, (token.start, token.end)))
    filled += text.text[position : head.end]
    if head.base is not None and text.text.startswith("/", head.end):
        filled = filled.removesuffix("/")
    return filled, problems


def _head_value(token: TokenUse, variable: Given) -> str:
    try:
        return encode_through(token, lambda given: given.text or "")(variable)
    except UnfitValue:
        return ""  # which is no host


def _variable_flaw(value: str, *, is_base: bool) -> str | None:
    if is_base:
        if _BASE_URL.fullmatch(value):
            return None
        return (
            "At the beginning of a URL it has to be one such as https://billing.example.com or "
            "https://billing.example.com/api, without user name, ? and #."
        )
    if _BARE_HOST.fullmatch(value):
        return None
    return (
        "In scheme, host or port it has to be a bare name or number, "
        "such as billing.example.com, without any of / ? # @ %."
    )


def _compile_target(
    text: Text, shape: str, head: _Head, base: str, scope: Scope
) -> tuple[UrlTemplate | None, list[Problem]]:
    query_start = _find(shape, "?", head.end)
    encoder_of = _encoder_of(text, head.end, query_start)
    parts, problems = place_tokens(
        text,
        scope,
        encoder_of,
        start=head.end,
        refusal_of=lambda token: _refusal_of(token, query_start),
    )
    sample = base + "".join(part.text if part.encode is None else "x" for part in parts)
    url = parse_url(sample)
    if isinstance(url, Verdict):
        problems.append(text.problem(_code_of(url), url.message, _place_of(url, text)))
    if problems or isinstance(url, Verdict):
        return None, problems
    site = f"{url.scheme}://{url.authority}"
    begin = Part(text=site + _base_path(base), token=head.base.name if head.base else None)
    in_query = [token for token in text.tokens if token.start > query_start]
    keys = [token.start - query_start - 1 for token in in_query]
    is_raw = any(token.function == RAW for token in in_query)
    check = _check_of_whole(
        len(site),
        _bare_segments(text, shape, head.end, query_start, scope),
        None if is_raw else key_check(shape[query_start + 1 :], keys),
    )
    if any(token.function == RAW for token in text.tokens):
        check = _check_of_raw(check, url)
    sent = [replace(part, text=encode_target(part.text)) for part in (begin, *parts)]
    return (
        UrlTemplate(url=url, site=site, template=build_template(text.where, sent, check=check)),
        [],
    )


def _code_of(verdict: Verdict) -> str:
    """Return the code of a problem of the grammar: filling's own word where there is one."""
    return _CODES.get(verdict.reason, verdict.reason)


def _place_of(verdict: Verdict, text: Text) -> tuple[int, int]:
    """Return the offsets of the problem, as near as possible."""
    if verdict is Verdict.DENIED_CONTROL_CHARACTER:
        for index, character in enumerate(text.text):
            if holds_control_or_space(character):
                return index, index + 1
    return 0, len(text.text)


def _find(shape: str, mark: str, start: int) -> int:
    found = shape.find(mark, start)
    return found if found >= 0 else len(shape)


def _base_path(base: str) -> str:
    """Return the path that a base URL brings along."""
    _, slash, path = base.partition("://")[2].partition("/")
    return slash + path


def _refusal_of(token: TokenUse, query_start: int) -> str | None:
    return NOT_PATH if token.function == PATH and token.start > query_start else None


def _encoder_of(text: Text, start: int, end: int) -> Callable[[TokenUse], Encode]:
    """Return what says for each token whether it is a path's whole segment."""

    def encoder_of(token: TokenUse) -> Encode:
        in_path = start <= token.start < end
        starts = text.text[token.start - 1 : token.start] == "/"
        if token.function == RAW and in_path:
            return encode_raw_after_slash if starts else encode_raw_path
        if token.function == RAW:
            return encode_raw
        if token.function == PATH:
            return encode_segments_after_slash if starts else encode_segments
        ends = token.end == end or text.text.startswith("/", token.end)
        return encode_whole_segment if in_path and starts and ends else encode_percent

    return encoder_of


def _bare_segments(
    text: Text, shape: str, start: int, end: int, scope: Scope
) -> tuple[tuple[str, ...], ...]:
    """Return the tokens of each path segment that consists only of two or more tokens."""
    segments = []
    for match in re.finditer(r"[^/]+", shape[start:end]):
        first, last = start + match.start(), start + match.end()
        inside = [token for token in text.tokens if first <= token.start < last]
        covered = sum(token.end - token.start for token in inside)
        if len(inside) > 1 and covered == len(match[0]):
            segments.append(tuple(token.name for token in inside))
    return tuple(names for names in segments if not scope.variables.keys() & names)


def _check_of_whole(
    site_length: int,
    segments: tuple[tuple[str, ...], ...],
    check_keys: Callable[[str], None] | None,
) -> Callable[[str, Values], None]:
    """Return the check of the filled URL: what no single value can be blamed for."""

    def check(filled: str, values: Values) -> None:
        if len(filled) > MAX_URL_LENGTH:
            raise UnfitValue("too-long", f"makes the URL longer than {MAX_URL_LENGTH} characters.")
        path, _, query = filled[site_length:].partition("?")
        if _DOT.search(path) and has_dot_segment(path):
            raise UnfitValue(
                "dot-segment", "makes a part of the path . or .., which would lead elsewhere."
            )
        for names in segments:
            if not any(values.given[name].text for name in names):
                raise UnfitValue("empty-segment", EMPTY_SEGMENT)
        if check_keys is not None:
            check_keys(query)

    return check


def _check_of_raw(check: Check, origin: Url) -> Check:
    """Return *check*, and then that the URL with raw values is one of the same origin."""

    def check_raw(filled: str, values: Values) -> None:
        check(filled, values)
        url = parse_url(filled)
        if isinstance(url, Verdict):
            raise UnfitValue(_code_of(url), "makes a URL that can't be sent.")
        if url.origin != origin.origin or "//" in url.target.partition("?")[0]:
            raise UnfitValue("empty-segment", EMPTY_INSIDE)

    return check_raw
