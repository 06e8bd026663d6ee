"""Paths to values in a response: JSONPath, XPath, a header, a cookie, or a regular expression.

A path may hold tokens. They are filled so that a value can't change the path: in a JSONPath as a
literal of that language, in an XPath as a variable, in a regular expression escaped.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any, Final, Protocol

import re2
from lxml import etree

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.effort import UNBOUNDED, json_weight, xpath_weight
from billhook.engine.answer.formats.json_text import exact
from billhook.engine.answer.json_query import (
    JSONPathError,
    JSONPathQuery,
    TooWide,
    compile_json,
    compile_regex,
    find_all,
)
from billhook.engine.answer.path_width import (
    MOST_BYTES,
    MOST_ELEMENTS,
    bare_shape,
    json_problems,
    xpath_problems,
    xpath_searches,
)
from billhook.engine.config import PathConfig
from billhook.engine.errors import Problem
from billhook.engine.tokens.encoders import encode_json_string, encode_json_value, encode_text
from billhook.engine.tokens.template import (
    Encode,
    Template,
    build_template,
    place_tokens,
    refusal_in_paths,
)
from billhook.engine.tokens.text import Scope, Text, TokenUse, read_text
from billhook.engine.tokens.values import Given, Values

Found = str | int | float | Decimal | bool | None | list[Any] | dict[str, Any]
MAX_PATH: Final = 1_000
MAX_FOUND: Final = 1_000
"""So many values are looked at; a path that finds more is too wide."""
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110, 5.1) or of a cookie (RFC 6265, 4.1.1)."""
_TOO_LARGE: Final = "The response is too large for a path that searches it again and again."


class Path(Protocol):
    """A compiled path."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """The names of the tokens that it uses."""
        ...

    @property
    def weight(self) -> float:
        """The effort of following it; see :mod:`billhook.engine.answer.effort`."""
        ...

    def find(self, content: Content, values: Values) -> list[Found]:
        """Return every value found, in the response's order, or raise Unreadable."""
        ...


def compile_path(config: PathConfig, where: str, scope: Scope) -> tuple[Path | None, list[Problem]]:
    """Compile *config*, or return everything that is wrong with it."""
    text = read_text(config.text, where, scope)
    if text.is_broken or text.problems:
        return None, list(text.problems)
    if not config.text.strip():
        return None, [text.problem("empty-path", "There is no path here. Type one.", (0, 0))]
    if len(config.text) > MAX_PATH:
        message = f"A path may have at most {MAX_PATH:,} characters."
        return None, [text.problem("too-long", message, (MAX_PATH, len(config.text)))]
    compilers: dict[str, _Compiler] = {
        "json": _compile_json,
        "xpath": lambda text, scope: _compile_xpath(text, scope, config.namespaces),
        "header": _compile_header_path,
        "cookie": _compile_cookie_path,
        "regex": _compile_regex,
    }
    if config.kind not in compilers:
        message = f"A path is one of {', '.join(compilers)}. Choose one of them."
        return None, [text.problem("unknown-choice", message, (0, 0))]
    return compilers[config.kind](text, scope)


_Compiler = Callable[[Text, Scope], tuple["Path | None", list[Problem]]]


# JSONPath (RFC 9535)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonPath:
    """A JSONPath; one that holds tokens is compiled when its values are known."""

    template: Template
    tokens: tuple[str, ...]
    searches_again: bool
    weight: float

    def find(self, content: Content, values: Values) -> list[Found]:
        """Return the values of all nodes."""
        document = content.json()
        if self.searches_again and content.size > MOST_BYTES:
            raise Unreadable(_TOO_LARGE)
        try:
            compiled = compile_json if self.tokens else _known_json
            query = compiled(self.template.fill(values))
            return [exact(value) for value in islice(find_all(query, document), MAX_FOUND)]
        except TooWide:
            raise Unreadable(_TOO_LARGE) from None
        except (JSONPathError, RecursionError):
            raise Unreadable("The path can't be followed in this response.") from None


@functools.lru_cache(maxsize=1_000)
def _known_json(text: str) -> JSONPathQuery:
    """Return the query that *text* is. Queries and the like can't be pickled; texts can."""
    return compile_json(text)


def _compile_json(text: Text, scope: Scope) -> tuple[Path | None, list[Problem]]:
    shape = text.shape(lambda token: "1" * (token.end - token.start))
    problems = list(json_problems(text, shape))
    try:
        compile_json(shape)
    except JSONPathError as error:
        problems.append(_unparsable(text, "JSONPath", getattr(error.token, "index", 0)))
    if problems:
        return None, problems
    parts, problems = place_tokens(
        text, scope, lambda token: _json_encoder(shape, token), refusal_of=refusal_in_paths
    )
    template = build_template(text.where, parts)
    if problems:
        return None, problems
    path = JsonPath(
        template=template,
        tokens=_names(text),
        searches_again=bare_shape(shape, escapes=True).count("..") > 1,
        weight=json_weight(shape),
    )
    return path, []


