"""What the buttons of the editor's form do to its rows, with or without JavaScript.

A button posts the whole form with ``do=add:command-0-step-0-header``: the first word says what, the
key where. What doesn't fit the form (an old page, a hand-made request) changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from billhook.engine.errors import Problem
from billhook.portal.editor.form import EditorForm, new_command
from billhook.portal.editor.form_rows import CommandRow, HeaderRow, StepRow
from billhook.portal.editor.places import field_of
from billhook.portal.editor.rows import find_row, find_rows

STEP_NAMES: Final = ("Find", "Document", "Take", "Open")
"""Names for steps that nobody has named."""


def edit_form(form: EditorForm, do: str) -> str:
    """Change *form* as the button *do* asks. Return the id of the field to go to, or nothing."""
    word, *rest = do.split(":")
    edit = _EDITS.get(word)
    try:
        return edit(form, *rest) if edit else ""
    except (LookupError, ValueError, TypeError, AttributeError):
        return ""


def use_suggestion(form: EditorForm, problem: Problem) -> str:
    """Put the suggestion of *problem* where it belongs in *form*, and return that field's id."""
    place = field_of(form, problem.where)
    if problem.suggestion is None or place is None or place.write is None:
        return ""
    old = place.text
    start = 0 if problem.start is None else problem.start
    end = len(old) if problem.end is None else problem.end
    place.write(old[:start] + problem.suggestion + old[end:])
    return place.id


def _add(form: EditorForm, key: str) -> str:
    rows, spec = find_rows(form, key)
    row = new_command() if spec.key == "command" else spec.row()()
    rows.append(row)
    return f"{key}-{len(rows) - 1}-{_first_field(key, row)}"


def _first_field(key: str, row: object) -> str:
    if isinstance(row, StepRow):
        return "name"
    kinds = {"success": "how", "missing": "how", "ready": "how", "refused": "how"}
    return kinds.get(key.rpartition("-")[2], "name")


def _remove(form: EditorForm, key: str) -> str:
    above, _, number = key.rpartition("-")
    rows, spec = find_rows(form, above)
    del rows[int(number)]
    if spec.key == "command":
        form.tried = 0
    if not rows:
        return f"add-{above}"
    left = min(int(number), len(rows) - 1)
    return f"{above}-{left}-{_first_field(above, rows[left])}"


def _add_command(form: EditorForm, name: str) -> str:
    form.commands.append(new_command(name))
    return f"command-{len(form.commands) - 1}-step-0-url"


def _add_step(form: EditorForm, key: str, where: str = "after") -> str:
    """Add a request before or after those there are. Several need names, so each gets one."""
    command = find_row(form, key)
    if not isinstance(command, CommandRow):
        raise TypeError(key)
    index = 0 if where == "before" else len(command.steps)
    command.steps.insert(index, StepRow(headers=[HeaderRow()]))
    taken = {step.name for step in command.steps}
    for step in command.steps:
        if not step.name:
            step.name = _free_name(taken)
            taken.add(step.name)
    return f"{key}-step-{index}-url"


def _free_name(taken: set[str]) -> str:
    numbered = (f"Step{number}" for number in range(1, 1000))
    return next(name for name in (*STEP_NAMES, *numbered) if name not in taken)


def _up(form: EditorForm, key: str) -> str:
    return _move(form, key, -1)


def _down(form: EditorForm, key: str) -> str:
    return _move(form, key, 1)


def _move(form: EditorForm, key: str, places: int) -> str:
    above, _, number = key.rpartition("-")
    rows, _ = find_rows(form, above)
    old = int(number)
    new = max(0, min(len(rows) - 1, old + places))
    rows.insert(new, rows.pop(old))
    return f"{above}-{new}-name"


def _set_content_type(form: EditorForm, key: str, media_type: str) -> str:
    step = find_row(form, key)
    if not isinstance(step, StepRow):
        raise TypeError(key)
    headers = step.headers
    named = [row for row in headers if row.name.lower() == "content-type"]
    row = next(iter([*named, *(row for row in headers if row.is_untouched)]), None)
    if row is None:
        row = HeaderRow()
        headers.append(row)
    row.name, row.value = "Content-Type", media_type
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
