"""Compiles the parts of a step about its response: finds each problem and its remedy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from billhook.engine.answer.conditions import Condition, compile_condition
from billhook.engine.answer.extract import Extract, compile_extract
from billhook.engine.answer.inside import is_selector
from billhook.engine.answer.paths import Path, compile_path
from billhook.engine.answer.place import (
    BASE64,
    BODY,
    LINK,
    PART,
    URL,
    ZIP,
    AnswerPlace,
    Fact,
)
from billhook.engine.answer.reading import Reading, Repeat
from billhook.engine.answer.unwrapping import check_pattern
from billhook.engine.config import (
    AnswerConfig,
    ConditionConfig,
    FactConfig,
    PathConfig,
    RepeatConfig,
    StepConfig,
)
from billhook.engine.errors import Problem
from billhook.engine.slots.form import compile_text
from billhook.engine.tokens.catalogue import nearest
from billhook.engine.tokens.text import Scope, read_text

MAX_PAUSE: Final = 60.0
MAX_TIMES: Final = 200
MAX_CONDITIONS: Final = 20
_KINDS: Final = (BODY, BASE64, URL, ZIP, PART, LINK)
_PATHS: Final = {BASE64: ("json", "xpath", "regex"), URL: (), LINK: ()}


@dataclass(slots=True, kw_only=True)
class AnswerDraft:
    """The rules of a step for its response, being compiled. ``uses`` are the names in its paths."""

    where: str
    not_found_when: list[Condition] = field(default_factory=list)
    success_when: list[Condition] = field(default_factory=list)
    extracts: list[Extract] = field(default_factory=list)
    reason: Path | None = None
    repeat: Repeat | None = None
    place: AnswerPlace | None = None
    uses: dict[str, None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def reading(self) -> Reading:
        """Return the parts, compiled."""
        return Reading(
            not_found_when=tuple(self.not_found_when),
            success_when=tuple(self.success_when),
            extracts=tuple(self.extracts),
            reason=self.reason,
        )

    def take(self, config: StepConfig, step: str, scope: Scope) -> None:
        """Compile everything in *config* about the response, except the document's location."""
        self.not_found_when = self._conditions(config.not_found_when, "not_found_when", scope)
        self.success_when = self._conditions(config.success_when, "success_when", scope)
        self._take_extracts(config, step, scope)
        self.reason = self._path(config.reason, f"{self.where}.reason", scope)
        if config.repeat_until is not None:
            self._take_repeat(config.repeat_until, scope)

    def _conditions(
        self, configs: tuple[ConditionConfig, ...], key: str, scope: Scope
    ) -> list[Condition]:
        where = f"{self.where}.{key}"
        if len(configs) > MAX_CONDITIONS:
            message = f"There may be at most {MAX_CONDITIONS} conditions."
            self._complain("too-many", message, where)
        conditions = []
        for index, config in enumerate(configs):
            condition, problems = compile_condition(config, f"{where}[{index}]", scope)
            self.problems += problems
            if condition is not None:
                conditions.append(condition)
                self._note_path(condition.path)
        return conditions

    def _note_path(self, path: Path | None) -> None:
        if path is not None:
            self.uses |= dict.fromkeys(path.tokens)

    def _take_extracts(self, config: StepConfig, step: str, scope: Scope) -> None:
        for typed in config.extract:
            where = f"{self.where}.extract.{typed.name}"
            extract, problems = compile_extract(typed, step, where, scope)
            self.problems += problems
            if extract is not None:
                self.extracts.append(extract)
                self._note_path(extract.path)

    def _take_repeat(self, config: RepeatConfig, scope: Scope) -> None:
        where = f"{self.where}.repeat_until"
        when = self._conditions(config.when, "repeat_until.when", scope)
        if not config.when:
            message = "Say when it is over: when = [{ … }] with one condition at least."
            self._complain("missing-key", message, where)
        if not 0 <= config.pause <= MAX_PAUSE or math.isnan(config.pause):
            message = f"pause is a number of seconds from 0 to {MAX_PAUSE:g}."
            self._complain("invalid-value", message, f"{where}.pause")
        if not 1 <= config.times <= MAX_TIMES:
            message = f"times is a whole number from 1 to {MAX_TIMES}."
            self._complain("invalid-value", message, f"{where}.times")
        self.repeat = Repeat(when=tuple(when), pause=config.pause, times=config.times)

    def take_place(self, config: AnswerConfig, scope: Scope) -> None:
        """Compile where the document is."""
        where = f"{self.where}.answer"
        self.problems += _place_problems(config, where)
        path = self._path(config.path, f"{where}.{config.kind}", scope)
        name = self._fact(config.name, f"{where}.name", scope)
        type_ = self._fact(config.type, f"{where}.type", scope)
        self.place = AnswerPlace(
            kind=config.kind,
            path=path,
            pattern=config.pattern,
            authenticate=config.authentication,
            name=name,
            type=type_,
        )

    def _path(self, config: PathConfig | None, where: str, scope: Scope) -> Path | None:
        if config is None:
            return None
        path, problems = compile_path(config, where, scope)
        self.problems += problems
        self._note_path(path)
        return path

    def _fact(self, config: FactConfig | None, where: str, scope: Scope) -> Fact | None:
        if config is None:
            return None
        if (config.path is None) == (not config.template):
            message = "It is at a path, or made by a template. Give one of the two."
            self._complain("fact-source", message, where)
            return None
        if config.path is not None:
            return Fact(path=self._path(config.path, where, scope))
        text = read_text(config.template, where, scope)
        self.problems += text.problems
        template, problems = (None, []) if text.is_broken else compile_text(text, scope)
        self.problems += problems
        self.uses |= dict.fromkeys(token.name for token in text.tokens)
        return Fact(template=template)

    def _complain(self, code: str, message: str, where: str) -> None:
        self.problems.append(Problem(code=code, message=message, where=where))


