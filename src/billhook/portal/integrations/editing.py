"""What the buttons of the editor's form do to its rows, with or without JavaScript.

A button posts the whole form with ``do=add-header:0``: the first word says what, the number
where. What doesn't fit the form (an old page, a hand-made request) changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from billhook.engine.errors import Problem
from billhook.portal.integrations.forms import (
    EditorForm,
    HeaderRow,
    SecretRow,
    VariableRow,
    new_command,
)
from billhook.portal.integrations.places import field_of


def edit_form(form: EditorForm, do: str) -> str:
    """Change *form* as the button *do* asks. Return the id of the field to go to, or nothing."""
    word, *rest = do.split(":")
    edit = _EDITS.get(word)
    try:
        return edit(form, *rest) if edit else ""
    except (IndexError, ValueError, TypeError):
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


def _add_header(form: EditorForm, command: str) -> str:
    headers = form.commands[int(command)].headers
    headers.append(HeaderRow())
    return f"command-{command}-header-{len(headers) - 1}-name"


def _remove_header(form: EditorForm, command: str, header: str) -> str:
    headers = form.commands[int(command)].headers
    del headers[int(header)]
    left = min(int(header), len(headers) - 1)
    start = f"command-{command}"
    return f"{start}-header-{left}-name" if headers else f"{start}-add-header"


def _set_content_type(form: EditorForm, command: str, media_type: str) -> str:
    headers = form.commands[int(command)].headers
    named = [row for row in headers if row.name.lower() == "content-type"]
    row = next(iter([*named, *(row for row in headers if row.is_empty)]), None)
    if row is None:
        row = HeaderRow()
        headers.append(row)
    row.name, row.value = "Content-Type", media_type
    return f"command-{command}-body"


def _add_variable(form: EditorForm) -> str:
    form.variables.append(VariableRow())
    return f"variable-{len(form.variables) - 1}-name"


def _remove_variable(form: EditorForm, index: str) -> str:
    del form.variables[int(index)]
    return "add-variable"


def _add_secret(form: EditorForm) -> str:
    form.secrets.append(SecretRow())
    return f"secret-{len(form.secrets) - 1}-name"


def _remove_secret(form: EditorForm, index: str) -> str:
    del form.secrets[int(index)]
    return "add-secret"


def _add_command(form: EditorForm, name: str = "") -> str:
    form.commands.append(new_command(name))
    index = len(form.commands) - 1
    return f"command-{index}-url" if name else f"command-{index}-name"


def _remove_command(form: EditorForm, index: str) -> str:
    del form.commands[int(index)]
    form.tried = 0
    return "add-command"


_EDITS: Final[dict[str, Callable[..., str]]] = {
    "add-header": _add_header,
    "remove-header": _remove_header,
    "content-type": _set_content_type,
    "add-variable": _add_variable,
    "remove-variable": _remove_variable,
    "add-secret": _add_secret,
    "remove-secret": _remove_secret,
    "add-command": _add_command,
    "remove-command": _remove_command,
}
