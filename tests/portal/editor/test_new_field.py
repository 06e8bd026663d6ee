"""A new boolean of a step is one line, its description: file, form, export and docs follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from tools.write_tables import FORMAT_PAGE, format_page

from billhook.engine.config import TYPES, StepConfig
from billhook.engine.errors import ConfigurationError
from billhook.engine.field import boolean
from billhook.engine.integration_file.file import read_integration, write_integration
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.models import Integration
from portal.cast import Cast, signed_in
from portal.editor.editor_page import new_page

FILE = """format = 1

[integration]
name = "Streamed"

[commands.GetInvoiceImage]
method = "GET"
url = "https://a.example/{{InvoiceNumber}}"
streamed = true
"""
FIELD = "command-0-steps-0-streamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedStep(StepConfig):
    """A step with one more boolean."""

    streamed: bool = boolean("Stream the response", "The response is passed on as it arrives.")


@pytest.fixture(autouse=True)
def one_more_field() -> Iterator[None]:
    TYPES.step = StreamedStep
    yield
    TYPES.step = StepConfig


def test_a_file_has_it_and_a_mistyped_key_names_it():
    config = read_integration(FILE)
    (step,) = config.commands[0].steps
    assert isinstance(step, StreamedStep)
    assert step.streamed
    assert write_integration(config) == FILE
    with pytest.raises(ConfigurationError) as refused:
        read_integration(FILE.replace("streamed =", "streamd ="))
    assert refused.value.problems[0].suggestion == "streamed"
    with pytest.raises(ConfigurationError) as refused:
        read_integration(FILE.replace("= true", '= "yes"'))
    assert refused.value.problems[0].code == "wrong-type"


def test_the_form_has_it_with_its_label_and_hint_and_the_export_too(cast: Cast) -> None:
    page = new_page(cast)
    label, hint = "Stream the response", "The response is passed on as it arrives."
    assert re.search(rf'<input type="checkbox" id="{FIELD}"[^>]*><span>{label} <span', page.html)
    assert hint in page.text
    page.press(
        "save",
        name="Streamed",
        **{"command-0-steps-0-url": "https://a.example/{{InvoiceNumber}}", FIELD: "on"},
    )
    row = Integration.objects.get()
    assert row.commands[0]["streamed"] is True
    assert draft_of(row).commands[0].steps[0].streamed
    address = reverse("backoffice:integration-export", args=[cast.harper.id, row.id])
    exported = signed_in(cast.bob).get(address).content
    assert exported.decode() == FILE
    importing = reverse("backoffice:integration-import", args=[cast.harper.id])
    page._take(page.client.post(importing, {"file": SimpleUploadedFile("a.toml", exported)}))
    assert page.fields[FIELD] == "on"
    assert f'id="fold-{FIELD.removesuffix("-streamed")}-sending" open' in page.html


def test_the_docs_have_it():
    row = "| `streamed` | boolean | The response is passed on as it arrives. |"
    assert row in format_page(FORMAT_PAGE.read_text(encoding="utf-8"))
