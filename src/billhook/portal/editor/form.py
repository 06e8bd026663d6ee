"""The editor's form: rows within rows, read from what was posted and turned into a draft.

Every row can be added and removed without JavaScript: a button then posts the whole form with
``do`` saying what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from billhook.engine.config import (
    AnswerConfig,
    AuthenticationConfig,
    CommandConfig,
    IntegrationConfig,
    TlsConfig,
)
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration_file.file import read_integration, write_integration
from billhook.engine.secret import Secret
from billhook.portal.editor.authentication_rows import (
    authentication_config,
    authentication_row,
    tls_config,
    tls_row,
)
from billhook.portal.editor.form_rows import (
    AuthenticationRow,
    CommandRow,
    HeaderRow,
    SecretRow,
    StepRow,
    TlsRow,
    VariableRow,
)
from billhook.portal.editor.row_configs import command_config, command_row
from billhook.portal.editor.rows import (
    LINES,
    Posted,
    Row,
    posted_again,
    read_row,
    row_of,
    rows_of,
    tree_of,
)
from billhook.portal.integrations.drafts import Draft, SecretEntry
from billhook.portal.integrations.models import Keeping, OnFailure
from billhook.portal.integrations.sealer import Sealer


@dataclass(slots=True, kw_only=True)
class EditorForm(Row):
    """Everything in the form, as typed.

    Where sign-in and TLS can't stand in fields, they stand in ``source_file`` alone, as in an
    integration file. ``number``, ``others`` and ``tried`` are those of Try it: the invoice, other
    values with a line for each, and which command it is.
    """

    name: str = ""
    version: int = 0
    variables: list[VariableRow] = rows_of(lambda: VariableRow, "variable")
    secrets: list[SecretRow] = rows_of(lambda: SecretRow, "secret")
    commands: list[CommandRow] = rows_of(lambda: CommandRow, "command")
    authentication: AuthenticationRow = row_of(AuthenticationRow)
    tls: TlsRow = row_of(TlsRow)
    source_file: str = field(default="", metadata={**LINES, "key": "source-file"})
    preset: str = ""
    on_failure: str = OnFailure.STOP.value
    keeping: str = Keeping.CHECKED.value
    number: str = field(default="", metadata={"key": "try-number"})
    others: str = field(default="", metadata={**LINES, "key": "try-others"})
    tried: int = field(default=0, metadata={"key": "try-command"})


def new_form(*, command: str) -> EditorForm:
    """Return the form of a new integration with one command and a row for its first header."""
    return EditorForm(commands=[new_command(command)])


def new_command(name: str = "") -> CommandRow:
    """Return an empty command with one request."""
    return CommandRow(name=name, steps=[StepRow(headers=[HeaderRow()])])


def read_form(posted: Mapping[str, str], sealer: Sealer) -> EditorForm:
    """Return what was posted. Secrets that an earlier round sealed are opened."""
    tree = tree_of(posted)
    form = read_row(EditorForm, tree)
    for row, each in zip(form.secrets, tree.at("secret").rows, strict=True):
        row.value = _secret_value(each, sealer)
    return form


def _secret_value(posted: Posted, sealer: Sealer) -> Secret | None:
    typed, held = posted.at("value").text, posted.at("held").text
    return Secret(typed) if typed else sealer.open(held) if held else None


def form_of(draft: Draft, *, version: int = 0) -> EditorForm:
    """Return the form that shows *draft*."""
    authentication, tls = authentication_row(draft.authentication), tls_row(draft.tls)
    fits = _sources_of(authentication, tls) == (draft.authentication, draft.tls)
    return EditorForm(
        name=draft.name,
        version=version,
        variables=[VariableRow(name=name, value=text) for name, text in draft.variables.items()],
        secrets=[
            SecretRow(name=entry.name, stored_id=entry.stored_id, value=entry.value)
            for entry in draft.secrets
        ],
        commands=[_command_row(config) for config in draft.commands],
        authentication=authentication if fits else AuthenticationRow(),
        tls=tls if fits else TlsRow(),
        source_file="" if fits else _source_text(draft),
        preset=draft.preset,
        on_failure=draft.on_failure,
        keeping=draft.keeping,
    )


def _sources_of(
    authentication: AuthenticationRow, tls: TlsRow
) -> tuple[AuthenticationConfig | None, TlsConfig | None]:
    """Return what becomes of the rows once a browser has posted them."""
    return authentication_config(posted_again(authentication)), tls_config(posted_again(tls))


def _source_text(draft: Draft) -> str:
    """Return sign-in and TLS of *draft* as their part of an integration file."""
    config = IntegrationConfig(name="x", authentication=draft.authentication, tls=draft.tls)
    return write_integration(config).removeprefix(write_integration(IntegrationConfig(name="x")))


def _command_row(config: CommandConfig) -> CommandRow:
    """Return *config* in fields, or as a file if it wouldn't come back from them as it is."""
    row = command_row(config)
    fits = bool(config.steps) and command_config(posted_again(row)) == _shortest(config)
    return row if fits else CommandRow(name=config.name, file=_file_text(config))