def _place_problems(config: AnswerConfig, where: str) -> Iterator[Problem]:
    if config.kind not in _KINDS:
        near = nearest(config.kind, _KINDS)
        message = f"The document is in one of {', '.join(_KINDS)}."
        yield Problem(code="unknown-choice", message=message, where=where, suggestion=near)
    kinds = _PATHS.get(config.kind, ())
    if kinds and config.path is not None and config.path.kind not in kinds:
        message = f"A document is too large for a {config.path.kind}. Use {' or '.join(kinds)}."
        yield Problem(code="answer-place", message=message, where=f"{where}.{config.kind}")
    if config.kind == ZIP and not check_pattern(config.pattern):
        message = (
            "A pattern names one file of the zip, in whatever folder: *.pdf or invoice-*.pdf, "
            "without a slash."
        )
        yield Problem(code="zip-pattern", message=message, where=f"{where}.zip")
    elif config.kind == ZIP and "{{" in config.pattern:
        message = (
            "A pattern has no tokens: it would look for a file with these braces in its name. "
            "Write * where the name changes, such as *.pdf."
        )
        yield Problem(code="zip-pattern", message=message, where=f"{where}.zip")
    if config.kind == PART and not is_selector(config.pattern):
        message = (
            "A part is named by its position, 2 for example, its type, application/pdf, or its "
            "Content-ID, cid:invoice@example.com. Write one of them."
        )
        yield Problem(code="part-selector", message=message, where=f"{where}.part")
    if config.authentication and config.kind != URL:
        message = "authentication goes with a url: it sends the credentials there. Remove it."
        yield Problem(code="misplaced-key", message=message, where=f"{where}.authentication")
    if config.kind == LINK and (config.name or config.type):
        message = "A link is a web page for the contact: it has no name and no type. Remove them."
        yield Problem(code="misplaced-key", message=message, where=where)
