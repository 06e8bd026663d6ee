"""The editor's page: every field with its text and its problems, ready for the templates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.authentication.scheme import Scheme
from billhook.engine.command.scope import SESSION
from billhook.engine.errors import Problem
from billhook.engine.field import FieldInfo
from billhook.engine.integration_file.presets import preset_names, read_preset
from billhook.engine.tokens.catalogue import COMMANDS, LOGIN_COMMAND, TokenInfo
from billhook.engine.tokens.functions import FUNCTIONS, FunctionInfo
from billhook.portal.editor.authentication_rows import AUTHENTICATION, VARIABLE, text_of_field
from billhook.portal.editor.clear_keys import clear_keys_in
from billhook.portal.editor.command_row import command_kind
from billhook.portal.editor.form import FORM, SECRET, TLS, EditorForm, new_step
from billhook.portal.editor.input_kinds import NO, YES
from billhook.portal.editor.row_kinds import default_text
from billhook.portal.editor.row_views import (
    FormProblems,
    Input,
    RowView,
    ShownProblem,
    problems_in,
)
from billhook.portal.editor.step_views import CommandView, StepView, Tokens, step_views
from billhook.portal.editor.tree import Node
from billhook.portal.editor.words import CONTENT_TYPES, NO_SCHEME
from billhook.portal.integrations.sealer import Sealer


class VariableView(RowView):
    """A variable's row. *about* is the preset's text about it, if there is one."""

    def __init__(self, node: Node, id_: str, problems: FormProblems, about: str) -> None:
        super().__init__(VARIABLE, node, id_, problems)
        self.about = about


class SecretView(RowView):
    """A secret's row. Its value is never in the page: only whether there is one."""

    def __init__(
        self, node: Node, id_: str, problems: FormProblems, *, about: str, sealer: Sealer
    ) -> None:
        super().__init__(SECRET, node, id_, problems)
        self.about = about
        self._value = node.at("value").secret
        self._sealer = sealer

    @property
    def value(self) -> Input:
        """The input for a new value: always empty."""
        id_ = f"{self.id}-value"
        info = FieldInfo(key="value", label="Value", help="", example=self._placeholder)
        return Input(info=info, id=id_, text="", problems=self.problems.at(id_))

    @cached_property
    def sealed(self) -> str:
        """The value that was typed and isn't saved yet, sealed."""
        return self._sealer.seal(self._value) if self._value else ""

    @property
    def _placeholder(self) -> str:
        if self._value:
            return "Typed, not saved yet"
        return "Stored. Type to replace it" if self["stored"].text else "Its value"


class AuthenticationView(RowView):
    """The authentication of requests, with the fields of the chosen scheme."""

    def __init__(self, node: Node, id_: str, problems: FormProblems, known: Tokens) -> None:
        super().__init__(AUTHENTICATION, node, id_, problems)
        self.offered = known

    def input(self, key: str) -> Input:
        """Return one input; the scheme is chosen from all that there are."""
        found = super().input(key)
        if key != "scheme":
            return found
        info = replace(
            found.info,
            choices=("", *(scheme.name for scheme in SCHEMES.values())),
            words=(NO_SCHEME, *(scheme.title for scheme in SCHEMES.values())),
        )
        return replace(found, info=info)

    token_name = SESSION

    @cached_property
    def steps(self) -> list[StepView]:
        """The requests that open a session: one to fill in, if there is none yet."""
        rows = self.node.at("requests").rows or [new_step()]
        return list(step_views(rows, f"{self.id}-requests", self, place="session"))

    @property
    def info(self) -> Scheme | None:
        """The chosen scheme."""
        return SCHEMES.get(self["scheme"].text)

    @property
    def fields(self) -> list[Input]:
        """The fields of the chosen scheme."""
        return [self._field(each) for each in (self.info.fields if self.info else ())]

    def _field(self, info: FieldInfo) -> Input:
        id_ = f"{self.id}-field-{info.key}"
        text = text_of_field(self.node, info)
        return Input(info=_as_input(info), id=id_, text=text, problems=self.problems.at(id_))

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Texts that were typed for other schemes, as hidden fields: they are kept."""
        shown = {f"field-{each.key}" for each in (self.info.fields if self.info else ())}
        parts = self.info.parts if self.info else ()
        kept = [
            (f"{self.id}-field-{key}", node.text)
            for key, node in self.node.at("field").inner.items()
            if f"field-{key}" not in shown and node.text is not None
        ]
        for key, part in self.kind.parts.items():
            node = self.node.at(key)
            if key not in parts and not part.is_untouched(node):
                kept += node.fields(f"{self.id}-{key}")
        return kept

    @property
    def session_tokens(self) -> Tokens:
        """The tokens that a session gives to every text."""
        if self["scheme"].text != "session":
            return ()
        rows = [row for step in self.steps for row in step["extract"]]
        names = (row["name"].text for row in (*rows, *self["derive"]))
        return tuple(
            TokenInfo(
                name=f"{SESSION}.{name}", meaning="Of the session.", kind="secret", example=""
            )
            for name in names
            if name
        )


def _as_input(info: FieldInfo) -> FieldInfo:
    """Return the description of a scheme's field as that of an input."""
    if info.kind == "boolean":
        return replace(info, kind="choice", choices=(YES, NO), words=("Yes", "No"))
    if info.secret:
        return replace(info, kind="secret", example="{{ApiKey}}")
    if info.kind == "choice":
        return info
    return replace(info, kind="lines" if info.kind == "request-text" else "text")


