"""Where a problem stands in the editor's form: the id of the field, its label and its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.tokens.catalogue import NAME
from billhook.portal.editor.authentication_rows import text_of_field
from billhook.portal.editor.form import EditorForm
from billhook.portal.editor.form_rows import (
    AnswerRow,
    AuthenticationRow,
    CommandRow,
    ConditionRow,
    DeriveRow,
    ExtractRow,
    PathRow,
    StepRow,
)
from billhook.portal.editor.rows import Row

_PART: Final = re.compile(r"[^.\[\]]+")
_COMMAND: Final = {
    "name": "Name",
    "tokens": "Own tokens",
    "accept": "Accepted types",
    "timeout": "Time limit",
    "max_bytes": "Most bytes",
    "retries": "Repetitions",
    "redirects": "Redirects",
}
_STEP: Final = {
    "name": "Name",
    "method": "Method",
    "url": "URL",
    "body": "Body",
    "authentication": "Sign-in",
    "side_effects": "Changes something",
    "repeatable": "Only reads",
    "compressed": "Compressed",
}
_CONDITIONS: Final = {
    "success_when": ("success", "Succeeded when"),
    "not_found_when": ("missing", "Not found when"),
    "refused_when": ("refused", "Refused when"),
}
_CHOICES: Final = {"on_failure": "If it fails", "keeping": "Documents"}
_EXTRACT: Final = {"none": "If there is none", "many": "If there are several"}


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
    find = _HEADS.get(head)
    return find(form, rest) if find else None


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


def _authentication_field(form: EditorForm, rest: str) -> Place:
    if form.source_file.strip():
        return Place(id="source-file", label="Sign-in and TLS")
    head, parts = _split(rest)
    row, start = form.authentication, "authentication"
    if head == "request":
        return _Finder(row.request, f"{start}-request", "Sign-in: ").find(*parts)
    if head in _CONDITIONS:
        return _condition_field(row.refused, f"{start}-refused", "Refused when", parts)
    if head == "headers":
        return _header_field(row, start, "Sign-in: ", parts)
    if head == "extra":
        return _extra_field(row, parts)
    return _scheme_field(row, head)


def _scheme_field(row: AuthenticationRow, name: str) -> Place:
    scheme = SCHEMES.get(row.scheme)
    info = scheme.field(name) if scheme else None
    if info is None:
        return Place(id="authentication-scheme", label="Sign-in")
    return Place(
        id=f"authentication-field-{name}",
        label=info.label,
        text=text_of_field(row, info),
        write=partial(row.field.__setitem__, name),
    )


def _extra_field(row: AuthenticationRow, parts: Sequence[str]) -> Place:
    for index, each in enumerate(row.extra):
        if parts and each.name == parts[0]:
            label = f"Parameter {each.name}"
            return _place(each, f"authentication-extra-{index}-value", label, "value")
    return Place(id="add-authentication-extra", label="Parameters")


def _tls_field(form: EditorForm, rest: str) -> Place:
    if form.source_file.strip():
        return Place(id="source-file", label="Sign-in and TLS")
    key = "client_certificate" if rest.startswith("client") else "ca"
    label = "Client certificate" if key == "client_certificate" else "Authorities"
    return _place(form.tls, f"tls-{key}", label, key)


def _command_field(form: EditorForm, rest: str) -> Place:
    longest_first = sorted(enumerate(form.commands), key=lambda each: -len(each[1].name))
    for index, row in longest_first:
        if rest == row.name or rest.startswith((f"{row.name}.", f"{row.name}[")):
            several = f"{row.name}: " if len(form.commands) > 1 else ""
            return _field_in_command(row, f"command-{index}", rest[len(row.name) + 1 :], several)
    return Place(id="commands", label="Commands")


def _field_in_command(row: CommandRow, start: str, rest: str, several: str) -> Place:
    if row.file.strip():
        return Place(id=f"{start}-file", label=row.name)
    head, parts = _split(rest)
    if head in _COMMAND:
        return _place(row, f"{start}-{head}", several + _COMMAND[head], head)
    index = 0
    if head == "steps":
        index, head, parts = _index(parts, row.steps), "", parts[1:]
        head, parts = (parts[0], parts[1:]) if parts else ("", [])
    if head == "answer":
        return _answer_field(row.answer, f"{start}-answer", several, parts)
    if not row.steps or not (head or len(row.steps) == 1):
        return Place(id=f"add-{start}-step", label=f"{several}Requests")
    step = row.steps[index]
    label = f"{several}{step.name or index + 1}: " if len(row.steps) > 1 else several
    return _Finder(step, f"{start}-step-{index}", label).find(head, *parts)


class _Finder:
    """Finds fields in one step."""

    def __init__(self, step: StepRow, start: str, label: str) -> None:
        self._step = step
        self._start = start
        self._label = label

    def find(self, head: str = "", *parts: str) -> Place:
        """Return the field at *head* and *parts*."""
        step, start, label = self._step, self._start, self._label
        if head in _CONDITIONS:
            key, name = _CONDITIONS[head]
            return _condition_field(getattr(step, key), f"{start}-{key}", label + name, parts)
        finders: dict[str, Callable[[Sequence[str]], Place]] = {
            "headers": partial(_header_field, step, start, label),
            "extract": partial(_extract_field, step.extracts, f"{start}-extract", label),
            "derive": partial(_derive_field, step.derives, f"{start}-derive", label),
            "repeat_until": self._repeat_field,
            "on_not_found": self._inner_field,
        }
        if head in finders:
            return finders[head](parts)
        key = head if head in _STEP else "url"
        return _place(step, f"{start}-{key}", label + _STEP[key], key)

    def _repeat_field(self, parts: Sequence[str]) -> Place:
        step, start, head = self._step, self._start, "".join(parts[:1])
        if head in {"pause", "times"}:
            return _place(step, f"{start}-{head}", self._label + head.capitalize(), head)
        return _condition_field(step.ready, f"{start}-ready", f"{self._label}Ready when", parts[1:])

    def _inner_field(self, parts: Sequence[str]) -> Place:
        step, start = self._step, self._start
        if not step.inner:
            return Place(id=f"add-{start}-inner", label=f"{self._label}If there is none")
        index = _index(parts, step.inner)
        inner = step.inner[index]
        label = f"{self._label}{inner.name or index + 1}: "
        return _Finder(inner, f"{start}-inner-{index}", label).find(*parts[1:])


def _header_field(
    row: StepRow | AuthenticationRow, start: str, label: str, parts: Sequence[str]
) -> Place:
    found = _filled(row.headers, parts)
    if found is None:
        return Place(id=f"add-{start}-header", label=f"{label}Headers")
    index, header = found
    name = f"{label}Header {header.name or index + 1}"
    return _place(header, f"{start}-header-{index}-value", name, "value")


def _condition_field(
    rows: Sequence[ConditionRow], start: str, label: str, parts: Sequence[str]
) -> Place:
    found = _filled(rows, parts)
    if found is None:
        return Place(id=f"add-{start}", label=label)
    index, row = found
    is_value = row.how in {"status", "body"} or list(parts[1:]) == ["matches"]
    if is_value:
        return _place(row, f"{start}-{index}-value", label, "value")
    return _path_field(row, f"{start}-{index}", label)


def _extract_field(
    rows: Sequence[ExtractRow], start: str, label: str, parts: Sequence[str]
) -> Place:
    named = _named(rows, parts)
    if named is None:
        return Place(id=f"add-{start}", label=f"{label}Values taken")
    index, row, is_misnamed = named
    key = parts[1] if len(parts) > 1 else ""
    if is_misnamed:
        return _place(row, f"{start}-{index}-name", f"{label}Value", "name")
    if key in _EXTRACT:
        return _place(row, f"{start}-{index}-{key}", f"{label}{row.name}: {_EXTRACT[key]}", key)
    return _path_field(row, f"{start}-{index}", f"{label}{row.name}")


def _derive_field(rows: Sequence[DeriveRow], start: str, label: str, parts: Sequence[str]) -> Place:
    named = _named(rows, parts)
    if named is None:
        return Place(id=f"add-{start}", label=f"{label}Values made")
    index, row, is_misnamed = named
    key = "function" if list(parts[1:]) == ["function"] else "template"
    key = "name" if is_misnamed else key
    return _place(row, f"{start}-{index}-{key}", f"{label}{row.name or 'Value'}", key)


def _answer_field(row: AnswerRow, start: str, label: str, parts: Sequence[str]) -> Place:
    head = parts[0] if parts else ""
    if head in {"name", "type"}:
        fact = row.name if head == "name" else row.type
        return _path_field(fact, f"{start}-{head}", f"{label}The document’s {head}")
    if head == "zip":
        return _place(row, f"{start}-pattern", f"{label}File in the zip", "pattern")
    if head and head != "authentication":
        return _path_field(row, start, f"{label}The document")
    return Place(id=f"{start}-kind", label=f"{label}The document")


def _path_field(row: PathRow, start: str, label: str) -> Place:
    return _place(row, f"{start}-path", label, "path")


def _split(rest: str) -> tuple[str, list[str]]:
    parts = _PART.findall(rest)
    return (parts[0], parts[1:]) if parts else ("", [])


def _index(parts: Sequence[str], rows: Sequence[Row]) -> int:
    index = int(parts[0]) if parts and parts[0].isdecimal() else 0
    return min(index, len(rows) - 1)


_SomeRow = Any


def _filled(rows: Sequence[_SomeRow], parts: Sequence[str]) -> tuple[int, _SomeRow] | None:
    """Return the row that is meant: a draft leaves empty ones out, so its third may be a fourth."""
    filled = [index for index, row in enumerate(rows) if not row.is_untouched]
    if not parts or not parts[0].isdecimal() or int(parts[0]) >= len(filled):
        return None
    index = filled[int(parts[0])]
    return index, rows[index]


def _named(rows: Sequence[_SomeRow], parts: Sequence[str]) -> tuple[int, _SomeRow, bool] | None:
    """Return the row of that name; without one, the first whose name can't be one, and True."""
    for index, row in enumerate(rows):
        is_meant = row.name == parts[0] if parts else not NAME.fullmatch(row.name)
        if is_meant and not row.is_untouched:
            return index, row, not parts
    return None


def _place(row: Any, id_: str, label: str, attribute: str) -> Place:
    value = getattr(row, attribute)
    if not isinstance(value, str):
        return Place(id=id_, label=label)
    return Place(id=id_, label=label, text=value, write=partial(setattr, row, attribute))


_HEADS: Final[dict[str, Callable[[EditorForm, str], Place]]] = {
    "integration": _integration_field,
    "secrets": _secret_field,
    "commands": _command_field,
    "authentication": _authentication_field,
    "tls": _tls_field,
}
