"""The editor's page: every field with its text and its mistakes, ready for the templates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.authentication.scheme import Scheme
from billhook.engine.config import METHODS
from billhook.engine.errors import Problem
from billhook.engine.field import FieldInfo
from billhook.engine.tokens.catalogue import COMMANDS, TokenInfo
from billhook.engine.tokens.functions import FUNCTIONS, FunctionInfo
from billhook.portal.editor import words as editor_words
from billhook.portal.editor.authentication_rows import text_of_field
from billhook.portal.editor.form import EditorForm
from billhook.portal.editor.form_rows import AuthenticationRow, SecretRow
from billhook.portal.editor.row_views import Box, Mistake, Mistakes, RowView, mistakes_in
from billhook.portal.editor.step_views import CommandView, StepView, Tokens
from billhook.portal.integrations.models import Keeping, OnFailure
from billhook.portal.integrations.sealer import Sealer


class SecretView(RowView):
    """A secret's row. Its value is never in the page: only whether there is one."""

    def __init__(self, row: SecretRow, id_: str, mistakes: Mistakes, sealer: Sealer) -> None:
        super().__init__(row, id_, mistakes)
        self.secret = row
        self._sealer = sealer

    @property
    def value(self) -> Box:
        """The field for a new value: always empty."""
        return self.mistakes.box(f"{self.id}-value", "")

    @cached_property
    def held(self) -> str:
        """What was typed and isn't saved yet, sealed."""
        return self._sealer.seal(self.secret.value) if self.secret.value else ""

    @property
    def placeholder(self) -> str:
        """What stands in the empty field."""
        if self.secret.value:
            return "Typed, not saved yet"
        return "Stored. Type to replace it" if self.secret.stored_id else "Its value"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeField:
    """A field of a sign-in scheme, and what stands in it."""

    info: FieldInfo
    box: Box

    @property
    def choices(self) -> editor_words.Choices:
        """What may be chosen."""
        if self.info.kind == "boolean":
            return editor_words.BOOLEANS
        return tuple((each, each) for each in self.info.choices)

    @property
    def is_optional(self) -> bool:
        """Whether it may be left empty."""
        return not self.info.required

    @property
    def placeholder(self) -> str:
        """What stands in the empty field."""
        return "{{ApiKey}}" if self.info.secret else ""


