"""The editor's form: rows within rows, read from what was posted and turned into a draft.

Django's own forms are flat. Here a command holds headers, and every row can be added and removed
without JavaScript: a button then posts the whole form with ``do`` saying what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from billhook.engine.config import (
    DEFAULT_ACCEPT,
    DEFAULT_MAX_BYTES,
    DEFAULT_TIMEOUT,
    CommandConfig,
    IntegrationConfig,
    StepConfig,
)
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.files import read_integration, write_integration
from billhook.engine.secret import Secret
from billhook.portal.integrations.drafts import Draft, SecretEntry
from billhook.portal.integrations.models import Keeping, OnFailure
from billhook.portal.integrations.sealing import Sealer

MAX_ROWS: Final = 100
"""Rows of one kind that are read from a form; the engine's own limits are lower."""
_SEPARATORS: Final = re.compile(r"[\s,;]+")
Row = TypeVar("Row")


@dataclass(slots=True, kw_only=True)
class HeaderRow:
    """One header as it stands in the form."""

    name: str = ""
    value: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed."""
        return not (self.name or self.value)


@dataclass(slots=True, kw_only=True)
class CommandRow:
    """One command as it stands in the form: numbers and lists are still text.

    A command that the form's fields can't hold (more than one request, say) stands in ``file``
    alone, as in an integration file.
    """

    name: str = ""
    method: str = "GET"
    url: str = ""
    headers: list[HeaderRow] = field(default_factory=list)
    body: str = ""
    is_crlf: bool = False
    """Whether the body's lines end with CR LF, as multipart needs; browsers show both alike."""
    tokens: str = ""
    accept: str = ", ".join(DEFAULT_ACCEPT)
    timeout: str = f"{DEFAULT_TIMEOUT:g}"
    max_bytes: str = str(DEFAULT_MAX_BYTES)
    redirects: str = "follow"
    file: str = ""


@dataclass(slots=True, kw_only=True)
class VariableRow:
    """One variable as it stands in the form."""

    name: str = ""
    value: str = ""


@dataclass(slots=True, kw_only=True)
class SecretRow:
    """One secret as it stands in the form."""

    name: str = ""
    stored_id: str = ""
    value: Secret | None = None


@dataclass(slots=True, kw_only=True)
class EditorForm:
    """Everything in the form, as typed."""

    name: str = ""
    version: int = 0
    variables: list[VariableRow] = field(default_factory=list)
    secrets: list[SecretRow] = field(default_factory=list)
    commands: list[CommandRow] = field(default_factory=list)
    source_file: str = ""
    """The tables [sign_in] and [tls], as in an integration file."""
    preset: str = ""
    on_failure: str = OnFailure.STOP
    keeping: str = Keeping.CHECKED
    number: str = ""
    """The invoice number to try with."""
    others: str = ""
    """Other values to try with, a line for each."""
    tried: int = 0
    """Which command is tried."""


def new_form(*, command: str) -> EditorForm:
    """Return the form of a new integration with one command and a row for its first header."""
    return EditorForm(commands=[new_command(command)])


def new_command(name: str = "") -> CommandRow:
    """Return an empty command with one request."""
    return CommandRow(name=name, headers=[HeaderRow()])


def read_form(posted: Mapping[str, str], sealer: Sealer) -> EditorForm:
    """Return what was posted. Secrets that an earlier round sealed are opened."""
    return EditorForm(
        name=_text(posted, "name"),
        version=_whole(posted, "version"),
        variables=_rows(posted, "variable", lambda key: _read_variable(posted, key)),
        secrets=_rows(posted, "secret", lambda key: _read_secret(posted, key, sealer)),
        commands=_rows(posted, "command", lambda key: _read_command(posted, key)),
        source_file=_text(posted, "source-file"),
        preset=_text(posted, "preset"),
        on_failure=_text(posted, "on_failure") or OnFailure.STOP,
        keeping=_text(posted, "keeping") or Keeping.CHECKED,
        number=_text(posted, "try-number").strip(),
        others=_text(posted, "try-others"),
        tried=_whole(posted, "try-command"),
    )


def _read_variable(posted: Mapping[str, str], key: str) -> VariableRow:
    return VariableRow(
        name=_text(posted, f"{key}-name").strip(), value=_text(posted, f"{key}-value")
    )


def _read_secret(posted: Mapping[str, str], key: str, sealer: Sealer) -> SecretRow:
    typed, held = _text(posted, f"{key}-value"), _text(posted, f"{key}-held")
    return SecretRow(
        name=_text(posted, f"{key}-name").strip(),
        stored_id=_text(posted, f"{key}-stored"),
        value=Secret(typed) if typed else sealer.open(held) if held else None,
    )


def _read_command(posted: Mapping[str, str], key: str) -> CommandRow:
    return CommandRow(
        name=_text(posted, f"{key}-name").strip(),
        method=_text(posted, f"{key}-method"),
        url=_text(posted, f"{key}-url").strip(),
        headers=_rows(posted, f"{key}-header", lambda header: _read_header(posted, header)),
        body=_text(posted, f"{key}-body"),
        is_crlf=_text(posted, f"{key}-breaks") == "crlf",
        tokens=_text(posted, f"{key}-tokens"),
        accept=_text(posted, f"{key}-accept"),
        timeout=_text(posted, f"{key}-timeout"),
        max_bytes=_text(posted, f"{key}-max_bytes"),
        redirects=_text(posted, f"{key}-redirects"),
        file=_text(posted, f"{key}-file"),
    )


