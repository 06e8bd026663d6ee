"""Reads a step's response: not found, failed, not ready yet, and the extracted values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from billhook.engine.answer.conditions import Condition
from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.effort import ReadingPlan, Weighed, joined
from billhook.engine.answer.extract import Extract
from billhook.engine.answer.paths import Path
from billhook.engine.answer.status import judge_failure
from billhook.engine.errors import BillhookError, DocumentNotFound, SourceSaidNo, WebPageInstead
from billhook.engine.http_status import NOT_FOUND, SUCCESS
from billhook.engine.tokens.values import Given, Values

_OK: Final = 200
_NOT_READY: Final = frozenset({404, 409, 425})
"""Statuses with which sources say that a document isn't made yet, while it is asked for again."""
_PASSWORD_FIELD: Final = re.compile(
    r"""<input\b[^<>]{0,1000}\btype\s*=\s*["']?password\b""", re.IGNORECASE
)
_LONGEST_REASON: Final = 300
_TAG: Final = re.compile(r"<[^<>]{0,500}>")
"""A tag of HTML, in which some sources write their reasons."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The parts of a step that concern its response.

    Any of ``not_found_when`` means *not found*; without any, the statuses 404 and 410 do. All of
    ``success_when`` have to hold; where one of them is about the status, it alone judges that.
    """

    not_found_when: tuple[Condition, ...] = ()
    success_when: tuple[Condition, ...] = ()
    extracts: tuple[Extract, ...] = ()
    reason: Path | None = None

    def plan_for(self, status: int) -> ReadingPlan:
        """Return the plan of reading a response with this *status*.

        The source's reason is looked for only where something can fail: not in a plain document.
        """
        parts: list[Weighed] = [*self.not_found_when, *self.success_when, *self.extracts]
        if self.reason is not None and (parts or status != _OK):
            parts.append(self.reason)
        return joined(*parts)

    def is_not_found(self, content: Content, values: Values) -> bool:
        """Say whether the response means that there is no such document."""
        if self.not_found_when:
            return any(condition.holds(content, values) for condition in self.not_found_when)
        return content.status in NOT_FOUND

    def _says_not_found(self, content: Content, values: Values) -> bool:
        """Return whether the response says it with more than its status."""
        inside = (each for each in self.not_found_when if not each.statuses)
        return any(condition.holds(content, values) for condition in inside)

    def judge(self, content: Content, values: Values) -> None:
        """Raise DocumentNotFound, SourceSaidNo or a status' error unless the response is good."""
        if self.is_not_found(content, values):
            is_said = self._says_not_found(content, values)
            raise DocumentNotFound(None if is_said else content.status)
        if not any(condition.statuses for condition in self.success_when):
            judge_failure(content.status)
        if not all(condition.holds(content, values) for condition in self.success_when):
            raise SourceSaidNo

    def take(self, content: Content, values: Values) -> Mapping[str, Given]:
        """Judge the response, and return the values taken out of it.

        An error has the source's own reason, if the response gives one.
        """
        try:
            self.judge(content, values)
            return {extract.token: extract.take(content, values) for extract in self.extracts}
        except BillhookError as error:
            error.source_reason = reason_in(content, self.reason, values)
            raise


PLAIN: Final = Reading()
"""The reading of a response for which nothing is configured."""


def take_session(
    reading: Reading, content: Content, values: Values, *, refuses_form: bool
) -> Mapping[str, Given]:
    """Return the values in the response to a request that opens a session, of whatever status.

    Raises SourceSaidNo unless the response is good, and with *refuses_form* WebPageInstead for a
    login form: in response to a login form, it says that the password is wrong.
    """
    try:
        if not all(condition.holds(content, values) for condition in reading.success_when):
            raise SourceSaidNo
        if refuses_form and _PASSWORD_FIELD.search(content.text()):
            raise WebPageInstead
        return {extract.token: extract.take(content, values) for extract in reading.extracts}
    except BillhookError as error:
        error.source_reason = session_reason(reading, content, values)
        raise


def session_reason(reading: Reading, content: Content, values: Values) -> str:
    """Return the source's own reason why it opened no session; nothing if it gave part of one."""
    if any(extract.is_in(content, values) for extract in reading.extracts):
        return ""
    return reason_in(content, reading.reason, values)


def reason_in(content: Content, path: Path | None, values: Values) -> str:
    """Return the sentence at *path*, in one line and not too long; or nothing."""
    if path is None:
        return ""
    try:
        found = path.find(content, values)
    except Unreadable:
        return ""
    texts = (_TAG.sub(" ", each) for each in found if isinstance(each, str))
    lines = (" ".join(_CONTROL.sub(" ", text).split()) for text in texts)
    line = next((line for line in lines if line), "")
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}…"


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
