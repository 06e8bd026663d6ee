"""Facts about a response that decide how it is read: ``success_when``, ``not_found_when``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import re2

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.effort import UNBOUNDED, weight_of
from billhook.engine.answer.json_query import compile_regex
from billhook.engine.answer.paths import Found, Path, compile_path
from billhook.engine.config import ConditionConfig
from billhook.engine.errors import Problem
from billhook.engine.tokens.text import Scope
from billhook.engine.tokens.values import Values

_STATUSES: Final = range(100, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A comparison of the values found: ``kind`` is its key in the file, ``wanted`` its value."""

    kind: str
    wanted: Any

    def holds(self, found: Sequence[Found]) -> bool:
        """Say whether the values *found* compare so."""
        return _TESTS[self.kind](found, self.wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One compiled fact. Exactly one of ``statuses``, ``contains`` and ``path`` counts."""

    statuses: frozenset[int] = frozenset()
    contains: str = ""
    path: Path | None = None
    comparison: Comparison | None = None

    @property
    def tokens(self) -> tuple[str, ...]:
        """The names of the tokens that its path uses."""
        return self.path.tokens if self.path else ()

    @property
    def weight(self) -> float:
        """The effort of looking whether it holds; see :mod:`billhook.engine.answer.effort`."""
        if self.comparison is not None and self.comparison.kind == "matches":
            return UNBOUNDED
        return float(bool(self.contains)) + weight_of(self.path)

    def holds(self, content: Content, values: Values) -> bool:
        """Say whether *content* is so. What can't be read, or isn't there, isn't so."""
        if self.statuses:
            return content.status in self.statuses
        try:
            if self.contains:
                return self.contains in content.text()
            found = self.path.find(content, values) if self.path else []
        except Unreadable:
            found = []
        try:
            return self.comparison is not None and self.comparison.holds(found)
        except RecursionError:  # a list in a list in a list … that has to be written out
            return False


def any_holds(conditions: Sequence[Condition], content: Content, values: Values) -> bool:
    """Say whether one of *conditions* holds."""
    return any(condition.holds(content, values) for condition in conditions)


def compile_condition(
    config: ConditionConfig, where: str, scope: Scope
) -> tuple[Condition | None, list[Problem]]:
    """Compile *config*, or return everything that is wrong with it."""
    subjects = bool(config.status) + bool(config.body_contains) + (config.path is not None)
    if subjects != 1:
        message = "A condition looks at one thing: status, a path, or body_contains. Keep one."
        return None, [Problem(code="condition-subject", message=message, where=where)]
    if config.path is None:
        return _compile_plain(config, where)
    path, problems = compile_path(config.path, where, scope)
    comparison, test_problems = compile_comparison(config, where)
    problems = [*problems, *test_problems]
    return (None, problems) if problems else (Condition(path=path, comparison=comparison), [])


def _compile_plain(config: ConditionConfig, where: str) -> tuple[Condition | None, list[Problem]]:
    if _tests_of(config):
        message = "A comparison goes with a path. With status or body_contains, leave it out."
        return None, [Problem(code="condition-test", message=message, where=where)]
    wrong = [status for status in config.status if status not in _STATUSES]
    if wrong:
        message = f"{wrong[0]} is no status of HTTP: those go from 100 to 599."
        return None, [Problem(code="condition-status", message=message, where=where)]
    statuses = frozenset(config.status)
    return Condition(statuses=statuses, contains=config.body_contains), []


def _tests_of(config: ConditionConfig) -> dict[str, Any]:
    given = {
        "equals": config.equals,
        "not_equals": config.not_equals,
        "one_of": config.one_of or None,
        "matches": config.matches or None,
        "exists": config.exists,
    }
    return {name: value for name, value in given.items() if value is not None}


def compile_comparison(
    config: ConditionConfig, where: str
) -> tuple[Comparison | None, list[Problem]]:
    """Compile the one comparison in *config*, or return what is wrong with it."""
    given = _tests_of(config)
    if len(given) != 1:
        message = (
            "A condition with a path makes one comparison: "
            "equals, not_equals, one_of, matches or exists."
        )
        return None, [Problem(code="condition-test", message=message, where=where)]
    [(name, wanted)] = given.items()
    return Comparison(kind=name, wanted=wanted), _pattern_problems(config, f"{where}.matches")


def _pattern_problems(config: ConditionConfig, where: str) -> list[Problem]:
    try:
        compile_regex(config.matches)
    except re2.error:
        message = "This regular expression (RE2) can't be read. Compare it with an example."
        return [Problem(code="path-syntax", message=message, where=where)]
    return []


def _matches(found: Sequence[Found], pattern: str) -> bool:
    compiled = compile_regex(pattern)
    return any(compiled.search(_text(value)) for value in found)


_TESTS: Final[dict[str, Callable[[Sequence[Found], Any], bool]]] = {
    "equals": lambda found, wanted: any(_same(value, wanted) for value in found),
    "not_equals": lambda found, wanted: not any(_same(value, wanted) for value in found),
    "one_of": lambda found, wanted: any(_same(v, w) for v in found for w in wanted),
    "matches": _matches,
    "exists": lambda found, wanted: bool(found) == wanted,
}


def _same(found: Found, wanted: Found) -> bool:
    """Compare as people do: ``true`` in XML is true, and 1 is 1.0; but true is not 1."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return _text(found).casefold() == _text(wanted).casefold()
    if isinstance(found, int | float | Decimal) and isinstance(wanted, int | float):
        is_fraction = isinstance(found, Decimal) and isinstance(wanted, float)
        return (float(found) if is_fraction else found) == wanted  # no decimal is the float 1.1
    return _text(found) == _text(wanted)


def _text(value: Found) -> str:
    if isinstance(value, list | dict):  # no text, however long it would be if it were written
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