def _json_encoder(shape: str, token: TokenUse) -> Encode:
    quote_mark = _open_quote(shape[: token.start], escapes=True)
    if quote_mark is None:
        return encode_json_value
    return encode_json_string if quote_mark == '"' else _encode_single_quoted


def _encode_single_quoted(given: Given) -> str:
    """A JSONPath literal in single quotes escapes the single quote alone (RFC 9535, 2.3.1.1)."""
    return encode_json_string(given).replace('\\"', '"').replace("'", "\\'")


# XPath 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlPath:
    """An XPath, with its tokens as variables."""

    expression: str
    namespaces: tuple[tuple[str, str], ...]
    variables: tuple[tuple[str, Template], ...]
    tokens: tuple[str, ...]
    searches_again: bool
    weight: float

    def find(self, content: Content, values: Values) -> list[Found]:
        """Return the text of each node found, or what the XPath's function gives."""
        root = content.xml()
        if self.searches_again and _has_many(root):
            raise Unreadable(_TOO_LARGE)
        filled = {name: template.fill(values) for name, template in self.variables}
        try:
            result = _known_xpath(self.expression, self.namespaces)(root, **filled)
        except etree.XPathError:
            raise Unreadable("The XPath can't be followed in this response.") from None
        if not isinstance(result, list):
            return [result]
        return _texts_of(result[:MAX_FOUND], most=2 * content.size)


@functools.lru_cache(maxsize=1_000)
def _known_xpath(expression: str, namespaces: tuple[tuple[str, str], ...]) -> etree.XPath:
    """Return the compiled XPath, without the functions of EXSLT that may take for ever."""
    return etree.XPath(
        expression, namespaces=dict(namespaces) or None, regexp=False, smart_strings=False
    )


def _has_many(root: etree._Element) -> bool:
    return next(islice(root.iter(), MOST_ELEMENTS, None), None) is not None


def _texts_of(nodes: Iterable[Any], *, most: int) -> list[Found]:
    """Return the text of each node, *most* characters in all.

    The text of an element has those of the elements inside, so a thousand nested ones would have
    a thousand times the response.
    """
    texts: list[Found] = []
    for node in nodes:
        is_element = etree.iselement(node)
        kept = []
        for piece in node.itertext() if is_element else [str(node)]:
            most -= len(piece)
            if most < 0:
                raise Unreadable(_TOO_LARGE)
            kept.append(piece)
        text = "".join(kept).strip()
        texts.append(_reference_in(node) if is_element and not text else text)
    return texts


def _reference_in(element: etree._Element) -> str:
    """Return the ``cid:`` address of the part that an element without text refers to, if any.

    That is MTOM's ``xop:Include`` inside it (XOP 1.0, 3.1), or its own ``href`` as in SOAP with
    attachments.
    """
    for each in (element, *element.iter("{*}Include")):
        address = each.get("href", "").strip()
        if address[:4].lower() == "cid:":
            return str(address)
    return ""


def _compile_xpath(
    text: Text, scope: Scope, namespaces: dict[str, str]
) -> tuple[Path | None, list[Problem]]:
    literals = _xpath_literals(text)
    if isinstance(literals, Problem):
        return None, [literals]
    expression, variables, problems = _lift_literals(text, literals, scope)
    shape = text.shape()
    problems += xpath_problems(text, shape, namespaces)
    if problems:
        return None, problems
    try:
        _known_xpath(expression, tuple(namespaces.items()))
    except (etree.XPathSyntaxError, ValueError):
        return None, [_unparsable(text, "XPath", 0)]
    path = XmlPath(
        expression=expression,
        namespaces=tuple(namespaces.items()),
        variables=tuple(variables),
        tokens=_names(text),
        searches_again=xpath_searches(bare_shape(shape)) > 1,
        weight=xpath_weight(shape),
    )
    return path, []


def _xpath_literals(text: Text) -> list[tuple[int, int]] | Problem:
    """Return the spans of the quoted literals that hold tokens; every token needs one."""
    shape = text.shape()
    spans = [match.span() for match in re.finditer(r"'[^']*'|\"[^\"]*\"", shape)]
    holding = []
    for token in text.tokens:
        around = next((s for s in spans if s[0] < token.start and token.end < s[1]), None)
        if around is None:
            message = "In an XPath a token must be between quotes: //Invoice[Number='{{Name}}']."
            return text.misplaced(token, message)
        if around not in holding:
            holding.append(around)
    return holding


