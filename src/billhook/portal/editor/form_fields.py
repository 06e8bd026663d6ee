"""Fields of the form found by the path of a problem, such as ``commands.X.steps[1].url``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.tokens.catalogue import NAME
from billhook.portal.editor.authentication_rows import AUTHENTICATION, text_of_field
from billhook.portal.editor.command_row import LIST_PART, command_kind
from billhook.portal.editor.controls import INPUT_KINDS
from billhook.portal.editor.form import FORM, SECRET, EditorForm
from billhook.portal.editor.input_kinds import meant, visible
from billhook.portal.editor.lists.rows import LIST
from billhook.portal.editor.row_kinds import RowKind, RowPart, body_node, body_of
from billhook.portal.editor.tree import Node

_TOKENS: Final = frozenset({"extracts", "derives"})
"""Lists of rows whose names are tokens."""
_PART: Final = re.compile(r"[^.\[\]]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A field of the form: its id there, its label, and its text as the engine reads it."""

    id: str
    label: str
    text: str = ""
    write: Callable[[str], None] | None = None


def find_field(form: EditorForm, where: str) -> FormField | None:
    """Return the field at *where*, or the nearest one above it; None for the whole form."""
    head, _, rest = where.partition(".")
    find = _HEADS.get(head)
    return find(form, rest) if find else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    """A row of the form: its kind, its texts, its id, and the beginning of its fields' labels."""

    kind: RowKind
    node: Node
    id: str
    label: str = ""

    def find(self, parts: Sequence[str]) -> FormField:
        """Return the field at *parts*, or the one to which problems of the whole row belong."""
        head = self.kind.aliases.get(parts[0], parts[0]) if parts else self.kind.main(self.node)
        if head in self.kind.inputs:
            return self._input(head)
        if head in self.kind.parts:
            return self._inside(head, parts[1:])
        return self.find(())

    def _input(self, key: str) -> FormField:
        info, id_ = self.kind.inputs[key], f"{self.id}-{key}"
        kind = INPUT_KINDS[info.kind]
        if kind.control == "tick":
            return FormField(id=id_, label=self.label + info.label)
        value = body_of(self.node) if info.kind == "body" else self.kind.value(self.node, key)
        text = value if isinstance(value, str) else self.kind.text(self.node, key)
        return FormField(
            id=id_, label=self.label + info.label, text=text, write=partial(self._write, key)
        )

    def _write(self, key: str, text: str) -> None:
        if self.kind.inputs[key].kind == "body":
            self.node.inner |= body_node(text)
            return
        show = INPUT_KINDS[self.kind.inputs[key].kind].show
        is_text = isinstance(self.kind.value(self.node, key), str)
        self.node.put(key).text = show(text) if is_text else text

    def _inside(self, key: str, parts: Sequence[str]) -> FormField:
        part, node, id_ = self.kind.parts[key], self.node.put(key), f"{self.id}-{key}"
        if not part.is_list:
            label = self.label + (f"{part.info.label}: " if part.info.label else "")
            return _Position(kind=part.kind(), node=node, id=id_, label=label).find(parts)
        found = _row_at(part, node, parts)
        if found is None:
            return FormField(id=f"add-{id_}", label=f"{self.label}{part.info.label}")
        number, row = found
        label = self.label + _row_label(part, node, number, row)
        inside = _Position(kind=part.kind(), node=row, id=f"{id_}-{number}", label=label)
        return inside.find(parts[1:] if parts else ("name",))


def _row_at(part: RowPart, node: Node, parts: Sequence[str]) -> tuple[int, Node] | None:
    """Return the row that is meant by its number or its name.

    Without either, return the first row whose name is invalid. A draft leaves untouched rows out,
    so its third row may be the fourth in the form.
    """
    rows = part.rows(node)
    if parts and parts[0].isdecimal():
        number = min(int(parts[0]), len(rows) - 1) if part.keeps else int(parts[0])
        return rows[number] if 0 <= number < len(rows) else None
    if "name" not in part.kind().inputs or part.keeps:
        return None
    if not parts and part.info.kind not in _TOKENS:
        return None
    names = [(number, row, part.kind().value(row, "name")) for number, row in rows]
    found = (
        (number, row)
        for number, row, name in names
        if (name == parts[0] if parts else not NAME.fullmatch(name))
    )
    return next(found, None)


