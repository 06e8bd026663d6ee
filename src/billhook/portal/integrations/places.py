"""Where a problem stands in the editor's form: the id of the field, its label and its text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from billhook.portal.integrations.forms import CommandRow, EditorForm

_HEADER = re.compile(r"headers\[([0-9]+)\](?:\.(.*))?")
_LABELS = {
    "url": "URL",
    "body": "Body",
    "method": "Method",
    "name": "Name",
    "tokens": "Own tokens",
    "accept": "Accepted types",
    "timeout": "Time limit",
    "max_bytes": "Most bytes",
    "redirects": "Redirects",
}
_CHOICES = {"on_failure": "If it fails", "keeping": "Documents"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A field of the form: its id there, what people call it, and its text."""

    id: str
    label: str
    text: str = ""
    write: Callable[[str], None] | None = None


def field_of(form: EditorForm, where: str) -> Place | None:
    """Return the field that *where* means, or the nearest one above it; None for the whole form."""
    head, _, rest = where.partition(".")
    if head == "integration":
        return _integration_field(form, rest)
    if head == "secrets":
        return _secret_field(form, rest)
    if head == "commands":
        return _command_field(form, rest)
    if head in {"sign_in", "tls"}:
        return Place(id="source-file", label="Sign-in and TLS")
    return None


def _integration_field(form: EditorForm, rest: str) -> Place:
    kind, _, name = rest.partition(".")
    if kind == "name":
        return _place(form, "name", "Name", "name")
    if kind == "secrets":
        return Place(id="secrets", label="Secrets")
    if kind in _CHOICES:
        return _place(form, kind, _CHOICES[kind], kind)
    for index, row in enumerate(form.variables):
        if name and row.name == name:
            return _place(row, f"variable-{index}-value", f"Variable {name}", "value")
    return Place(id="variables", label="Variables")


def _secret_field(form: EditorForm, name: str) -> Place:
    for index, row in enumerate(form.secrets):
        if row.name == name:
            return Place(id=f"secret-{index}-value", label=f"Secret {name}" if name else "Secret")
    return Place(id="secrets", label="Secrets")


def _command_field(form: EditorForm, rest: str) -> Place:
    longest_first = sorted(enumerate(form.commands), key=lambda each: -len(each[1].name))
    for index, row in longest_first:
        if rest == row.name or rest.startswith(f"{row.name}."):
            return _field_in_command(index, row, rest[len(row.name) + 1 :], form)
    return Place(id="commands", label="Commands")


def _field_in_command(index: int, row: CommandRow, rest: str, form: EditorForm) -> Place:
    start = f"command-{index}"
    several = f"{row.name}: " if len(form.commands) > 1 else ""
    if row.file:
        return Place(id=f"{start}-file", label=row.name)
    key = rest.partition("[")[0].partition(".")[0]
    if key == "headers":
        return _header_field(start, row, rest, several)
    label = several + _LABELS.get(key, "Command")
    key = key if key in _LABELS else "name"
    return _place(row, f"{start}-{key}", label, key)


def _header_field(start: str, row: CommandRow, rest: str, several: str) -> Place:
    match = _HEADER.fullmatch(rest)
    # the draft leaves empty rows out, so its third header may be the form's fourth
    filled = [index for index, header in enumerate(row.headers) if not header.is_empty]
    if match is None or int(match[1]) >= len(filled):
        return Place(id=f"{start}-add-header", label=several + "Headers")
    index = filled[int(match[1])]
    header = row.headers[index]
    label = f"{several}Header {header.name or index + 1}"
    return _place(header, f"{start}-header-{index}-value", label, "value")


def _place(row: Any, id_: str, label: str, attribute: str) -> Place:
    return Place(
        id=id_,
        label=label,
        text=getattr(row, attribute),
        write=partial(setattr, row, attribute),
    )
