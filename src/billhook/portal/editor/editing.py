"""The actions of the buttons in the editor's form, with or without JavaScript.

A button posts the whole form with ``do=add:command-0-steps-0-headers``: the first word names the
action, the key its target. A target that isn't in the form (an old page, a hand-made request)
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from django.http import HttpResponse

from billhook.engine.errors import Problem
from billhook.portal.editor.form import FORM, EditorForm, new_command, new_step
from billhook.portal.editor.form_fields import find_field
from billhook.portal.editor.row_kinds import RowKind, RowPart, step_kind
from billhook.portal.editor.tree import Node

View = TypeVar("View", bound=Callable[..., HttpResponse])
STEP_NAMES: Final = ("Find", "Document", "Take", "Open")
"""Names for steps that have none yet."""


def looks_again(view: View) -> View:
    """Mark a view that answers a POST with ``do=look`` by its form, filled, and does nothing else.

    Its form has rows that come and go, so that filling the fields of a new page isn't enough.
    """
    view.looks_again = True  # type: ignore[attr-defined]
    return view


def edit_form(form: EditorForm, do: str) -> str:
    """Change *form* as the button *do* asks. Return the id of the field to go to, or nothing."""
    word, *rest = do.split(":")
    edit = _EDITS.get(word)
    try:
        return edit(form, *rest) if edit else ""
    except (LookupError, ValueError, TypeError):
        return ""


def use_suggestion(form: EditorForm, problem: Problem) -> str:
    """Apply the suggestion of *problem* in *form*, and return the id of its field."""
    field = find_field(form, problem.where)
    if problem.suggestion is None or field is None or field.write is None:
        return ""
    start = 0 if problem.start is None else problem.start
    end = len(field.text) if problem.end is None else problem.end
    field.write(field.text[:start] + problem.suggestion + field.text[end:])
    return field.id


def find_row(form: EditorForm, key: str) -> tuple[RowKind, Node]:
    """Return the row at *key* and its kind; raise LookupError or ValueError if there is none."""
    kind, node, parts = FORM, form.tree, key.split("-")
    while parts:
        part, node = kind.parts[parts[0]], node.put(parts.pop(0))
        kind = part.kind()
        node = node.rows[_index(parts.pop(0))] if part.is_list else node
    return kind, node


def find_list(form: EditorForm, key: str) -> tuple[RowPart, Node]:
    """Return the list of rows at *key*; raise as :func:`find_row` does."""
    above, _, last = key.rpartition("-")
    kind, node = find_row(form, above) if above else (FORM, form.tree)
    part = kind.parts[last]
    if not part.is_list:
        raise LookupError(key)
    return part, node.put(last)


def _index(number: str) -> int:
    if not (number.isascii() and number.isdecimal()):
        raise LookupError(number)
    return int(number)


def _add(form: EditorForm, key: str) -> str:
    part, node = find_list(form, key)
    row = new_command() if key == "command" else Node()
    node.rows = [*node.rows, row]
    return f"{key}-{len(node.rows) - 1}-{_first_field(part)}"


def _first_field(part: RowPart) -> str:
    return next(iter(part.kind().inputs))


def _remove(form: EditorForm, key: str) -> str:
    above, _, number = key.rpartition("-")
    part, node = find_list(form, above)
    rows = node.rows
    removed = rows.pop(_index(number))
    _keep_answer_last(node, removed if part.info.kind == "requests" else None, rows)
    node.rows = rows
    if above == "command":
        form.tried = 0
    if not rows:
        return f"add-{above}"
    left = min(int(number), len(rows) - 1)
    return f"{above}-{left}-{_first_field(part)}"


def _keep_answer_last(node: Node, last: Node | None, rows: list[Node]) -> None:
    """Move the location of the document from *last*, the last step so far, to that of *rows*."""
    if last is None or not rows or last is rows[-1] or last is not node.rows[-1]:
        return
    part = step_kind().parts["answer"]
    if part.is_untouched(rows[-1].at("answer")) and "answer" in last.inner:
        rows[-1].inner["answer"] = last.inner.pop("answer")


def _add_command(form: EditorForm, name: str) -> str:
    node = form.tree.put("command")
    node.rows = [*node.rows, new_command(name)]
    return f"command-{len(node.rows) - 1}-steps-0-url"


def _add_step(form: EditorForm, key: str, where: str = "after") -> str:
    """Add a request before or after the others. Several need names, so each gets one."""
    part, node = find_list(form, f"{key}-steps")
    if part.info.kind != "requests":
        raise LookupError(key)
    rows = node.rows
    index = 0 if where == "before" else len(rows)
    last = rows[-1] if rows else None
    rows.insert(index, new_step())
    _keep_answer_last(node, last, rows)
    node.rows = rows
    _name_steps(rows)
    return f"{key}-steps-{index}-url"


def _name_steps(rows: list[Node]) -> None:
    kind = step_kind()
    taken = {kind.value(row, "name") for row in rows}
    for row in rows:
        if not kind.value(row, "name"):
            name = _free_name(taken)
            row.put("name").text = name
            taken.add(name)


def _free_name(taken: set[str]) -> str:
    numbered = (f"Step{number}" for number in range(1, 1000))
    return next(name for name in (*STEP_NAMES, *numbered) if name not in taken)


def _up(form: EditorForm, key: str) -> str:
    return _move(form, key, -1)


def _down(form: EditorForm, key: str) -> str:
    return _move(form, key, 1)


def _move(form: EditorForm, key: str, distance: int) -> str:
    above, _, number = key.rpartition("-")
    part, node = find_list(form, above)
    rows, old = node.rows, _index(number)
    last = rows[-1] if rows else None
    new = max(0, min(len(rows) - 1, old + distance))
    rows.insert(new, rows.pop(old))
    _keep_answer_last(node, last if part.info.kind == "requests" else None, rows)
    node.rows = rows
    return f"{above}-{new}-name"


def _set_content_type(form: EditorForm, key: str, media_type: str) -> str:
    kind, step = find_row(form, key)
    part, node = kind.parts["headers"], step.put("headers")
    header, rows = part.kind(), node.rows
    named = [row for row in rows if header.value(row, "name").lower() == "content-type"]
    row = next(iter([*named, *(row for row in rows if header.is_untouched(row))]), None)
    if row is None:
        row = Node()
        node.rows = [*rows, row]
    row.put("name").text, row.put("value").text = "Content-Type", media_type
    return f"{key}-body"


_EDITS: Final[dict[str, Callable[..., str]]] = {
    "add": _add,
    "remove": _remove,
    "up": _up,
    "down": _down,
    "add-command": _add_command,
    "add-step": _add_step,
    "content-type": _set_content_type,
}
