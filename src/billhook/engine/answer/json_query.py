"""JSONPath (RFC 9535) that can't run away, whatever the path and whatever the response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import jsonpath_rfc9535
import re2
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction

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
    """Give the values of all nodes, in order; raise TooWide, and what the library raises."""
    root = jsonpath_rfc9535.JSONPathNode(value=document, location=(), parent=None, root=document)
    steps = iter(range(MAX_STEPS))
    nodes: Iterable[Any] = [root]
    for segment in query.segments:
        nodes = _counted(segment.resolve(nodes), steps)
    return (node.value for node in nodes)


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
