"""The presets: shipped integration files for known systems, each with what a member has to know."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from billhook.engine.config import IntegrationConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration_file.file import examine_integration, locate, parse_toml
from billhook.engine.integration_file.tables import Table
from billhook.engine.tokens.catalogue import nearest

_FOLDER: Final = files("billhook") / "presets"
_SUFFIX: Final = ".toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetField:
    """A variable or secret that a member fills in. ``token`` is its name.

    ``usual`` says that the variable's value in the file is right for most, and not an example.
    """

    token: str
    label: str
    example: str = ""
    help: str = ""
    usual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A known system, ready but for its fields.

    ``get`` are the steps with which a member gets what is to be filled in, ``notes`` say what is
    not verified. ``sources_row`` is the system's name in the list of sources.
    """

    name: str
    title: str
    site: str
    get: tuple[str, ...]
    notes: tuple[str, ...]
    fields: tuple[PresetField, ...]
    sources_row: str
    integration: IntegrationConfig

    def is_secret(self, field: PresetField) -> bool:
        """Say whether *field* is a secret rather than a variable."""
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
    advice = f"Did you mean {near}?" if near else "billhook presets list names them all."
    message = f'There is no preset "{name}". {advice}'
    raise ConfigurationError((Problem(code="unknown-preset", message=message, suggestion=near),))


def read_preset(name: str) -> Preset:
    """Return the preset called *name*; raise ConfigurationError if there is none."""
    return parse_preset(name, preset_text(name))


def parse_preset(name: str, text: str) -> Preset:
    """Read *text* as the preset called *name*; raise ConfigurationError with every mistake."""
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
    preset = Preset(
        name=name,
        title=table.text("title", name),
        site=table.text("site"),
        get=table.texts("get"),
        notes=table.texts("notes"),
        fields=tuple(_read_field(each, integration) for each in table.tables("fields")),
        sources_row=table.text("sources_row", table.text("title", name)),
        integration=integration,
    )
    table.end()
    return preset


def _read_field(table: Table, integration: IntegrationConfig) -> PresetField:
    field = PresetField(
        token=table.required_text("token", "ApiKey"),
        label=table.required_text("label", "API key"),
        example=table.text("example"),
        help=table.text("help"),
        usual=table.boolean("usual"),
    )
    table.end()
    known = (*integration.variables, *integration.secrets)
    if field.token and field.token not in known:
        near = nearest(field.token, known)
        message = f"{field.token} is neither a variable nor a secret of the integration."
        table.report("unknown-token", message, key="token", suggestion=near)
    return field