class AuthenticationView(RowView):
    """How requests are signed in, with the fields of the chosen scheme."""

    def __init__(self, row: AuthenticationRow, id_: str, mistakes: Mistakes, known: Tokens) -> None:
        super().__init__(row, id_, mistakes)
        self.authentication = row
        self.offered = known

    @property
    def info(self) -> Scheme | None:
        """The chosen scheme."""
        return SCHEMES.get(self.authentication.scheme)

    @property
    def fields(self) -> list[SchemeField]:
        """The fields of the chosen scheme."""
        return [
            SchemeField(info=each, box=self._box(each))
            for each in (self.info.fields if self.info else ())
        ]

    def _box(self, info: FieldInfo) -> Box:
        return self.mistakes.box(
            f"{self.id}-field-{info.key}", text_of_field(self.authentication, info)
        )

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What was typed for other schemes, as hidden fields: it is there if one goes back."""
        shown = {each.info.key for each in self.fields}
        texts = [
            (f"{self.id}-field-{name}", text)
            for name, text in self.authentication.field.items()
            if name not in shown
        ]
        parts = self.info.parts if self.info else ()
        lists = {"extra": "extra", "headers": "headers", "refused_when": "refused"}
        for part, name in lists.items():
            if part not in parts:
                texts += [pair for row in self[name] for pair in row.hidden]
        return texts if "request" in parts else [*texts, *self.request.hidden]

    @property
    def request(self) -> StepView:
        """The request that opens a session."""
        return StepView(
            self.authentication.request, f"{self.id}-request", self.mistakes, self.offered
        )

    @property
    def session_tokens(self) -> Tokens:
        """What a session gives to every text."""
        if self.authentication.scheme != "session":
            return ()
        return tuple(
            TokenInfo(
                name=f"Session.{row.name}", meaning="Of the session.", kind="secret", example=""
            )
            for row in self.authentication.request.extracts
            if row.name
        )


class EditorView:
    """The whole form for the templates. ``mistakes`` are all of them, for the list on top."""

    method_choices = tuple((method, method) for method in METHODS)
    content_types = editor_words.CONTENT_TYPES
    words = editor_words
    failures = OnFailure.choices
    keepings = Keeping.choices

    def __init__(
        self, form: EditorForm, mistakes: Mistakes, *, sealer: Sealer, focus: str = ""
    ) -> None:
        self.form = form
        self.focus = focus
        self.mistakes = mistakes.all
        self._at = mistakes
        self._sealer = sealer

    @property
    def scheme_choices(self) -> editor_words.Choices:
        """The authentication schemes."""
        schemes = ((scheme.name, scheme.title) for scheme in SCHEMES.values())
        return (("", "None, or only in the requests themselves"), *schemes)

    @property
    def name(self) -> Box:
        """The integration's name."""
        return self._at.box("name", self.form.name)

    @cached_property
    def variables(self) -> list[RowView]:
        """The variables."""
        return [
            RowView(row, f"variable-{i}", self._at) for i, row in enumerate(self.form.variables)
        ]

    @cached_property
    def secrets(self) -> list[SecretView]:
        """The secrets."""
        return [
            SecretView(row, f"secret-{index}", self._at, self._sealer)
            for index, row in enumerate(self.form.secrets)
        ]

    @cached_property
    def commands(self) -> list[CommandView]:
        """The commands."""
        known = (*self.authentication.session_tokens, *self._own_tokens)
        return [
            CommandView(row, f"command-{index}", self._at, known)
            for index, row in enumerate(self.form.commands)
        ]

    @cached_property
    def authentication(self) -> AuthenticationView:
        """How requests are signed in."""
        return AuthenticationView(
            self.form.authentication, "authentication", self._at, self._own_tokens
        )

    @property
    def tls(self) -> RowView:
        """Certificates."""
        return RowView(self.form.tls, "tls", self._at)

    @property
    def source_file(self) -> Box:
        """Sign-in and TLS as in a file."""
        return self._at.box("source-file", self.form.source_file)

    @property
    def on_failure(self) -> Box:
        """What VIEW does when it fails."""
        return self._at.box("on_failure", self.form.on_failure)

    @property
    def keeping(self) -> Box:
        """Whether documents are kept."""
        return self._at.box("keeping", self.form.keeping)

    @property
    def has_choices_open(self) -> bool:
        """Whether what VIEW does isn't as by default, or is wrong."""
        usual = EditorForm()
        is_usual = (self.form.on_failure, self.form.keeping) == (usual.on_failure, usual.keeping)
        return not is_usual or self.on_failure.is_wrong or self.keeping.is_wrong

    @property
    def section_mistakes(self) -> dict[str, tuple[Mistake, ...]]:
        """What is wrong with a section as a whole."""
        return {name: self._at.of(name) for name in ("variables", "secrets", "commands")}

    @property
    def _own_tokens(self) -> Tokens:
        variables = (
            TokenInfo(name=v.name, meaning="A variable.", kind="variable", example=v.value)
            for v in self.form.variables
            if v.name
        )
        secrets = (
            TokenInfo(name=s.name, meaning="A secret.", kind="secret", example="")
            for s in self.form.secrets
            if s.name
        )
        return (*variables, *secrets)

    @property
    def functions(self) -> Sequence[FunctionInfo]:
        """The functions that may follow a token's name."""
        return FUNCTIONS

    @property
    def addable(self) -> tuple[str, ...]:
        """The commands of the catalogue that the integration doesn't have yet."""
        there = {row.name for row in self.form.commands}
        return tuple(name for name in COMMANDS if name not in there)

    @property
    def has_secrets_typed(self) -> bool:
        """Whether a secret was typed that isn't saved yet."""
        return any(row.value for row in self.form.secrets)


def editor_view(
    form: EditorForm, *, sealer: Sealer, problems: Iterable[Problem] = (), focus: str = ""
) -> EditorView:
    """Return *form* with every problem at its field."""
    mistakes = mistakes_in(form, problems, of_try=False)
    return EditorView(form, mistakes, sealer=sealer, focus=focus)
