"""Compiles paths and conditions in a row; the rows' own kind decides which paths they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from billhook.engine.answer.conditions import Condition, compile_comparison, compile_condition
from billhook.engine.answer.paths import JsonPath, Path, XmlPath, compile_path
from billhook.engine.answer.rows.page import RowCondition
from billhook.engine.answer.rows.row_path import ColumnPath, JsonRowPath, RowPath, XmlRowPath
from billhook.engine.config import ConditionConfig, PathConfig
from billhook.engine.errors import Problem
from billhook.engine.slots.form import compile_text
from billhook.engine.tokens.catalogue import nearest
from billhook.engine.tokens.template import Template
from billhook.engine.tokens.text import Scope, read_text
from billhook.engine.tokens.values import Given, Values

JSON: Final = "json"
XPATH: Final = "xpath"
COLUMN: Final = "column"
_EXAMPLES: Final = {
    JSON: 'The rows are JSON: write a JSONPath such as "$.id".',
    XPATH: 'The rows are XML: write { xpath = "ID" }.',
    COLUMN: 'The rows are lines of a CSV file: write { column = "No" }.',
}
_NOTHING: Final = Values({})
MAX_CONDITIONS: Final = 20


@dataclass(slots=True, kw_only=True)
class RowScope:
    """Compiles what looks into rows of one *kind*: json, xpath or column.

    ``scope`` has the integration's variables alone. Problems are added to ``problems``.
    """

    kind: str
    scope: Scope
    problems: list[Problem] = field(default_factory=list)

    def report(self, code: str, message: str, where: str, suggestion: str | None = None) -> None:
        """Add a problem."""
        self.problems.append(
            Problem(code=code, message=message, where=where, suggestion=suggestion)
        )

    def check_choice(self, value: str, choices: tuple[str, ...], where: str) -> bool:
        """Report *value* unless it is one of *choices*."""
        if value in choices:
            return True
        known = ", ".join(f'"{each}"' for each in choices if each)
        near = nearest(value, choices)
        self.report("unknown-choice", f"This is one of {known}.", where, near or None)
        return False

    def path(self, config: PathConfig, where: str) -> RowPath | None:
        """Compile a path in the row."""
        if config.kind != self.kind:
            self.report("path-kind", _EXAMPLES[self.kind], where)
            return None
        if config.kind == COLUMN:
            if not config.text.strip():
                self.report("empty-path", "There is no column here. Write its name.", where)
            return ColumnPath(config.text)
        if config.kind == XPATH and config.text.lstrip().startswith("/"):
            message = "A path in a row begins at the row: remove the / at its beginning."
            self.report("path-not-relative", message, where)
            return None
        return self.whole_path(config, where)

    def whole_path(self, config: PathConfig, where: str) -> JsonRowPath | XmlRowPath | None:
        """Compile a JSONPath or XPath that begins at the whole response, or is a row's."""
        path, problems = compile_path(config, where, self.scope)
        self.problems += problems
        if isinstance(path, JsonPath):
            return JsonRowPath(path.template.fill(_NOTHING))
        if isinstance(path, XmlPath):
            filled = tuple((name, template.fill(_NOTHING)) for name, template in path.variables)
            return XmlRowPath(path.expression, path.namespaces, filled)
        return None

    def page_path(self, config: PathConfig | None, where: str) -> Path | None:
        """Compile a path in the page, or a header of it."""
        if config is None:
            return None
        path, problems = compile_path(config, where, self.scope)
        self.problems += problems
        return path

    def page_conditions(
        self, configs: tuple[ConditionConfig, ...], where: str
    ) -> tuple[Condition, ...]:
        """Compile conditions on the page."""
        found = []
        for index, config in enumerate(configs[:MAX_CONDITIONS]):
            condition, problems = compile_condition(config, f"{where}[{index}]", self.scope)
            self.problems += problems
            found += [condition] if condition is not None else []
        return tuple(found)

    def conditions(
        self, configs: tuple[ConditionConfig, ...], where: str
    ) -> tuple[RowCondition, ...]:
        """Compile conditions on a row."""
        if len(configs) > MAX_CONDITIONS:
            self.report("too-many", f"There may be at most {MAX_CONDITIONS} conditions.", where)
        found = []
        for index, config in enumerate(configs[:MAX_CONDITIONS]):
            place = f"{where}[{index}]"
            if config.path is None or config.status or config.body_contains:
                message = "A condition on a row looks at a path in the row, and at nothing else."
                self.report("condition-subject", message, place)
                continue
            path = self.path(config.path, place)
            comparison, problems = compile_comparison(config, place)
            self.problems += problems
            if path is not None and comparison is not None:
                found.append(RowCondition(path=path, comparison=comparison))
        return tuple(found)

    def text(self, text: str, where: str) -> str:
        """Return *text* with the integration's variables filled in; it may have no other token."""
        template = self.template(text, where, {})
        return "" if template is None else template.fill(_NOTHING)

    def template(self, text: str, where: str, names: Mapping[str, object]) -> Template | None:
        """Compile a text with the integration's variables, and the tokens *names*."""
        taken = names.keys()
        variables: dict[str, Given] = {
            name: given for name, given in self.scope.variables.items() if name not in taken
        }
        scope = replace(self.scope, variables=variables, tokens=frozenset(names))
        read = read_text(text, where, scope)
        self.problems += read.problems
        if read.is_broken or read.problems:
            return None
        template, problems = compile_text(read, scope)
        self.problems += problems
        return template
