"""Rows of the editor's form for its templates: each field with its id, its text, its mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from billhook.engine.errors import Problem
from billhook.portal.editor.form import EditorForm
from billhook.portal.editor.places import Place, field_of
from billhook.portal.editor.rows import ON, Row, fields_of, specs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One problem as the page tells it: ``use`` is the button's ``do`` for the suggestion."""

    message: str
    place: Place | None
    suggestion: str
    use: str
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One field: its id (and name), its text and its mistakes."""

    id: str
    text: str
    mistakes: tuple[Mistake, ...] = ()

    @property
    def is_wrong(self) -> bool:
        """Whether there is a mistake in it."""
        return bool(self.mistakes)


class Mistakes:
    """The mistakes in a form, by the id of their field."""

    def __init__(self, all_of_them: tuple[Mistake, ...]) -> None:
        self.all = all_of_them

    def of(self, id_: str) -> tuple[Mistake, ...]:
        """Return those of the field *id_*."""
        return tuple(each for each in self.all if each.place and each.place.id == id_)

    def are_below(self, id_: str) -> bool:
        """Say whether one is in a field of the row *id_*, or at the button that adds one."""
        starts = (f"{id_}-", f"add-{id_}")
        return any(each.place and f"{each.place.id}-".startswith(starts) for each in self.all)

    def box(self, id_: str, text: str) -> Box:
        """Return the field *id_*."""
        return Box(id=id_, text=text, mistakes=self.of(id_))


def mistakes_in(form: EditorForm, problems: Iterable[Problem], *, of_try: bool) -> Mistakes:
    """Return *problems* as mistakes in *form*; *of_try* says of which list a button uses one."""
    start = "try:" if of_try else ""
    return Mistakes(
        tuple(_mistake(form, each, f"{start}{number}") for number, each in enumerate(problems))
    )


def _mistake(form: EditorForm, problem: Problem, at: str) -> Mistake:
    place = field_of(form, problem.where)
    can_use = problem.suggestion is not None and place is not None and place.write is not None
    start, end = problem.start, problem.end
    is_part = place is not None and start is not None and end is not None
    return Mistake(
        message=problem.message,
        place=place,
        suggestion=problem.suggestion or "",
        use=f"use:{at}" if can_use else "",
        excerpt=place.text[start:end] if place is not None and is_part else "",
    )


class RowView:
    """One row for the templates: ``step.url`` is a :class:`Box`, ``step.headers`` are views.

    The attributes of the class itself say the rest.
    """

    def __init__(self, row: Row, id_: str, mistakes: Mistakes) -> None:
        self.row = row
        self.id = id_
        self.mistakes = mistakes

    def __getitem__(self, name: str) -> Any:
        spec = next((each for each in specs_of(type(self.row)) if each.name == name), None)
        if spec is None or hasattr(type(self), name):  # what a view has of its own comes first
            raise KeyError(name)
        value, id_ = getattr(self.row, name), f"{self.id}-{spec.key}"
        if spec.kind == "rows":
            return [self.inside(row, f"{id_}-{index}") for index, row in enumerate(value)]
        if spec.kind == "row":
            return self.inside(value, id_)
        text = (ON if value else "") if spec.kind == "tick" else str(value)
        return self.mistakes.box(id_, text)

    def inside(self, row: Row, id_: str) -> RowView:
        """Return the view of a row in this one."""
        return RowView(row, id_, self.mistakes)

    @property
    def number(self) -> int:
        """Which row it is, from 1."""
        return int(self.id.rpartition("-")[2]) + 1

    @property
    def is_touched(self) -> bool:
        """Whether something was typed."""
        return not self.row.is_untouched

    @property
    def is_wrong(self) -> bool:
        """Whether there is a mistake in one of its fields."""
        return self.mistakes.are_below(self.id)

    @property
    def is_open(self) -> bool:
        """Whether what folds around it is open."""
        return self.is_touched or self.is_wrong

    @property
    def lists(self) -> dict[str, RowList]:
        """The lists of rows in it, by name."""
        return {
            spec.name: RowList(self, spec.name, f"{self.id}-{spec.key}")
            for spec in specs_of(type(self.row))
            if spec.kind == "rows"
        }

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """All its fields as they are posted, for what is kept and not shown."""
        return list(fields_of(self.row, self.id)) if self.is_touched else []


class RowList:
    """A list of rows for the templates, with the mistakes that are about the list itself."""

    def __init__(self, view: RowView, name: str, id_: str) -> None:
        self.id = id_
        self._view = view
        self._name = name

    @property
    def rows(self) -> Any:
        """The rows."""
        is_own = hasattr(type(self._view), self._name)
        return getattr(self._view, self._name) if is_own else self._view[self._name]

    @property
    def own_mistakes(self) -> tuple[Mistake, ...]:
        """What is wrong with the list as a whole."""
        return self._view.mistakes.of(f"add-{self.id}")

    @property
    def is_open(self) -> bool:
        """Whether there are rows in it, or a mistake."""
        return bool(getattr(self._view.row, self._name)) or self._view.mistakes.are_below(self.id)
