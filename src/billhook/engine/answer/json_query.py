"""JSONPath (RFC 9535) that can't run away, whatever the path and whatever the response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import jsonpath_rfc9535
import re2
from jsonpath_rfc9535 import JSONPathNode
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction
from jsonpath_rfc9535.segments import JSONPathRecursiveDescentSegment

from billhook.engine.answer.formats.json_text import read_json

MAX_STEPS: Final = 200_000
"""So many places of a response are passed through in all; a path that leads to more is too wide."""
JSONPathError = jsonpath_rfc9535.JSONPathError
JSONPathQuery = jsonpath_rfc9535.JSONPathQuery


class TooWide(Exception):
    """A path leads to more places of a response than are looked at."""


class _Regex(FilterFunction):
    """``match`` and ``search`` with RE2, where the library's own may take for ever (CWE-1333)."""

    arg_types: Final = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    def __call__(self, text: object, pattern: object) -> bool:
        """Say whether *text* fits; what is no text, or no pattern, doesn't (RFC 9535, 2.4.6)."""
        if not isinstance(text, str) or not isinstance(pattern, str):
            return False
        try:
            compiled = compile_regex(_without_line_ends(pattern))
        except re2.error:
            return False
        find = compiled.fullmatch if self._whole else compiled.search
        return find(text) is not None


class _Environment(jsonpath_rfc9535.JSONPathEnvironment):
    """The library's, with those two functions."""

    def setup_function_extensions(self) -> None:
        """Take the place of the library's ``match`` and ``search``."""
        super().setup_function_extensions()
        self.function_extensions["match"] = _Regex(whole=True)
        self.function_extensions["search"] = _Regex(whole=False)


_ENVIRONMENT: Final = _Environment()


def compile_json(text: str) -> JSONPathQuery:
    """Compile *text*; raise JSONPathError, with the offset in its token, where it is no path."""
    return _ENVIRONMENT.compile(text)


def find_all(query: JSONPathQuery, document: Any) -> Iterator[Any]:
    """Give the values of all nodes, in order; raise TooWide, and what the library raises.

    A segment that follows a text goes into it if that is JSON, such as the ``d`` of ASP.NET. Texts
    that a search with ``..`` passes are never opened: customers write some of them.
    """
    root = JSONPathNode(value=document, location=(), parent=None, root=document)
    steps = iter(range(MAX_STEPS))
    texts = _JsonTexts()
    nodes: Iterable[JSONPathNode] = [root]
    is_search = False
    for segment in query.segments:
        nodes = nodes if is_search else map(texts.opened, nodes)
        nodes = _counted(segment.resolve(nodes), steps)
        is_search = isinstance(segment, JSONPathRecursiveDescentSegment)
    return (node.value for node in nodes)


class _JsonTexts:
    """Texts that hold JSON, each of them parsed once."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def opened(self, node: JSONPathNode) -> JSONPathNode:
        """Return *node* with the value that its text holds, if it is an object or list of JSON."""
        text = node.value
        if not isinstance(text, str) or text.lstrip()[:1] not in {"{", "["}:
            return node
        if text not in self._values:
            self._values[text] = self._read(text)
        value = self._values[text]
        return JSONPathNode(value=value, location=node.location, parent=None, root=node.root)

    def _read(self, text: str) -> Any:
        try:
            return read_json(text)
        except (ValueError, RecursionError):
            return text


def _counted(nodes: Iterable[Any], steps: Iterator[int]) -> Iterator[Any]:
    for node in nodes:
        if next(steps, None) is None:
            raise TooWide
        yield node


def compile_regex(pattern: str) -> Any:
    """Compile *pattern* with RE2, which can't run away and logs nothing; raise re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return re2.compile(pattern, options)


def _without_line_ends(pattern: str) -> str:
    """Return *pattern* with dots that stand for no end of a line (RFC 9485, 5.3)."""
    written, is_escaped, in_class = "", False, False
    for character in pattern:
        bare = not is_escaped and not in_class
        written += r"[^\n\r]" if character == "." and bare else character
        if not is_escaped:
            in_class = character == "[" or (in_class and character != "]")
        is_escaped = character == "\\" and not is_escaped
    return written