def _row_label(part: RowPart, node: Node, number: int, row: Node) -> str:
    kind = part.kind()
    if "name" not in kind.inputs:
        return f"{part.info.label}: "
    name = kind.value(row, "name") or str(number + 1)
    if part.keeps:
        return f"{name}: " if len(node.rows) > 1 or part.info.kind == "steps" else ""
    return f"{kind.noun} {name}: "


def _integration_field(form: EditorForm, rest: str) -> FormField:
    key, _, name = rest.partition(".")
    if key == "variables":
        return _named_row(form, "variable", "variables", name)
    if key == "secrets":
        return FormField(id="secrets", label="Secrets")
    root = _Position(kind=FORM, node=form.tree, id="")
    field = root.find([key])
    return FormField(id=field.id[1:], label=field.label, text=field.text, write=field.write)


def _named_row(form: EditorForm, key: str, section: str, name: str) -> FormField:
    """Return the value of the variable or secret called *name*, or the section."""
    part = FORM.parts[key]
    for number, row in enumerate(form.tree.at(key).rows):
        if name and part.kind().value(row, "name") == name:
            label = f"{part.kind().noun} {name}"
            id_ = f"{key}-{number}-value"
            if key == "secret":
                return FormField(id=id_, label=label)
            field = _Position(kind=part.kind(), node=row, id=f"{key}-{number}").find(["value"])
            return FormField(id=id_, label=label, text=field.text, write=field.write)
    return FormField(id=section, label=part.info.label)


def _secret_field(form: EditorForm, name: str) -> FormField:
    for number, row in enumerate(form.tree.at("secret").rows):
        if not name and not SECRET.value(row, "name"):
            return FormField(id=f"secret-{number}-value", label="Secret")
    return _named_row(form, "secret", "secrets", name)


def _authentication_field(form: EditorForm, rest: str) -> FormField:
    parts = _PART.findall(rest)
    parts = ["requests", "0", *parts[1:]] if parts[:1] == ["request"] else parts
    node = form.tree.put("authentication")
    position = _Position(
        kind=AUTHENTICATION, node=node, id="authentication", label="Authentication: "
    )
    if parts and parts[0] in AUTHENTICATION.parts:
        return position.find(parts)
    scheme = SCHEMES.get(AUTHENTICATION.text(node, "scheme"))
    info = scheme.field(parts[0]) if scheme and parts else None
    if info is None:
        return FormField(id="authentication-scheme", label="Authentication")
    field = node.put(f"field-{info.key}")
    return FormField(
        id=f"authentication-field-{info.key}",
        label=info.label,
        text=meant(text_of_field(node, info)),
        write=lambda text: setattr(field, "text", visible(text)),
    )


def _tls_field(form: EditorForm, rest: str) -> FormField:
    parts = _PART.findall(rest)
    return _Position(kind=FORM.parts["tls"].kind(), node=form.tree.put("tls"), id="tls").find(parts)


def _command_field(form: EditorForm, rest: str) -> FormField:
    kind, rows = command_kind(), list(enumerate(form.commands))
    names = {number: kind.value(row, "name") for number, row in rows}
    for number, row in sorted(rows, key=lambda each: -len(names[each[0]])):
        name = names[number]
        if rest == name or rest.startswith((f"{name}.", f"{name}[")):
            label = f"{name}: " if len(rows) > 1 else ""
            command = _Position(kind=kind, node=row, id=f"command-{number}", label=label)
            return _in_command(command, _PART.findall(rest[len(name) + 1 :]))
    return FormField(id="commands", label="Commands")


def _in_command(command: _Position, parts: Sequence[str]) -> FormField:
    """Return a field of a command: the keys of its only request are in its own table."""
    steps = command.node.at("steps").rows
    if parts and (parts[0] in LIST.inputs or parts[0] in LIST.parts):
        return command.find([LIST_PART, *parts])
    is_own = parts and (parts[0] in command.kind.inputs or parts[0] in command.kind.parts)
    if is_own or not steps:
        return command.find(parts)
    if parts[:1] == ["answer"]:
        return command.find(["steps", str(len(steps) - 1), *parts])
    return command.find(["steps", "0", *parts] if len(steps) == 1 or parts else ["steps"])


_HEADS: Final[dict[str, Callable[[EditorForm, str], FormField]]] = {
    "integration": _integration_field,
    "secrets": _secret_field,
    "commands": _command_field,
    "authentication": _authentication_field,
    "tls": _tls_field,
}
