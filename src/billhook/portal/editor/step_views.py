"""Commands and their steps for the editor's templates: offered tokens, and which folds are open."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final, Protocol

from billhook.engine.command.compile_request import METHODS_WITH_BODY
from billhook.engine.field import fields_of
from billhook.engine.integration_file.commands import MAX_NESTING
from billhook.engine.list_config import LIST_COMMANDS, LIST_KEYS, ListCommandConfig
from billhook.engine.tokens.catalogue import (
    COMMANDS,
    PAYMENT_COMMAND,
    SYSTEM_TOKENS,
    CatalogueCommand,
    TokenInfo,
)
from billhook.portal.editor.command_row import LIST_PART
from billhook.portal.editor.lists.views import ListView
from billhook.portal.editor.row_kinds import RowKind, step_kind
from billhook.portal.editor.row_views import FormProblems, Input, RowView
from billhook.portal.editor.tree import Node

Tokens = tuple[TokenInfo, ...]
_PAYMENT_HOSTS: Final = "payment_hosts"
_OF_LISTS: Final = frozenset(info.key for info in fields_of(ListCommandConfig)) - frozenset(
    LIST_KEYS
)
"""The settings of any command that a list has, too."""


class ExtractView(RowView):
    """A value that is extracted from a response."""

    placed = ("name", "how", "path", "namespaces")


class AnswerView(RowView):
    """The location of the document."""

    placed = ("kind", "how", "path", "namespaces", "pattern")

    @property
    def has_facts(self) -> bool:
        """Whether its name or type is configured."""
        return bool(self["name"].is_open or self["type"].is_open)


class StepView(RowView):
    """A step with all its fields. ``known`` are the tokens that its texts may hold.

    ``place`` is where the step is: command, step, inner or session.
    """

    placed = ("name", "method", "url", "body")

    def __init__(
        self,
        node: Node,
        id_: str,
        problems: FormProblems,
        known: Tokens,
        *,
        place: str,
        depth: int = 0,
    ) -> None:
        super().__init__(step_kind(), node, id_, problems)
        self._known = known
        self._depth = depth
        self.place = place

    def inside(self, key: str, kind: RowKind, node: Node, id_: str) -> RowView:
        """Return the view of a row in this one."""
        views = {"extract": ExtractView, "answer": AnswerView}
        return views.get(key, RowView)(kind, node, id_, self.problems)

    @property
    def step_name(self) -> str:
        """The name of the step."""
        return str(self.kind.value(self.node, "name"))

    @property
    def token_name(self) -> str:
        """The name before the dot of the values of a step inside this one that has no name."""
        return ""

    @property
    def settings(self) -> list[Input]:
        """The settings that are allowed in this place, or that were set nevertheless."""
        return [each for each in super().settings if self._is_shown(each)]

    def _is_shown(self, setting: Input) -> bool:
        return setting.info.is_allowed_in(self.place) or bool(setting.problems)

    @property
    def unused(self) -> list[tuple[str, str]]:
        """The inputs that have no use in this place, as hidden fields."""
        unused = [self.input(key) for key in self.kind.inputs]
        return [
            (each.id, each.text)
            for each in unused
            if each.text
            and each.info.key not in {"method", "url", "body"}
            and not self._is_shown(each)
        ]

    @property
    def allows(self) -> dict[str, bool]:
        """Whether each list or row in it is shown here: it is allowed here, or in use."""
        return {
            key: part.info.is_allowed_in(self.place)
            or not part.is_untouched(self.node.at(key))
            or self.problems.are_below(f"{self.id}-{key}")
            for key, part in self.kind.parts.items()
        }

    @property
    def takes_body(self) -> bool:
        """Whether the method takes a body, or one was typed."""
        return self["method"].text in METHODS_WITH_BODY or bool(self["body"].text)

    @property
    def content_type(self) -> str:
        """The value of the Content-Type header."""
        named = (row["value"].text for row in self["headers"] if _is_content_type(row))
        return next(named, "")

    @property
    def offered(self) -> Tokens:
        """The tokens that may be in its texts, the likeliest first."""
        return (*derived_tokens(self.node), *self._known)

    @property
    def inner(self) -> list[StepView]:
        """The steps that are sent when this one finds nothing."""
        rows = self.node.at("on_not_found").rows
        id_ = f"{self.id}-on_not_found"
        return list(step_views(rows, id_, self, place="inner", depth=self._depth + 1))

    @property
    def may_nest(self) -> bool:
        """Whether it may have inner steps."""
        is_open: bool = self["on_not_found"].is_open
        return is_open or (self.allows["on_not_found"] and self._depth < MAX_NESTING)

    @property
    def has_meaning_open(self) -> bool:
        """Whether conditions or a reason define the meaning of its response, or have a problem."""
        return any(self[key].is_open for key in ("success_when", "not_found_when", "reason"))

    @property
    def has_more(self) -> bool:
        """Whether there is anything about it beyond its request."""
        keys = [key for key in self.kind.parts if key not in {"headers", "answer"}]
        return self.has_settings or any(self[key].is_open for key in keys)


class StepsView(Protocol):
    """A view with steps inside."""

    problems: FormProblems

    @property
    def offered(self) -> Tokens:
        """The tokens that the first of them may use."""
        ...

    @property
    def token_name(self) -> str:
        """The name before the dot of the values of a step without a name."""
        ...


def step_views(
    rows: list[Node], id_: str, outer: StepsView, *, place: str, depth: int = 0
) -> Iterator[StepView]:
    """Return steps in their order: each may use the values of those before it."""
    known, command = outer.offered, outer.token_name
    for index, node in enumerate(rows):
        step = StepView(node, f"{id_}-{index}", outer.problems, known, place=place, depth=depth)
        yield step
        known = (*given_tokens(node, command), *known)


def _is_content_type(row: RowView) -> bool:
    return bool(row["name"].text.strip().lower() == "content-type")


class CommandView(RowView):
    """A command with all its fields."""

    placed = ("name",)

    def __init__(
        self, kind: RowKind, node: Node, id_: str, problems: FormProblems, known: Tokens
    ) -> None:
        super().__init__(kind, node, id_, problems)
        self.index = int(id_.rpartition("-")[2])
        self.command_name = str(kind.value(node, "name"))
        self._known = known

    @property
    def known(self) -> CatalogueCommand | None:
        """The command in the catalogue, if it is one of those."""
        return COMMANDS.get(self.command_name)

    @property
    def is_list(self) -> bool:
        """Whether it lists invoices, customers or contacts."""
        return self.command_name in LIST_COMMANDS

    def inside(self, key: str, kind: RowKind, node: Node, id_: str) -> RowView:
        """Return the view of a row in this one."""
        if key == LIST_PART and self.is_list:
            return ListView(kind, node, id_, self.problems, name=self.command_name)
        return super().inside(key, kind, node, id_)

    @property
    def settings(self) -> list[Input]:
        """The settings that apply: a list has no document, and only Pay leads to a host."""
        return [each for each in super().settings if self._applies(each) or each.problems]

    def _applies(self, setting: Input) -> bool:
        if setting.info.key == _PAYMENT_HOSTS:
            return self.command_name == PAYMENT_COMMAND or bool(setting.text)
        return not self.is_list or setting.info.key in _OF_LISTS

    @property
    def token_name(self) -> str:
        """The name before the dot of the values of a step without a name."""
        return self.command_name

    @cached_property
    def requests(self) -> list[StepView]:
        """The steps in their order."""
        place = "command" if self.has_one_step else "step"
        rows = self.node.at("steps").rows
        return list(step_views(rows, f"{self.id}-steps", self, place=place))

    @property
    def offered(self) -> Tokens:
        """The tokens that the first step may use."""
        own = (
            TokenInfo(name=name, meaning="A token of this command.", example="")
            for name in self.kind.value(self.node, "tokens")
        )
        known = self.known.tokens if self.known else ()
        return (*self._known, *known, *own, *SYSTEM_TOKENS)

    @property
    def answer(self) -> RowView | None:
        """The location of the document in the last response."""
        view: RowView | None = self.requests[-1]["answer"] if self.requests else None
        return view

    @property
    def last_step(self) -> str:
        """The id of the last step, whose tokens the location may use."""
        return self.requests[-1].id if self.requests else ""

    @property
    def is_plain(self) -> bool:
        """Whether it is one request without a name, and its response is the document."""
        return self.has_one_step and not (
            self.requests[0].has_more or (self.answer is not None and self.answer.is_open)
        )

    @property
    def has_one_step(self) -> bool:
        """Whether it is one request without a name."""
        rows = self.node.at("steps").rows
        return len(rows) == 1 and not step_kind().value(rows[0], "name")


def given_tokens(step: Node, command: str = "") -> Tokens:
    """Return the tokens that *step* gives to those after it."""
    kind = step_kind()
    name = kind.value(step, "name") or command
    extract = kind.parts["extract"].kind()
    rows = [(extract.value(row, "name"), row) for row in step.at("extract").rows]
    extracted = (
        TokenInfo(
            name=f"{name}.{token}",
            meaning=f"Extracted from the response to {name}.",
            kind="secret" if extract.value(row, "secret") else "text",
            example="",
        )
        for token, row in rows
        if token
    )
    return (*extracted, *derived_tokens(step, command))


def derived_tokens(step: Node, command: str = "") -> Tokens:
    """Return the tokens that *step* makes from others before it is sent."""
    kind = step_kind()
    name = kind.value(step, "name") or command
    derive = kind.parts["derive"].kind()
    tokens = [derive.value(row, "name") for row in step.at("derive").rows]
    return tuple(
        TokenInfo(name=f"{name}.{token}", meaning="Made from other tokens.", example="")
        for token in tokens
        if token and name
    )
