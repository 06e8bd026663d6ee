"""The editor's page: every field with its text and its mistakes, ready for the templates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from billhook.engine.compiling import METHODS, METHODS_WITH_BODY
from billhook.engine.errors import Problem
from billhook.engine.functions import FUNCTIONS, FunctionInfo
from billhook.engine.tokens import COMMANDS, SYSTEM_TOKENS, CatalogueCommand, TokenInfo
from billhook.portal.integrations.forms import CommandRow, EditorForm, SecretRow
from billhook.portal.integrations.models import Keeping, OnFailure
from billhook.portal.integrations.places import Place, field_of
from billhook.portal.integrations.sealing import Sealer
from billhook.portal.integrations.trial import Trial

CONTENT_TYPES: Final = (
    ("application/json", "JSON"),
    ("application/x-www-form-urlencoded", "Form data"),
    ("application/xml", "XML"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One problem as the page tells it: ``use`` is the button's ``do`` for the suggestion."""

    message: str
    place: Place | None
    suggestion: str
    use: str
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark that hinders nothing, and the button that does what it proposes."""

    message: str
    suggestion: str
    use: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One field: its id (and name), its text and its mistakes."""

    id: str
    text: str
    mistakes: tuple[Mistake, ...] = ()

    @property
    def is_wrong(self) -> bool:
        """Whether there is a mistake in it."""
        return bool(self.mistakes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A row of two fields, and what its X does."""

    name: Box
    value: Box
    remove: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretView:
    """A secret's row. Its value is never in the page: only whether there is one."""

    name: Box
    value: Box
    stored_id: str
    held: str
    id: str
    remove: str

    @property
    def placeholder(self) -> str:
        """What stands in the empty field."""
        if self.held:
            return "Typed, not saved yet"
        return "Stored. Type to replace it" if self.stored_id else "Its value"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandView:
    """A command with all its fields."""

    index: int
    id: str
    row: CommandRow
    name: Box
    method: Box
    url: Box
    body: Box
    headers: tuple[Pair, ...]
    tokens: Box
    accept: Box
    timeout: Box
    max_bytes: Box
    redirects: Box
    file: Box
    offered: tuple[TokenInfo, ...]

    @property
    def known(self) -> CatalogueCommand | None:
        """What the catalogue says of the command, if it knows it."""
        return COMMANDS.get(self.row.name)

    @property
    def takes_body(self) -> bool:
        """Whether the method takes a body, or one was typed."""
        return self.row.method in METHODS_WITH_BODY or bool(self.row.body)

    @property
    def content_type(self) -> str:
        """What the Content-Type row says."""
        named = [row.value for row in self.row.headers if row.name.lower() == "content-type"]
        return named[0] if named else ""

    @property
    def has_limits_open(self) -> bool:
        """Whether something under Limits is wrong or isn't as by default."""
        boxes = (self.accept, self.timeout, self.max_bytes, self.redirects)
        usual = CommandRow()
        is_usual = (self.row.accept, self.row.timeout, self.row.max_bytes, self.row.redirects) == (
            usual.accept,
            usual.timeout,
            usual.max_bytes,
            usual.redirects,
        )
        return any(box.is_wrong for box in boxes) or not is_usual


@dataclass(frozen=True, slots=True, kw_only=True)
class EditorView:
    """The whole form for the templates. ``mistakes`` are all of them, for the list on top."""

    form: EditorForm
    name: Box
    variables: tuple[Pair, ...]
    secrets: tuple[SecretView, ...]
    commands: tuple[CommandView, ...]
    mistakes: tuple[Mistake, ...]
    section_mistakes: dict[str, tuple[Mistake, ...]]
    focus: str

    methods = METHODS
    content_types = CONTENT_TYPES
    failures = OnFailure.choices
    keepings = Keeping.choices

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
        return any(secret.held for secret in self.secrets)


def editor_view(
    form: EditorForm, *, sealer: Sealer, problems: Iterable[Problem] = (), focus: str = ""
) -> EditorView:
    """Return *form* with every problem at its field."""
    mistakes = tuple(_mistake(form, problem, str(at)) for at, problem in enumerate(problems))
    at = _At(mistakes)
    return EditorView(
        form=form,
        name=at.box("name", form.name),
        variables=tuple(
            Pair(
                name=at.box(f"variable-{i}-name", row.name),
                value=at.box(f"variable-{i}-value", row.value),
                remove=f"remove-variable:{i}",
            )
            for i, row in enumerate(form.variables)
        ),
        secrets=tuple(_secret(i, row, at, sealer) for i, row in enumerate(form.secrets)),
        commands=tuple(_command(i, row, at, form) for i, row in enumerate(form.commands)),
        mistakes=mistakes,
        section_mistakes={
            name: at.of(name) for name in ("variables", "secrets", "commands") if at.of(name)
        },
        focus=focus,
    )


def preview_mistakes(form: EditorForm, trial: Trial) -> dict[str, Any]:
    """Return what the preview says is missing, or what it notes, each with its remedy."""
    return {
        "invoice_values": trial.invoice_values,
        "trial_mistakes": [
            _mistake(form, problem, f"try:{number}")
            for number, problem in enumerate(trial.problems)
        ],
        "notes": [
            Note(
                message=note.message,
                suggestion=note.suggestion or "",
                use=_remedy(note, trial),
            )
            for note in (trial.command.notes if trial.command else ())
        ],
    }


def _remedy(note: Problem, trial: Trial) -> str:
    if note.code != "no-content-type" or not note.suggestion:
        return ""
    return f"content-type:{trial.command_id.removeprefix('command-')}:{note.suggestion}"


class _At:
    """The mistakes by the id of their field."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self._mistakes = mistakes

    def of(self, id_: str) -> tuple[Mistake, ...]:
        return tuple(each for each in self._mistakes if each.place and each.place.id == id_)

    def box(self, id_: str, text: str) -> Box:
        return Box(id=id_, text=text, mistakes=self.of(id_))


def _mistake(form: EditorForm, problem: Problem, at: str) -> Mistake:
    place = field_of(form, problem.where)
    can_use = problem.suggestion is not None and place is not None and place.write is not None
    start, end = problem.start, problem.end
    is_part = place is not None and start is not None and end is not None
    return Mistake(
        message=problem.message,
        place=place,
        suggestion=problem.suggestion or "",
        use=f"use:{at}" if can_use else "",
        excerpt=place.text[start:end] if place is not None and is_part else "",
    )


def _secret(index: int, row: SecretRow, at: _At, sealer: Sealer) -> SecretView:
    start = f"secret-{index}"
    return SecretView(
        id=start,
        name=at.box(f"{start}-name", row.name),
        value=at.box(f"{start}-value", ""),
        stored_id=row.stored_id,
        held=sealer.seal(row.value) if row.value else "",
        remove=f"remove-secret:{index}",
    )


def _command(index: int, row: CommandRow, at: _At, form: EditorForm) -> CommandView:
    start = f"command-{index}"
    boxes = {
        key: at.box(f"{start}-{key}", getattr(row, key))
        for key in (
            "name", "method", "url", "body", "tokens", "accept", "timeout", "max_bytes",
            "redirects", "file",
        )
    }  # fmt: skip
    return CommandView(
        index=index,
        id=start,
        row=row,
        headers=tuple(
            Pair(
                name=at.box(f"{start}-header-{i}-name", header.name),
                value=at.box(f"{start}-header-{i}-value", header.value),
                remove=f"remove-header:{index}:{i}",
            )
            for i, header in enumerate(row.headers)
        ),
        offered=_offered(row, form),
        **boxes,
    )


def _offered(row: CommandRow, form: EditorForm) -> tuple[TokenInfo, ...]:
    """Return the tokens that may stand in the command's texts, the likeliest first."""
    known = COMMANDS.get(row.name)
    own = (
        TokenInfo(name=name, meaning="A token of this command.", example="")
        for name in row.tokens.replace(",", " ").split()
    )
    variables = (
        TokenInfo(name=v.name, meaning="A variable.", kind="variable", example=v.value)
        for v in form.variables
        if v.name
    )
    secrets = (
        TokenInfo(name=s.name, meaning="A secret.", kind="secret", example="")
        for s in form.secrets
        if s.name
    )
    return (*variables, *secrets, *(known.tokens if known else ()), *own, *SYSTEM_TOKENS)
