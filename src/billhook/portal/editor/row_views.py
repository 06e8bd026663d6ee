"""Rows of the editor's form for its templates: each input with its id, text and problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from billhook.engine.errors import Problem
from billhook.engine.field import FieldInfo
from billhook.portal.editor.controls import INPUT_KINDS
from billhook.portal.editor.form import EditorForm
from billhook.portal.editor.form_fields import FormField, find_field
from billhook.portal.editor.input_kinds import NO, YES
from billhook.portal.editor.row_kinds import RowKind, RowPart, default_text
from billhook.portal.editor.tree import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownProblem:
    """One problem on the page: ``use`` is the action of the button that applies its suggestion."""

    message: str
    field: FormField | None
    suggestion: str
    use: str
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input: its description, its id (also its name), its text and its problems."""

    info: FieldInfo
    id: str
    text: str
    problems: tuple[ShownProblem, ...] = ()

    @property
    def control(self) -> str:
        """The control that a template draws: line, lines, choice or tick."""
        kind = INPUT_KINDS.get(self.info.kind, INPUT_KINDS["text"])
        return kind.control

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The options of a choice, with the present text even if it isn't one of them."""
        options = self.info.options if self.info.choices else self._yes_or_no
        is_known = any(self.text == value for value, _ in options)
        return options if is_known else (*options, (self.text, self.text))

    @property
    def _yes_or_no(self) -> tuple[tuple[str, str], ...]:
        words = self.info.words or ("By default", "Yes", "No")
        return tuple(zip(("", YES, NO), words, strict=True))


class FormProblems:
    """The problems in a form, by the id of their field."""

    def __init__(self, all_of_them: tuple[ShownProblem, ...] = ()) -> None:
        self.all = all_of_them

    def at(self, id_: str) -> tuple[ShownProblem, ...]:
        """Return the problems of the field *id_*."""
        return tuple(each for each in self.all if each.field and each.field.id == id_)

    def are_below(self, id_: str) -> bool:
        """Return whether a field of the row *id_*, or the button that adds one, has a problem."""
        starts = (f"{id_}-", f"add-{id_}")
        return any(each.field and f"{each.field.id}-".startswith(starts) for each in self.all)


def problems_in(form: EditorForm, problems: Iterable[Problem], *, of_try: bool) -> FormProblems:
    """Return *problems* at the fields of *form*; *of_try* marks those of Try it for buttons."""
    start = "try:" if of_try else ""
    return FormProblems(
        tuple(_shown(form, each, f"{start}{number}") for number, each in enumerate(problems))
    )


def _shown(form: EditorForm, problem: Problem, at: str) -> ShownProblem:
    field = find_field(form, problem.where)
    can_use = problem.suggestion is not None and field is not None and field.write is not None
    start, end = problem.start, problem.end
    is_part = field is not None and start is not None and end is not None
    return ShownProblem(
        message=problem.message,
        field=field,
        suggestion=problem.suggestion or "",
        use=f"use:{at}" if can_use else "",
        excerpt=field.text[start:end] if field is not None and is_part else "",
    )


class RowView:
    """One row for the templates: ``step.url`` is an :class:`Input`, ``step.headers`` a list.

    Keys of the row's kind are looked up first; the attributes of the class add to them.
    """

    placed: tuple[str, ...] = ()
    """Keys of inputs that the templates place one by one; all others follow in a list."""

    def __init__(self, kind: RowKind, node: Node, id_: str, problems: FormProblems) -> None:
        self.kind = kind
        self.node = node
        self.id = id_
        self.problems = problems

    def __getitem__(self, key: str) -> Any:
        if key in self.kind.inputs:
            return self.input(key)
        part = self.kind.parts[key]
        if part.is_list:
            return RowList(self, key, part)
        return self.inside(key, part.kind(), self.node.at(key), f"{self.id}-{key}")

    def input(self, key: str) -> Input:
        """Return one input."""
        id_ = f"{self.id}-{key}"
        text = self.kind.text(self.node, key)
        return Input(info=self.kind.inputs[key], id=id_, text=text, problems=self.problems.at(id_))

    def inside(self, key: str, kind: RowKind, node: Node, id_: str) -> RowView:  # noqa: ARG002
        """Return the view of a row in the part *key* of this one."""
        return RowView(kind, node, id_, self.problems)

    @property
    def settings(self) -> list[Input]:
        """The inputs that no template names: a new field appears here automatically."""
        return [self.input(key) for key in self.kind.inputs if key not in self.placed]

    @property
    def has_settings(self) -> bool:
        """Whether one of the settings isn't its default, or has a problem."""
        return any(each.problems or each.text != default_text(each.info) for each in self.settings)

    @property
    def number(self) -> int:
        """The number of the row, from 1."""
        return int(self.id.rpartition("-")[2]) + 1

    @property
    def has_problems(self) -> bool:
        """Whether one of its fields has a problem."""
        return self.problems.are_below(self.id)

    @property
    def is_open(self) -> bool:
        """Whether the fold around it is open: something was typed, or there is a problem."""
        return not self.kind.is_untouched(self.node) or self.has_problems

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """All its fields as they are posted, for rows that are kept and not shown."""
        is_empty = self.kind.is_untouched(self.node)
        return [] if is_empty else list(self.node.fields(self.id))


class RowList:
    """A list of rows for the templates, with the problems that concern the list itself."""

    def __init__(self, view: RowView, key: str, part: RowPart) -> None:
        self.id = f"{view.id}-{key}"
        self.info = part.info
        self._view = view
        self._key = key
        self._part = part

    def __iter__(self) -> Iterator[RowView]:
        kind = self._part.kind()
        for number, row in enumerate(self._view.node.at(self._key).rows):
            yield self._view.inside(self._key, kind, row, f"{self.id}-{number}")

    def __len__(self) -> int:
        return len(self._view.node.at(self._key).rows)

    @property
    def own_problems(self) -> tuple[ShownProblem, ...]:
        """The problems of the list as a whole."""
        return self._view.problems.at(f"add-{self.id}")

    @property
    def is_open(self) -> bool:
        """Whether there are rows in it, or a problem."""
        return bool(len(self)) or self._view.problems.are_below(self.id)
