"""A preset as a form with only its fields, and the integration that it makes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from billhook.engine.errors import Problem
from billhook.engine.integration_file.presets import Preset, PresetField
from billhook.engine.secret import Secret
from billhook.portal.editor.tree import Node, tree_of
from billhook.portal.integrations.drafts import Draft, SecretEntry, draft_of_file
from billhook.portal.integrations.sealer import Sealer


@dataclass(slots=True, kw_only=True)
class PresetForm:
    """The texts of the variables and the secrets that were typed for a preset."""

    preset: Preset
    name: str
    texts: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)


def new_preset_form(preset: Preset, *, taken: Collection[str]) -> PresetForm:
    """Return the empty form, with usual values filled in; examples aren't."""
    values = preset.integration.variables
    texts = {each.token: values[each.token] for each in preset.fields if each.usual}
    return PresetForm(preset=preset, name=_free_name(preset.title, taken), texts=texts)


def _free_name(name: str, taken: Collection[str]) -> str:
    numbered = (f"{name} {number}" for number in range(2, 1000))
    return next((each for each in (name, *numbered) if each not in taken), name)


def read_preset_form(preset: Preset, posted: Mapping[str, str], sealer: Sealer) -> PresetForm:
    """Return the form that was posted for *preset*. Sealed secrets are opened."""
    tree = tree_of(posted)
    form = PresetForm(preset=preset, name=(tree.at("name").text or "").strip())
    for each in preset.fields:
        row = tree.at(f"field-{each.token}")
        if preset.is_secret(each):
            value = _secret(row, sealer)
            form.secrets |= {each.token: value} if value else {}
        else:
            form.texts[each.token] = (row.text or "").strip()
    return form


def _secret(posted: Node, sealer: Sealer) -> Secret | None:
    held = posted.at("held").text
    return Secret(posted.text) if posted.text else sealer.open(held) if held else None


def draft_of_preset(form: PresetForm) -> Draft:
    """Return the integration that *form* makes from its preset."""
    draft = draft_of_file(form.preset.integration, preset=form.preset.name)
    return replace(
        draft,
        name=form.name,
        variables={**draft.variables, **form.texts},
        secrets=tuple(
            SecretEntry(name=each.name, value=form.secrets.get(each.name)) for each in draft.secrets
        ),
    )


def missing_fields(form: PresetForm) -> Iterator[Problem]:
    """Return a problem for each variable that is still empty; drafts report empty secrets."""
    for each in form.preset.fields:
        if not form.preset.is_secret(each) and not form.texts.get(each.token):
            yield Problem(
                code="field-missing",
                where=f"integration.variables.{each.token}",
                message=f"Fill in {each.label}{_like(each)}.",
            )


def _like(each: PresetField) -> str:
    return f", such as {each.example}" if each.example else ""
