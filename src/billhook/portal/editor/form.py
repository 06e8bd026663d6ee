"""The editor's form: read from a request, made from a draft, and turned into a draft.

Every row can be added and removed without JavaScript: a button then posts the whole form with
``do`` naming the action.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from billhook.engine.config import CommandConfig, IntegrationConfig, TlsConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.field import FieldInfo
from billhook.engine.integration import try_to_compile
from billhook.engine.integration_file.file import locate, read_integration
from billhook.engine.secret import Secret
from billhook.portal.editor.authentication_rows import (
    AUTHENTICATION,
    VARIABLE,
    authentication_config,
    authentication_node,
)
from billhook.portal.editor.command_row import command_kind
from billhook.portal.editor.input_kinds import meant, visible
from billhook.portal.editor.row_kinds import (
    RowKind,
    described_kind,
    list_of,
    one_of,
    texts_kind,
)
from billhook.portal.editor.tree import Node, rows_node, tree_of
from billhook.portal.integrations.drafts import Draft, SecretEntry, draft_of_file
from billhook.portal.integrations.models import Keeping, OnFailure
from billhook.portal.integrations.sealer import Sealer

TLS: Final = described_kind(TlsConfig, "ca")
SECRET: Final = texts_kind(
    FieldInfo(key="name", label="Name", help="", example="ApiKey"),
    FieldInfo(key="stored", label="", help=""),
    main="name",
    noun="Secret",
)


def _choice(key: str, label: str, choices: type[OnFailure | Keeping], default: str) -> FieldInfo:
    return FieldInfo(
        key=key,
        label=label,
        help="",
        kind="choice",
        default=default,
        choices=tuple(choices.values),
        words=tuple(str(label) for label in choices.labels),
    )


_OPTIONS: Final = (
    FieldInfo(key="name", label="Name", help="", example="Acme billing"),
    FieldInfo(key="preset", label="", help=""),
    _choice("on_failure", "If it fails", OnFailure, OnFailure.STOP.value),
    _choice("keeping", "Documents", Keeping, Keeping.CHECKED.value),
)
FORM: Final = RowKind(
    inputs={info.key: info for info in _OPTIONS},
    parts={
        key: part(FieldInfo(key=key, label=label, help=""))
        for key, label, part in (
            ("variable", "Variables", list_of(lambda: VARIABLE)),
            ("secret", "Secrets", list_of(lambda: SECRET)),
            ("command", "Commands", list_of(command_kind, keeps=True)),
            ("authentication", "Authentication", one_of(lambda: AUTHENTICATION)),
            ("tls", "Certificates", one_of(lambda: TLS)),
        )
    },
    read=lambda node: node,
    show=lambda tree: tree,
    main=lambda _: "name",
)
"""The form as a whole: its rows by the first part of their keys."""


class _Text:
    """A text of the form, at *key*, on one line or on several."""

    def __init__(self, key: str, *, in_lines: bool = False) -> None:
        self._key = key
        self._in_lines = in_lines

    def __get__(self, form: EditorForm, owner: type) -> str:
        if self._key in FORM.inputs:
            return str(FORM.value(form.tree, self._key))
        return meant(form.tree.at(self._key).text or "")

    def __set__(self, form: EditorForm, text: str) -> None:
        form.tree.put(self._key).text = visible(text, in_lines=self._in_lines)


class _Number:
    """A whole number of the form, at *key*; 0 if it is anything else."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __get__(self, form: EditorForm, owner: type) -> int:
        text = form.tree.at(self._key).text or ""
        is_number = text.isascii() and text.isdecimal() and len(text) <= len("123456789")
        return int(text) if is_number else 0

    def __set__(self, form: EditorForm, number: int) -> None:
        form.tree.put(self._key).text = str(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedSecret:
    """One secret in the form. ``value`` was typed and isn't saved yet."""

    name: str
    stored_id: str
    value: Secret | None


class EditorForm:
    """Everything in the form, as typed, in one tree.

    ``number``, ``customer``, ``start``, ``end``, ``others`` and ``tried`` belong to Try it: the
    invoice, the customer and the days of a statement, other values with a line for each, and the
    number of the command.
    """

    name = _Text("name")
    preset = _Text("preset")
    on_failure = _Text("on_failure")
    keeping = _Text("keeping")
    version = _Number("version")
    number = _Text("try-number")
    customer = _Text("try-customer")
    start = _Text("try-start")
    end = _Text("try-end")
    others = _Text("try-others", in_lines=True)
    tried = _Number("try-command")

    def __init__(self, tree: Node | None = None) -> None:
        self.tree = tree or Node()

    @property
    def commands(self) -> list[Node]:
        """The rows of commands."""
        return self.tree.at("command").rows

    @property
    def secrets(self) -> list[TypedSecret]:
        """The secrets, without rows into which nothing was typed."""
        return [
            TypedSecret(
                name=SECRET.value(row, "name"),
                stored_id=row.at("stored").text or "",
                value=row.at("value").secret,
            )
            for row in self.tree.at("secret").rows
            if not SECRET.is_untouched(row) or row.at("value").secret
        ]

    def fields(self) -> dict[str, str]:
        """Return every field as a browser posts it."""
        return dict(self.tree.fields())


def new_form(*, command: str) -> EditorForm:
    """Return the form of a new integration with one command and a row for its first header."""
    return EditorForm(Node(inner={"command": rows_node([new_command(command)])}))


def new_command(name: str = "") -> Node:
    """Return an empty command with one request."""
    return Node(inner={"name": Node(text=visible(name)), "steps": rows_node([new_step()])})


def new_step() -> Node:
    """Return an empty request with a row for its first header."""
    return Node(inner={"headers": rows_node([Node()])})


def read_form(posted: Mapping[str, str], sealer: Sealer) -> EditorForm:
    """Return the form that was posted. Secrets that an earlier round sealed are opened."""
    form = EditorForm(tree_of(posted))
    for row in form.tree.at("secret").rows:
        value, held = row.put("value"), row.inner.pop("held", Node())
        if value.text:
            value.secret = Secret(value.text)
        elif held.text:
            value.secret = sealer.open(held.text)
        value.text = None
    return form


def form_of(draft: Draft, *, version: int = 0) -> EditorForm:
    """Return the form that shows *draft*."""
    form = EditorForm(
        Node(
            inner={
                "variable": rows_node(VARIABLE.show(pair) for pair in draft.variables.items()),
                "secret": rows_node(_secret_node(entry) for entry in draft.secrets),
                "command": rows_node(command_kind().show(each) for each in draft.commands),
                "authentication": authentication_node(draft.authentication),
                "tls": TLS.show(draft.tls) if draft.tls else Node(),
            }
        )
    )
    form.name, form.preset, form.version = draft.name, draft.preset, version
    form.on_failure, form.keeping = draft.on_failure, draft.keeping
    return form


def form_of_file(text: str) -> EditorForm:
    """Return the form that shows the integration file *text*; its secrets have no values.

    Raises:
        ConfigurationError: with the problems of a file that can't be read, or that has invalid
            values which the form has no place for: nothing in a file is left out silently.
    """
    config = read_integration(text)
    form = form_of(draft_of_file(config))
    if to_draft(form).config() != config:
        problems = try_to_compile(config).problems
        if problems:
            raise ConfigurationError(locate(problems, text))
    return form


def _secret_node(entry: SecretEntry) -> Node:
    node: Node = SECRET.show((entry.name, entry.stored_id))
    node.put("value").secret = entry.value
    return node


def to_draft(form: EditorForm) -> Draft:
    """Return the draft in *form*. An invalid number becomes one that the engine refuses."""
    source = source_config_of(form)
    return Draft(
        name=form.name,
        variables=source.variables,
        secrets=tuple(
            SecretEntry(name=each.name, value=each.value, stored_id=each.stored_id)
            for each in form.secrets
        ),
        authentication=source.authentication,
        tls=source.tls,
        commands=tuple(config_of(row) for row in form.commands),
        preset=form.preset,
        on_failure=form.on_failure,
        keeping=form.keeping,
    )


def source_config_of(form: EditorForm) -> IntegrationConfig:
    """Return everything in *form* except its commands, with only the names of secrets."""
    return IntegrationConfig(
        name=form.name,
        variables=dict(FORM.parts["variable"].read(form.tree.at("variable"))),
        secrets=tuple(each.name for each in form.secrets if each.name),
        authentication=authentication_config(form.tree.at("authentication")),
        tls=FORM.parts["tls"].read(form.tree.at("tls")),
    )


def config_of(row: Node) -> CommandConfig:
    """Return the command in *row*."""
    config: CommandConfig = command_kind().read(row)
    return config


def form_problems(form: EditorForm) -> Iterator[Problem]:
    """Report names that are used twice: a draft holds only the last of them."""
    parts = form.tree.at("variable"), form.tree.at("authentication-extra")
    yield from _duplicates(parts[0].rows, "integration.variables", "variables")
    yield from _duplicates(parts[1].rows, "authentication.extra", "parameters")


def _duplicates(rows: list[Node], where: str, kind: str) -> Iterator[Problem]:
    names = [name for row in rows if (name := VARIABLE.value(row, "name"))]
    for name in sorted({name for name in names if names.count(name) > 1}):
        message = f"There are two {kind} named {name}. Rename one, or remove it."
        yield Problem(code="duplicate-name", where=f"{where}.{name}", message=message)
