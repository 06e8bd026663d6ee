"""A failed test in the words of a preset's fields, without tokens and keys of its file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from billhook.engine.command.scope import all_steps
from billhook.engine.config import IntegrationConfig
from billhook.engine.errors import (
    AmbiguousAnswer,
    AuthenticationFailed,
    BillhookError,
    DocumentNotFound,
)
from billhook.engine.integration_file.presets import (
    Preset,
    PresetField,
    preset_names,
    read_preset,
)
from billhook.portal.editor.form import EditorForm
from billhook.portal.editor.form_fields import find_field
from billhook.portal.trying.places import Look
from billhook.portal.trying.trial import Trial

_SENTENCES: Final = {
    "source-said-no": "The source responded that this failed.",
    "missing-value": "The source's response lacks something that this preset needs. Your system "
    "may be another version than the preset knows.",
    "not-a-document": "The source responded, but not with a document that can be shown.",
    "still-working": "The source is still working on the document. Try again in a minute.",
    "sign-in-failed": "The source did not accept what you filled in to sign in there.",
}
_TOKEN: Final = re.compile(r"\{\{(\w+)\}\}")
_ADDRESS: Final = frozenset(
    {"source-unreachable", "source-tls-failed", "egress-denied", "source-redirected"}
)
"""Errors that show that the address may be wrong."""
_OTHERS: Final = frozenset(
    {
        "source-refused",
        "sign-in-failed",
        "web-page-instead",
        "source-said-no",
        "source-status",
        "missing-value",
        "not-a-document",
    }
)
"""Errors that show that something else may be wrong: a key, a user, a database."""


def preset_of(form: EditorForm) -> Preset | None:
    """Return the preset from which the integration in *form* was made, if there is one."""
    return read_preset(form.preset) if form.preset in preset_names() else None


def sentence_for_preset(error: BillhookError) -> str:
    """Return the meaning of *error* without tokens and keys of the integration file."""
    if isinstance(error, AmbiguousAnswer):
        return (
            f"The source has {error.count} documents or invoices for this number, so none is "
            "shown. Compare them there."
        )
    if isinstance(error, AuthenticationFailed) and error.connect_again:
        return error.public_message
    return _SENTENCES.get(error.code, error.public_message)


def look_for_preset(error: BillhookError, trial: Trial, form: EditorForm, preset: Preset) -> Look:
    """Return the fields of the preset to check, and the first of them in *form*."""
    fields = list(_fields(error, trial, preset))
    if not fields:
        return Look()
    *others, last = (each.label for each in fields)
    labels = f"{', '.join(others)} and {last}" if others else last
    first = fields[0]
    kind = "secrets" if preset.is_secret(first) else "integration.variables"
    found = find_field(form, f"{kind}.{first.token}")
    labelled = replace(found, label=first.label) if found else None
    return Look(advice=f"Check what you filled in for {labels}.", field=labelled)


def _fields(error: BillhookError, trial: Trial, preset: Preset) -> Iterator[PresetField]:
    """Give the fields that decide where the requests go, or all others: whichever may be wrong."""
    in_address = _names_in_addresses(preset.integration)
    is_lost = isinstance(error, DocumentNotFound) and error.http_status and not trial.has_worked
    if error.code in _ADDRESS or is_lost:
        yield from (each for each in preset.fields if each.token in in_address)
    elif error.code in _OTHERS:
        others = (each for each in preset.fields if each.token not in in_address)
        yield from (each for each in others if not each.usual)


def _names_in_addresses(integration: IntegrationConfig) -> frozenset[str]:
    """Return the variables in the scheme, host and port of an address."""
    urls = [step.url for command in integration.commands for step in all_steps(command.steps)]
    hosts = [url.removeprefix("https://").partition("/")[0] for url in urls]
    return frozenset(name for host in hosts for name in _TOKEN.findall(host))
