"""Commands and their steps for the editor's templates: what may stand where, and what is open."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from billhook.engine.command.compile_request import METHODS_WITH_BODY
from billhook.engine.tokens.catalogue import COMMANDS, SYSTEM_TOKENS, CatalogueCommand, TokenInfo
from billhook.portal.editor.form_rows import AnswerRow, CommandRow, ExtractRow, StepRow
from billhook.portal.editor.row_views import Mistakes, RowView
from billhook.portal.editor.rows import Row

MAX_NESTING: Final = 3
"""How deep steps may stand in the steps that are sent when there is nothing."""
_LIMITS: Final = ("accept", "timeout", "max_bytes", "retries", "redirects", "tokens")
Tokens = tuple[TokenInfo, ...]


class ExtractView(RowView):
    """A value that is taken out of an answer."""

    def __init__(self, row: ExtractRow, id_: str, mistakes: Mistakes) -> None:
        super().__init__(row, id_, mistakes)
        self.extract = row

    @property
    def is_special(self) -> bool:
        """Whether it isn't taken as usual."""
        row, usual = self.extract, ExtractRow()
        keys = ("none", "many", "secret", "url")
        return any(
            getattr(row, key) != getattr(usual, key) or self.mistakes.of(f"{self.id}-{key}")
            for key in keys
        )


class AnswerView(RowView):
    """Where the document is."""

    def __init__(self, row: AnswerRow, id_: str, mistakes: Mistakes) -> None:
        super().__init__(row, id_, mistakes)
        self.answer = row

    @property
    def has_facts(self) -> bool:
        """Whether its name or type is configured."""
        return bool(self["name"].is_open or self["type"].is_open)


class StepView(RowView):
    """A step with all its fields. ``known`` are the tokens that its texts may hold."""

    def __init__(
        self, step: StepRow, id_: str, mistakes: Mistakes, known: Tokens, *, depth: int = 0
    ) -> None:
        super().__init__(step, id_, mistakes)
        self.step = step
        self._known = known
        self.depth = depth

    def inside(self, row: Row, id_: str) -> RowView:
        """Return the view of a row in this one."""
        if isinstance(row, ExtractRow):
            return ExtractView(row, id_, self.mistakes)
        return super().inside(row, id_)

    @property
    def unused_in_session(self) -> list[tuple[str, str]]:
        """What a request that opens a session has no use for, as hidden fields."""
        keys = ("name", "authentication", "side_effects", "repeatable", "pause", "times")
        boxes = (self[key] for key in keys)
        return [(box.id, box.text) for box in boxes if box.text]

    @property
    def takes_body(self) -> bool:
        """Whether the method takes a body, or one was typed."""
        return self.step.method in METHODS_WITH_BODY or bool(self.step.body)

    @property
    def content_type(self) -> str:
        """What the Content-Type row says."""
        named = [row.value for row in self.step.headers if row.name.lower() == "content-type"]
        return named[0] if named else ""

    @property
    def offered(self) -> Tokens:
        """The tokens that may stand in its texts, the likeliest first."""
        return (*derived_tokens(self.step), *self._known)

    @property
    def inner(self) -> list[StepView]:
        """The steps that are sent when this one finds nothing."""
        views: list[StepView] = []
        known = self.offered
        for index, step in enumerate(self.step.inner):
            id_ = f"{self.id}-inner-{index}"
            views.append(StepView(step, id_, self.mistakes, known, depth=self.depth + 1))
            known = (*given_tokens(step), *known)
        return views

    @property
    def may_nest(self) -> bool:
        """Whether steps may stand in it."""
        return self.depth < MAX_NESTING

    @property
    def has_meaning(self) -> bool:
        """Whether conditions say what its answer means, or one is wrong."""
        return self.lists["success"].is_open or self.lists["missing"].is_open

    @property
    def is_special(self) -> bool:
        """Whether it isn't signed in, repeated or not repeated as usual."""
        step = self.step
        return (
            bool(step.authentication or step.side_effects or step.repeatable or step.compressed)
            or step.breaks != "lf"
        )

    @property
    def has_more(self) -> bool:
        """Whether there is anything about it beyond its request."""
        names = ("derives", "extracts", "success", "missing", "ready", "inner")
        return self.is_special or any(self.lists[name].is_open for name in names)


class CommandView(RowView):
    """A command with all its fields."""

    def __init__(self, row: CommandRow, id_: str, mistakes: Mistakes, known: Tokens) -> None:
        super().__init__(row, id_, mistakes)
        self.command = row
        self.index = int(id_.rpartition("-")[2])
        self._known = known

    @property
    def known(self) -> CatalogueCommand | None:
        """What the catalogue says of the command, if it knows it."""
        return COMMANDS.get(self.command.name)

    @cached_property
    def steps(self) -> list[StepView]:
        """The steps in their order: each may use what those before it give."""
        views: list[StepView] = []
        known = self._offered
        for index, step in enumerate(self.command.steps):
            views.append(StepView(step, f"{self.id}-step-{index}", self.mistakes, known))
            known = (*given_tokens(step, self.command.name), *known)
        return views

    @property
    def _offered(self) -> Tokens:
        own = (
            TokenInfo(name=name, meaning="A token of this command.", example="")
            for name in self.command.tokens.replace(",", " ").split()
        )
        known = self.known.tokens if self.known else ()
        return (*self._known, *known, *own, *SYSTEM_TOKENS)

    @property
    def answer(self) -> AnswerView:
        """Where the document is in the last answer."""
        return AnswerView(self.command.answer, f"{self.id}-answer", self.mistakes)

    @property
    def last_step(self) -> str:
        """The id of the last step, whose tokens the answer may use."""
        return f"{self.id}-step-{max(0, len(self.command.steps) - 1)}"

    @property
    def is_plain(self) -> bool:
        """Whether it is one request without a name, and its answer is the document."""
        return self.has_one_step and not (self.steps[0].has_more or self.answer.is_open)

    @property
    def has_one_step(self) -> bool:
        """Whether it is one request without a name."""
        return len(self.command.steps) == 1 and not self.command.steps[0].name

    @property
    def has_limits_open(self) -> bool:
        """Whether something under Limits is wrong or isn't as by default."""
        usual = CommandRow()
        return any(
            self[name].is_wrong or self[name].text != getattr(usual, name) for name in _LIMITS
        )


def given_tokens(step: StepRow, command: str = "") -> Tokens:
    """Return what *step* gives to those after it."""
    name = step.name or command
    taken = (
        TokenInfo(
            name=f"{name}.{row.name}",
            meaning=f"What {name} takes out of its answer.",
            kind="secret" if row.secret else "text",
            example="",
        )
        for row in step.extracts
        if row.name
    )
    return (*taken, *derived_tokens(step, command))


def derived_tokens(step: StepRow, command: str = "") -> Tokens:
    """Return what *step* makes of other tokens before it is sent."""
    name = step.name or command
    return tuple(
        TokenInfo(name=f"{name}.{row.name}", meaning="Made of other tokens.", example="")
        for row in step.derives
        if row.name and name
    )