class EditorView:
    """The whole form for the templates. ``problems`` are all of them, for the list on top."""

    content_types = CONTENT_TYPES

    def __init__(
        self, form: EditorForm, problems: FormProblems, *, sealer: Sealer, focus: str = ""
    ) -> None:
        self.form = form
        self.focus = focus
        self.problems = problems.all
        self._at = problems
        self._sealer = sealer

    @property
    def options(self) -> dict[str, Input]:
        """The inputs of the integration itself: its name, and the portal's choices for VIEW."""
        texts = {key: FORM.text(self.form.tree, key) for key in FORM.inputs}
        return {
            key: Input(info=info, id=key, text=texts[key], problems=self._at.at(key))
            for key, info in FORM.inputs.items()
        }

    @property
    def has_choices_open(self) -> bool:
        """Whether one of the portal's choices for VIEW isn't its default, or has a problem."""
        choices = (self.options["on_failure"], self.options["keeping"])
        return any(each.problems or each.text != default_text(each.info) for each in choices)

    @cached_property
    def variables(self) -> list[VariableView]:
        """The variables."""
        return [
            VariableView(row, f"variable-{number}", self._at, self._about(row))
            for number, row in enumerate(self.form.tree.at("variable").rows)
        ]

    @cached_property
    def secrets(self) -> list[SecretView]:
        """The secrets."""
        return [
            SecretView(
                row, f"secret-{number}", self._at, about=self._about(row), sealer=self._sealer
            )
            for number, row in enumerate(self.form.tree.at("secret").rows)
        ]

    def _about(self, row: Node) -> str:
        return self._preset_texts.get(row.at("name").text or "", "")

    @cached_property
    def _preset_texts(self) -> dict[str, str]:
        """The texts of the preset by their tokens; none where the form names no known preset."""
        if self.form.preset not in preset_names():
            return {}
        return {each.token: each.about for each in read_preset(self.form.preset).fields}

    @cached_property
    def commands(self) -> list[CommandView]:
        """The commands."""
        known = (*self.authentication.session_tokens, *self._own_tokens)
        return [
            CommandView(command_kind(), row, f"command-{number}", self._at, known)
            for number, row in enumerate(self.form.commands)
        ]

    @cached_property
    def authentication(self) -> AuthenticationView:
        """The authentication of requests."""
        node = self.form.tree.at("authentication")
        return AuthenticationView(node, "authentication", self._at, self._own_tokens)

    @property
    def tls(self) -> RowView:
        """Certificates."""
        return RowView(TLS, self.form.tree.at("tls"), "tls", self._at)

    @property
    def section_problems(self) -> dict[str, tuple[ShownProblem, ...]]:
        """The problems of a section as a whole."""
        return {name: self._at.at(name) for name in ("variables", "secrets", "commands")}

    @property
    def _own_tokens(self) -> Tokens:
        texts = self._preset_texts
        variables = [(row["name"].text, row["value"].text) for row in self.variables]
        known = (
            TokenInfo(
                name=name,
                meaning=texts.get(name, "A variable."),
                kind="variable",
                example=value,
            )
            for name, value in variables
            if name
        )
        secrets = (
            TokenInfo(
                name=each.name,
                meaning=texts.get(each.name, "A secret."),
                kind="secret",
                example="",
            )
            for each in self.form.secrets
            if each.name
        )
        return (*known, *secrets)

    @property
    def functions(self) -> Sequence[FunctionInfo]:
        """The functions that may follow a token's name."""
        return FUNCTIONS

    @property
    def signs_in(self) -> bool:
        """Whether the integration names people who come with a sign-in token."""
        return any(each.command_name == LOGIN_COMMAND for each in self.commands)

    @property
    def addable(self) -> tuple[str, ...]:
        """The commands of the catalogue that the integration doesn't have yet."""
        present = {each.command_name for each in self.commands}
        return tuple(name for name in COMMANDS if name not in present)

    @cached_property
    def clear_keys(self) -> tuple[ShownProblem, ...]:
        """The keys that are typed in clear."""
        return clear_keys_in(self.form)

    @property
    def has_secrets_typed(self) -> bool:
        """Whether a secret was typed that isn't saved yet."""
        return any(each.value for each in self.form.secrets)


def editor_view(
    form: EditorForm, *, sealer: Sealer, problems: Iterable[Problem] = (), focus: str = ""
) -> EditorView:
    """Return *form* with every problem at its field."""
    found = problems_in(form, problems, of_try=False)
    return EditorView(form, found, sealer=sealer, focus=focus)
