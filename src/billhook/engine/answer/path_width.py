"""Paths that would search a response again and again, which could take for ever: found when saved.

A search of the whole response takes time as the response is large; one inside another its square.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from billhook.engine.errors import Problem
from billhook.engine.tokens.text import Text

MAX_SEARCHES: Final = 3
MAX_ALTERNATIVES: Final = 12
MOST_ELEMENTS: Final = 1_000
"""A response of so many elements is searched more than once by one path, a larger one is not."""
MOST_BYTES: Final = 50_000
"""The same for JSON, in bytes."""
_AXIS: Final = re.compile(r"(?:ancestor|following|preceding|descendant)[a-z-]*\s*::")
_ABSOLUTE: Final = re.compile(r"(?:[\[(,=<>!+|*-]|\b(?:and|or|div|mod))\s*/")
_CALL: Final = re.compile(r"([\w.:-]+)\s*\(")
_NAME_OF_PREFIX: Final = re.compile(r"[^\W\d][\w.-]*")
_PREFIX: Final = re.compile(r"(?<![\w.-])([^\W\d][\w.-]*):(?!:)")
_FUNCTIONS: Final = """
last position count id local-name namespace-uri name string concat starts-with contains
substring-before substring-after substring string-length normalize-space translate boolean not true
false lang number sum floor ceiling round
"""  # XPath 1.0, 4
_NO_FUNCTIONS: Final = "comment text processing-instruction node and or div mod"
_MAY_STAND_BEFORE_BRACKET: Final = frozenset([*_FUNCTIONS.split(), *_NO_FUNCTIONS.split()])


def json_problems(text: Text, shape: str) -> Iterator[Problem]:
    """Yield a problem for each search in the JSONPath *shape* that could take too long."""
    bare = bare_shape(shape, escapes=True)
    yield from _in_filters(text, bare, ("..", "$"), "?")
    if bare.count("..") > MAX_SEARCHES:
        yield _too_many(text, "..")
    at = _comma_in_filter(bare)
    if at is not None:
        message = "Several things in one [ ] inside a filter may take too long. Keep one of them."
        yield text.problem("path-too-wide", message, (at, at + 1))


def _comma_in_filter(bare: str) -> int | None:
    """Find a list inside a filter: [0,0][0,0] and so on doubles the work with each step."""
    inside = dict(_inside_filters(bare, "?"))
    open_brackets: list[str] = []
    for index, character in enumerate(bare):
        if character in "[(":
            open_brackets.append("[" if character == "[" and index - 1 in inside else "(")
        elif character in "])" and open_brackets:
            open_brackets.pop()
        elif character == "," and open_brackets[-1:] == ["["] and index in inside:
            return index
    return None


def xpath_problems(text: Text, shape: str, namespaces: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each slow search and each unknown name in the XPath *shape*."""
    bare = bare_shape(shape)
    yield from _in_filters(text, bare, ("//", "::"), "[")
    if xpath_searches(bare) > MAX_SEARCHES or bare.count("//") > MAX_ALTERNATIVES:
        yield _too_many(text, "//, an axis, or in [ ] what begins with / or ..")
    yield from _unknown_names(text, bare, namespaces)


def _unknown_names(text: Text, bare: str, namespaces: Mapping[str, str]) -> Iterator[Problem]:
    for prefix, uri in namespaces.items():
        if not _NAME_OF_PREFIX.fullmatch(prefix) or not uri:
            message = f'"{prefix}" needs letters and digits, and a URI: s = "urn:example".'
            yield text.problem("path-syntax", message, (0, 0))
    for match in _CALL.finditer(bare):
        if match[1].rpartition("::")[2] not in _MAY_STAND_BEFORE_BRACKET:
            message = f"XPath 1.0 has no function {match[1]}. Use another one."
            yield text.problem("path-syntax", message, match.span(1))
    for match in _PREFIX.finditer(bare):
        if match[1] not in {"xml", *namespaces}:
            message = f'There is no namespace for {match[1]}: here. Give one to "{match[1]}".'
            yield text.problem("path-syntax", message, match.span(1))
    if "$" in bare:
        at = bare.index("$")
        message = "An XPath here has no variables. Put a token between quotes instead."
        yield text.problem("path-syntax", message, (at, at + 1))


def xpath_searches(bare: str) -> int:
    """Count how often an XPath looks at a large part of the response; of alternatives, the most."""
    return max(_searches(each) for each in _alternatives(bare))


def _searches(bare: str) -> int:
    filters = "".join(character for _, character in _inside_filters(bare, "["))
    again = len(_AXIS.findall(bare)) + filters.count("..") + len(_ABSOLUTE.findall(filters))
    return bare.count("//") + again + (1 if again else 0)


def _alternatives(bare: str) -> list[str]:
    """Split an XPath into its alternatives, except those inside a filter."""
    inside = {index for index, _ in _inside_filters(bare, "[")}
    ends = [
        index for index, character in enumerate(bare) if character == "|" and index not in inside
    ]
    return [bare[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]


def bare_shape(shape: str, *, escapes: bool = False) -> str:
    """Return *shape* with quotes and all between them blanked out."""
    bare, quote_mark, is_escaped = "", "", False
    for character in shape:
        is_quoted = bool(quote_mark) or character in "'\""
        if quote_mark and character == quote_mark and not is_escaped:
            quote_mark = ""
        elif not quote_mark and is_quoted:
            quote_mark = character
        bare += " " if is_quoted else character
        is_escaped = escapes and is_quoted and character == "\\" and not is_escaped
    return bare


def _too_many(text: Text, what: str) -> Problem:
    message = (
        f"This path searches the response too often: {what}. Name more of the way to the value."
    )
    return text.problem("path-too-wide", message, (0, len(text.text)))


def _in_filters(
    text: Text, bare: str, searches: Collection[str], filter_mark: str
) -> Iterator[Problem]:
    """Refuse a search of the whole response inside a filter: its cost grows with the square."""
    inside = {index for index, _ in _inside_filters(bare, filter_mark)}
    found = [
        (index, search) for search in searches for index in inside if bare.startswith(search, index)
    ]
    if found:
        at, search = min(found)
        named = "An axis" if search == "::" else search
        message = f"{named} isn't allowed inside [ ]: that would take too long."
        yield text.problem("path-too-wide", message, (at, at + len(search)))


def _inside_filters(bare: str, filter_mark: str) -> Iterator[tuple[int, str]]:
    """Give every character inside the brackets of a filter, and its offset; the brackets, too."""
    brackets: list[bool] = []
    for index, character in enumerate(bare):
        if character == "[":
            is_filter = filter_mark == "[" or bare[index + 1 :].lstrip().startswith(filter_mark)
            brackets.append(is_filter)
        if any(brackets):
            yield index, character
        if character == "]" and brackets:
            brackets.pop()
