"""Reads a step's response: not found, failed, not ready yet, and the extracted values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from billhook.engine.answer.conditions import Condition
from billhook.engine.answer.content import Content
from billhook.engine.answer.extract import Extract
from billhook.engine.answer.paths import looks_inside
from billhook.engine.answer.status import judge_failure
from billhook.engine.errors import DocumentNotFound, SourceSaidNo
from billhook.engine.http_status import NOT_FOUND, SUCCESS
from billhook.engine.tokens.values import Given, Values

_NOT_READY: Final = frozenset({404, 409, 425})
"""Statuses with which sources say that a document isn't made yet, while it is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The parts of a step that concern its response.

    Any of ``not_found_when`` means *not found*; without any, the statuses 404 and 410 do. All of
    ``success_when`` have to hold; where one of them is about the status, it alone judges that.
    """

    not_found_when: tuple[Condition, ...] = ()
    success_when: tuple[Condition, ...] = ()
    extracts: tuple[Extract, ...] = ()

    @property
    def looks_inside(self) -> bool:
        """Whether the body has to be read."""
        conditions = (*self.not_found_when, *self.success_when)
        inside = any(condition.looks_inside for condition in conditions)
        return inside or any(looks_inside(extract.path) for extract in self.extracts)

    def is_not_found(self, content: Content, values: Values) -> bool:
        """Say whether the response means that there is no such document."""
        if self.not_found_when:
            return any(condition.holds(content, values) for condition in self.not_found_when)
        return content.status in NOT_FOUND

    def judge(self, content: Content, values: Values) -> None:
        """Raise DocumentNotFound, SourceSaidNo or a status' error unless the response is good."""
        if self.is_not_found(content, values):
            raise DocumentNotFound
        if not any(condition.statuses for condition in self.success_when):
            judge_failure(content.status)
        if not all(condition.holds(content, values) for condition in self.success_when):
            raise SourceSaidNo

    def take(self, content: Content, values: Values) -> Mapping[str, Given]:
        """Judge the response, and return the values taken out of it."""
        self.judge(content, values)
        return {extract.token: extract.take(content, values) for extract in self.extracts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A step is sent again, ``pause`` seconds later, until all of ``when`` hold."""

    when: tuple[Condition, ...]
    pause: float
    times: int

    def is_over(
        self, reading: Reading, content: Content, values: Values, *, ends_if_missing: bool
    ) -> bool:
        """Say whether the step needn't be sent again: it is ready, or waiting won't help.

        A status that says *not found* may mean *not yet*, unless *ends_if_missing*.
        """
        if all(condition.holds(content, values) for condition in self.when):
            return True
        if (reading.not_found_when or ends_if_missing) and reading.is_not_found(content, values):
            return True
        return content.status not in SUCCESS and content.status not in _NOT_READY
