"""The pages of presets: the gallery, and one preset with its fields, ready for the templates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.config import IntegrationConfig, StepConfig
from billhook.engine.errors import Problem
from billhook.engine.integration_file.presets import Preset, PresetField, list_presets
from billhook.portal.editor.preset_form import PresetForm
from billhook.portal.integrations.sealer import Sealer

CONNECTED: Final = "oauth2-authorization-code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One preset in the gallery: ``needs`` are the labels of the fields to fill in."""

    name: str
    title: str
    needs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Presets that are set up in the same way."""

    title: str
    meaning: str
    cards: tuple[Card, ...]


_GROUPS: Final = (
    ("With a key or a password", "You copy it from the system into a form."),
    ("With a sign-in there", "You register Billhook there once, and connect it with two clicks."),
    ("With a link only", "The system has no document to give: contacts are sent to its page."),
)


def groups_of(search: str) -> tuple[Group, ...]:
    """Return the presets whose title or name holds *search*, in their groups."""
    cards: tuple[list[Card], ...] = tuple([] for _ in _GROUPS)
    wanted = search.casefold().split()
    for preset in list_presets():
        name = f"{preset.title} {preset.sources_row} {preset.name}".casefold()
        if all(word in name for word in wanted):
            cards[_group(preset.integration)].append(_card(preset))
    return tuple(
        Group(title=title, meaning=meaning, cards=tuple(found))
        for (title, meaning), found in zip(_GROUPS, cards, strict=True)
        if found
    )


def _group(integration: IntegrationConfig) -> int:
    locations = [command.steps[-1].answer for command in integration.commands]
    if all(location is not None and location.kind == "link" for location in locations):
        return 2
    return 1 if _is_connected(integration) else 0


def _is_connected(integration: IntegrationConfig) -> bool:
    return integration.authentication is not None and integration.authentication.scheme == CONNECTED


def _card(preset: Preset) -> Card:
    labels = (each.label for each in preset.fields if not each.usual)
    return Card(name=preset.name, title=preset.title, needs=", ".join(labels))


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One field of a preset's form. The value of a secret is never in the page."""

    field: PresetField
    id: str
    text: str
    is_secret: bool
    held: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """One request of a preset, for people, with its templates as they are written."""

    name: str
    method: str
    url: str
    takes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetView:
    """A preset's page."""

    preset: Preset
    name: str
    name_problems: tuple[str, ...]
    fields: tuple[FieldView, ...]
    problems: tuple[Problem, ...]
    sketches: tuple[Sketch, ...]
    authentication: str
    is_connected: bool

    @property
    def other_problems(self) -> tuple[Problem, ...]:
        """The problems that concern none of the fields."""
        return tuple(each for each in self.problems if not field_id_of(self.preset, each.where))


def preset_view(
    form: PresetForm, *, sealer: Sealer, problems: Iterable[Problem] = ()
) -> PresetView:
    """Return *form* with every problem at its field."""
    preset, found = form.preset, tuple(problems)
    authentication = preset.integration.authentication
    scheme = SCHEMES.get(authentication.scheme) if authentication else None
    return PresetView(
        preset=preset,
        name=form.name,
        name_problems=_messages(preset, found, "name"),
        fields=tuple(_field(form, each, found, sealer) for each in preset.fields),
        problems=found,
        sketches=tuple(_sketches(preset.integration)),
        authentication=scheme.title if scheme else "",
        is_connected=_is_connected(preset.integration),
    )


def _field(
    form: PresetForm, field: PresetField, problems: tuple[Problem, ...], sealer: Sealer
) -> FieldView:
    id_ = f"field-{field.token}"
    secret = form.secrets.get(field.token)
    return FieldView(
        field=field,
        id=id_,
        text=form.texts.get(field.token, ""),
        is_secret=form.preset.is_secret(field),
        held=sealer.seal(secret) if secret else "",
        problems=_messages(form.preset, problems, id_),
    )


def _messages(preset: Preset, problems: Iterable[Problem], id_: str) -> tuple[str, ...]:
    return tuple(each.message for each in problems if field_id_of(preset, each.where) == id_)


def field_id_of(preset: Preset, where: str) -> str:
    """Return the id of the field of the form that *where* means, or nothing."""
    if where == "integration.name":
        return "name"
    name = where.rpartition(".")[2]
    starts = ("integration.variables.", "secrets.")
    is_field = where.startswith(starts) and any(each.token == name for each in preset.fields)
    return f"field-{name}" if is_field else ""


def _sketches(integration: IntegrationConfig) -> Iterable[Sketch]:
    if integration.authentication is not None:
        yield from (_sketch(each, "Session") for each in integration.authentication.requests)
    for command in integration.commands:
        for step in command.steps:
            yield _sketch(step, step.name)
            yield from (_sketch(inner, inner.name) for inner in step.on_not_found)


def _sketch(step: StepConfig, name: str) -> Sketch:
    takes = ", ".join(each.name for each in step.extract)
    return Sketch(name=name, method=step.method, url=step.url, takes=takes)
