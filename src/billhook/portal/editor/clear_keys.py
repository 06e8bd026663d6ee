"""Keys typed in clear in the editor's form, and the button that makes a secret of one."""

from __future__ import annotations

from billhook.engine.errors import Problem
from billhook.engine.integration_file.clear_keys import find_clear_keys, secret_value
from billhook.engine.secret import Secret
from billhook.portal.editor.authentication_rows import VARIABLE
from billhook.portal.editor.form import SECRET, EditorForm, to_draft
from billhook.portal.editor.form_fields import FormField, find_field
from billhook.portal.editor.row_views import ShownProblem

_VARIABLES = "integration.variables."


def clear_keys_in(form: EditorForm) -> tuple[ShownProblem, ...]:
    """Return a note for each key in clear; ``use`` is the action that makes a secret of it."""
    return tuple(
        ShownProblem(
            message=note.message,
            field=_field(form, note),
            suggestion=_name(note),
            use=f"hide:{number}",
            excerpt="",
        )
        for number, note in enumerate(_notes(form))
    )


def hide_key(form: EditorForm, number: str) -> str:
    """Make a secret of a key in clear, wherever the form has it; return the id of its row."""
    notes = _notes(form)
    if not (number.isascii() and number.isdecimal()) or int(number) >= len(notes):
        return ""
    chosen = notes[int(number)]
    value = _value(form, chosen)
    same = [note for note in notes if note.suggestion == chosen.suggestion]
    for note in sorted(same, key=lambda each: -(each.start or 0)):  # offsets before it stay right
        _replace(form, note)
    rows = form.tree.put("secret").rows
    row = SECRET.show((_name(chosen), ""))
    row.put("value").secret = Secret(value)
    form.tree.put("secret").rows = [*rows, row]
    return f"secret-{len(rows)}-name"


def _notes(form: EditorForm) -> list[Problem]:
    return list(find_clear_keys(to_draft(form).config()))


def _name(note: Problem) -> str:
    return (note.suggestion or "").strip("{}")


def _field(form: EditorForm, note: Problem) -> FormField | None:
    inside = f"{note.where}.value" if note.where.endswith("]") else note.where
    return find_field(form, inside)


def _value(form: EditorForm, note: Problem) -> str:
    field = _field(form, note)
    return secret_value(field.text, note) if field else ""


def _replace(form: EditorForm, note: Problem) -> None:
    """Write the token in place of a key. A variable that is one becomes the secret itself."""
    name = note.where.removeprefix(_VARIABLES)
    if note.where.startswith(_VARIABLES) and name == _name(note):
        node = form.tree.put("variable")
        node.rows = [row for row in node.rows if VARIABLE.value(row, "name") != name]
        return
    field = _field(form, note)
    if field is not None and field.write is not None:
        field.write(field.text[: note.start] + (note.suggestion or "") + field.text[note.end :])