def _lift_literals(
    text: Text, literals: list[tuple[int, int]], scope: Scope
) -> tuple[str, list[tuple[str, Template]], list[Problem]]:
    """Replace each literal that holds tokens by a variable, so no value is ever parsed."""
    expression, position = "", 0
    variables: list[tuple[str, Template]] = []
    problems: list[Problem] = []
    for number, (start, end) in enumerate(literals):
        inner = read_text(text.text[start + 1 : end - 1], text.where, scope)
        parts, found = place_tokens(
            inner, scope, lambda _: encode_text, refusal_of=refusal_in_paths
        )
        problems += found
        variables.append((f"filled{number}", build_template(text.where, parts)))
        expression += f"{text.text[position:start]}$filled{number}"
        position = end
    return expression + text.text[position:], variables, problems


# Headers and regular expressions


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderPath:
    """A header of the response, by name."""

    name: str
    tokens: tuple[str, ...] = ()
    weight: float = 0.0

    def find(self, content: Content, values: Values) -> list[Found]:  # noqa: ARG002 - as every path
        """Return the header's values."""
        return list(content.header(self.name))


def _compile_header_path(text: Text, scope: Scope) -> tuple[Path | None, list[Problem]]:  # noqa: ARG001
    if text.tokens:
        return None, [text.misplaced(text.tokens[0], "A header's name can't hold a token.")]
    name = text.text.strip()
    if not _NAME.fullmatch(name):
        message = "This is no header's name. Type it as in Content-Disposition, without a colon."
        return None, [text.problem("header-name", message, (0, len(text.text)))]
    return HeaderPath(name=name), []


@dataclass(frozen=True, slots=True, kw_only=True)
class CookiePath:
    """A cookie that the response sets, by name: its value without attributes."""

    name: str
    tokens: tuple[str, ...] = ()
    weight: float = 0.0

    def find(self, content: Content, values: Values) -> list[Found]:  # noqa: ARG002 - as every path
        """Return the cookie's value."""
        value = content.cookie(self.name)
        return [] if value is None else [value]


def _compile_cookie_path(text: Text, scope: Scope) -> tuple[Path | None, list[Problem]]:  # noqa: ARG001
    if text.tokens:
        return None, [text.misplaced(text.tokens[0], "A cookie's name can't hold a token.")]
    name = text.text.strip()
    if not _NAME.fullmatch(name):
        message = "This is not the name of a cookie. Type only its name, such as JSESSIONID."
        return None, [text.problem("cookie-name", message, (0, len(text.text)))]
    return CookiePath(name=name), []


@dataclass(frozen=True, slots=True, kw_only=True)
class RegexPath:
    """A regular expression of RE2's kind, which takes linear time, over the body's text."""

    template: Template
    tokens: tuple[str, ...]
    weight: float = UNBOUNDED

    def find(self, content: Content, values: Values) -> list[Found]:
        """Return what the one group caught, each time."""
        pattern = compile_regex(self.template.fill(values))
        matches = pattern.finditer(content.text())
        return [match[1] for match, _ in zip(matches, range(MAX_FOUND), strict=False)]


def _compile_regex(text: Text, scope: Scope) -> tuple[Path | None, list[Problem]]:
    try:
        groups = compile_regex(text.shape()).groups
    except re2.error:
        return None, [_unparsable(text, "regular expression (RE2)", 0)]
    if groups != 1:
        message = (
            f"The regular expression needs exactly one group in ( ), and has {groups}. "
            "Write (?: ) for a group that isn't to be taken."
        )
        return None, [text.problem("regex-groups", message, (0, len(text.text)))]
    parts, problems = place_tokens(
        text, scope, lambda _: _encode_regex, refusal_of=refusal_in_paths
    )
    template = build_template(text.where, parts)
    return (None, problems) if problems else (RegexPath(template=template, tokens=_names(text)), [])


def _encode_regex(given: Given) -> str:
    return str(re2.escape(encode_text(given)))


# What they share


def _names(text: Text) -> tuple[str, ...]:
    return tuple(dict.fromkeys(token.name for token in text.tokens))


def _unparsable(text: Text, language: str, at: int) -> Problem:
    message = (
        f"This {language} can't be read from character {at + 1} on. Compare it with an example."
    )
    return text.problem("path-syntax", message, (at, len(text.text)))


def _open_quote(before: str, *, escapes: bool) -> str | None:
    """Return the quote mark that is open after *before*, if one is."""
    quote_mark, escaped = "", False
    for character in before:
        if escaped:
            escaped = False
        elif quote_mark and escapes and character == "\\":
            escaped = True
        elif quote_mark:
            quote_mark = "" if character == quote_mark else quote_mark
        elif character in "'\"":
            quote_mark = character
    return quote_mark or None
