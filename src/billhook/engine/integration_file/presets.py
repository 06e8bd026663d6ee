"""Presets: shipped integration files for known systems, each with instructions for members."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

from billhook.engine.config import IntegrationConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.field import boolean, describe, described
from billhook.engine.integration_file.fields import read_fields
from billhook.engine.integration_file.file import examine_integration, locate, parse_toml
from billhook.engine.integration_file.tables import Table
from billhook.engine.tokens.catalogue import nearest

_FOLDER: Final = files("billhook") / "presets"
_SUFFIX: Final = ".toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetField:
    """A variable or secret that a member fills in. ``token`` is its name."""

    token: str = field(
        metadata=describe(
            "Token", "The name of the variable or secret.", required=True, example="ApiKey"
        )
    )
    label: str = field(
        metadata=describe("Label", "Its name for people.", required=True, example="API key")
    )
    example: str = described("Example", "An example of a value.", default="")
    help: str = described("Help", "Where to find it.", default="")
    usual: bool = boolean(
        "Usual", "The variable's value in the file is right for most, and not an example."
    )

    @property
    def about(self) -> str:
        """The label and the help as one text, for a form that already shows the token."""
        return f"{self.label}. {self.help}".strip() if self.help else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A known system, ready except for its fields."""

    name: str
    title: str = described("Title", "The system's name for people.", default="")
    site: str = described("Site", "The address of its web site.", default="")
    sources_row: str = described("Source", "Its name in the list of sources.", default="")
    get: tuple[str, ...] = described(
        "Steps", "The steps there that lead to the values to fill in.", kind="words", default=()
    )
    notes: tuple[str, ...] = described(
        "Notes", "Things to know, and everything that isn't verified.", kind="words", default=()
    )
    run_against: tuple[str, ...] = described(
        "Run against",
        "The versions of the real system that it was run against.",
        kind="words",
        default=(),
    )
    fields: tuple[PresetField, ...] = described(
        "Fields", "The values to fill in.", kind="preset-fields", default=()
    )
    integration: IntegrationConfig

    def is_secret(self, field: PresetField) -> bool:
        """Return whether *field* is a secret rather than a variable."""
        return field.token in self.integration.secrets


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets, in order."""
    names = (entry.name for entry in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def list_presets() -> tuple[Preset, ...]:
    """Return all presets, in the order of their titles."""
    presets = (read_preset(name) for name in preset_names())
    return tuple(sorted(presets, key=lambda preset: preset.title.casefold()))


def preset_text(name: str) -> str:
    """Return the file of the preset called *name*; raise ConfigurationError if there is none."""
    if name in preset_names():
        return (_FOLDER / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    near = nearest(name, preset_names())
    advice = f"Did you mean {near}?" if near else "billhook presets list shows all of them."
    message = f'There is no preset "{name}". {advice}'
    raise ConfigurationError((Problem(code="unknown-preset", message=message, suggestion=near),))


@cache
def read_preset(name: str) -> Preset:
    """Return the preset called *name*, read once; raise ConfigurationError if there is none."""
    return parse_preset(name, preset_text(name))


def parse_preset(name: str, text: str) -> Preset:
    """Read *text* as the preset called *name*; raise ConfigurationError with every problem."""
    integration, form_problems = examine_integration(text)
    problems: list[Problem] = []
    whole = Table(parse_toml(text), "", problems)
    if "preset" not in whole:
        whole.report("missing-key", 'The table [preset] is missing. Write it with a title = "…".')
    preset = _read_preset(name, whole.table("preset"), integration)
    problems += form_problems
    if problems:
        raise ConfigurationError(locate(problems, text))
    return preset


def _read_preset(name: str, table: Table, integration: IntegrationConfig) -> Preset:
    values = read_fields(Preset, table, without=("fields",))
    title = values.pop("title") or name
    preset = Preset(
        name=name,
        title=title,
        sources_row=values.pop("sources_row") or title,
        fields=tuple(_read_field(each, integration) for each in table.tables("fields")),
        integration=integration,
        **values,
    )
    table.end()
    return preset


def _read_field(table: Table, integration: IntegrationConfig) -> PresetField:
    found = PresetField(**read_fields(PresetField, table))
    table.end()
    known = (*integration.variables, *integration.secrets)
    if found.token and found.token not in known:
        near = nearest(found.token, known)
        message = f"{found.token} is neither a variable nor a secret of the integration."
        table.report("unknown-token", message, key="token", suggestion=near)
    return found