def _shortest(config: CommandConfig) -> CommandConfig:
    """Return *config* without an answer that says what is so without it."""
    *earlier, last = config.steps
    if last.answer != AnswerConfig():
        return config
    return replace(config, steps=(*earlier, replace(last, answer=None)))


def _file_text(config: CommandConfig) -> str:
    """Return *config* as its part of an integration file."""
    file = write_integration(IntegrationConfig(name="x", commands=(config,)))
    return file[min(at for at in (file.find("[commands."), file.find("[[commands.")) if at >= 0) :]


def to_draft(form: EditorForm) -> Draft:
    """Return the draft in *form*. A number that is none becomes one that the engine refuses.

    Raises:
        ConfigurationError: where a part that stands there as a file can't be read.
    """
    source = source_config_of(form)
    return Draft(
        name=form.name,
        variables=source.variables,
        secrets=tuple(
            SecretEntry(name=row.name, value=row.value, stored_id=row.stored_id)
            for row in form.secrets
            if not row.is_untouched
        ),
        authentication=source.authentication,
        tls=source.tls,
        commands=tuple(config_of(row) for row in form.commands),
        preset=form.preset,
        on_failure=form.on_failure,
        keeping=form.keeping,
    )


def source_config_of(form: EditorForm) -> IntegrationConfig:
    """Return everything in *form* but its commands; raise ConfigurationError if it can't be read.

    Of secrets it has the names.
    """
    authentication, tls = authentication_config(form.authentication), tls_config(form.tls)
    if form.source_file.strip():
        typed = read_integration(f'format = 1\n[integration]\nname = "x"\n{form.source_file}')
        _refuse_commands(typed)
        authentication, tls = typed.authentication, typed.tls
    return IntegrationConfig(
        name=form.name,
        variables={row.name: row.value for row in form.variables if not row.is_untouched},
        secrets=tuple(row.name for row in form.secrets if row.name),
        authentication=authentication,
        tls=tls,
    )


def _refuse_commands(typed: IntegrationConfig) -> None:
    if typed.commands:
        message = (
            "Here stand [authentication] and [tls] alone. Put commands into fields of their own."
        )
        raise ConfigurationError(
            (Problem(code="misplaced-key", where="authentication", message=message),)
        )


def config_of(row: CommandRow) -> CommandConfig:
    """Return the command in *row*; raise ConfigurationError if its file can't be read."""
    return _config_of_file(row) if row.file.strip() else command_config(row)


def _config_of_file(row: CommandRow) -> CommandConfig:
    config = read_integration(f'format = 1\n[integration]\nname = "x"\n{row.file}')
    if len(config.commands) != 1:
        message = f"There must be one command here; there are {len(config.commands)}."
        problem = Problem(code="one-command", where=f"commands.{row.name}", message=message)
        raise ConfigurationError((problem,))
    return config.commands[0]


def form_problems(form: EditorForm) -> Iterator[Problem]:
    """Say what a draft can't hold: two names of one kind, of which the first would be lost."""
    yield from _twice(form.variables, "integration.variables", "variables")
    yield from _twice(form.authentication.extra, "authentication.extra", "parameters")


def _twice(rows: list[VariableRow], where: str, kind: str) -> Iterator[Problem]:
    names = [row.name for row in rows if row.name]
    for name in sorted({name for name in names if names.count(name) > 1}):
        message = f"There are two {kind} {name}. Give each its own name, or remove one."
        yield Problem(code="duplicate-name", where=f"{where}.{name}", message=message)