def _read_header(posted: Mapping[str, str], key: str) -> HeaderRow:
    return HeaderRow(
        name=_text(posted, f"{key}-name").strip(), value=_text(posted, f"{key}-value").strip()
    )


def _text(posted: Mapping[str, str], key: str) -> str:
    return posted.get(key, "").replace("\r\n", "\n")  # HTML posts line breaks as CR LF


def _whole(posted: Mapping[str, str], key: str) -> int:
    text = posted.get(key, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004


def _rows(posted: Mapping[str, str], kind: str, read: Callable[[str], Row]) -> list[Row]:
    pattern = re.compile(rf"{re.escape(kind)}-([0-9]{{1,4}})-.*")
    found = {int(match[1]) for key in posted if (match := pattern.fullmatch(key))}
    return [read(f"{kind}-{index}") for index in sorted(found)[:MAX_ROWS]]


def form_of(draft: Draft, *, version: int = 0) -> EditorForm:
    """Return the form that shows *draft*."""
    return EditorForm(
        name=draft.name,
        version=version,
        variables=[VariableRow(name=name, value=text) for name, text in draft.variables.items()],
        secrets=[
            SecretRow(name=entry.name, stored_id=entry.stored_id, value=entry.value)
            for entry in draft.secrets
        ],
        commands=[_command_row(config) for config in draft.commands],
        source_file=_source_text(draft),
        preset=draft.preset,
        on_failure=draft.on_failure,
        keeping=draft.keeping,
    )


def _source_text(draft: Draft) -> str:
    """Return sign-in and TLS of *draft* as their part of an integration file."""
    config = IntegrationConfig(name="x", sign_in=draft.sign_in, tls=draft.tls)
    return write_integration(config).removeprefix(write_integration(IntegrationConfig(name="x")))


def _command_row(config: CommandConfig) -> CommandRow:
    if not config.steps:
        return CommandRow(name=config.name, file=_file_text(config))
    step = config.steps[0]
    row = CommandRow(
        name=config.name,
        method=step.method,
        url=step.url,
        headers=[HeaderRow(name=name, value=value) for name, value in step.headers],
        body=step.body.replace("\r\n", "\n"),
        is_crlf="\r\n" in step.body,
        tokens=", ".join(config.tokens),
        accept=", ".join(config.accept),
        timeout=str(config.timeout).removesuffix(".0"),
        max_bytes=str(config.max_bytes),
        redirects=config.redirects,
    )
    fits = _config_of_fields(row) == config
    return row if fits else CommandRow(name=config.name, file=_file_text(config))


def _file_text(config: CommandConfig) -> str:
    """Return *config* as its part of an integration file."""
    file = write_integration(IntegrationConfig(name="x", commands=(config,)))
    return file[min(at for at in (file.find("[commands."), file.find("[[commands.")) if at >= 0) :]


def to_draft(form: EditorForm) -> Draft:
    """Return the draft in *form*. A number that is none becomes 0, which the engine refuses.

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
            if row.name or row.value or row.stored_id
        ),
        sign_in=source.sign_in,
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
    typed = read_integration(f'format = 1\n[integration]\nname = "x"\n{form.source_file}')
    if typed.commands:
        message = "Here stand [sign_in] and [tls] alone. Put commands into fields of their own."
        raise ConfigurationError((Problem(code="misplaced-key", where="sign_in", message=message),))
    return replace(
        typed,
        name=form.name,
        variables={row.name: row.value for row in form.variables if row.name or row.value},
        secrets=tuple(row.name for row in form.secrets if row.name),
    )


def config_of(row: CommandRow) -> CommandConfig:
    """Return the command in *row*; raise ConfigurationError if its file can't be read."""
    return _config_of_file(row) if row.file.strip() else _config_of_fields(row)


def _config_of_file(row: CommandRow) -> CommandConfig:
    config = read_integration(f'format = 1\n[integration]\nname = "x"\n{row.file}')
    if len(config.commands) != 1:
        message = f"There must be one command here; there are {len(config.commands)}."
        problem = Problem(code="one-command", where=f"commands.{row.name}", message=message)
        raise ConfigurationError((problem,))
    return config.commands[0]


def _config_of_fields(row: CommandRow) -> CommandConfig:
    step = StepConfig(
        method=row.method,
        url=row.url,
        headers=tuple((h.name, h.value) for h in row.headers if not h.is_empty),
        body=row.body.replace("\n", "\r\n") if row.is_crlf else row.body,
    )
    return CommandConfig(
        name=row.name,
        steps=(step,),
        tokens=_words(row.tokens),
        accept=_words(row.accept),
        redirects=row.redirects,
        timeout=_number(row.timeout),
        max_bytes=int(_number(row.max_bytes)),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in _SEPARATORS.split(text) if word)


def _number(text: str) -> float:
    plain = text.strip().replace(",", "").replace("_", "").replace(" ", "")
    return float(plain) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", plain) else 0.0


def form_problems(form: EditorForm) -> Iterator[Problem]:
    """Say what a draft can't hold: two variables of one name, of which the first would be lost."""
    names = [row.name for row in form.variables if row.name]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(
            code="duplicate-name",
            where=f"integration.variables.{name}",
            message=f"There are two variables {name}. Give each its own name, or remove one.",
        )
