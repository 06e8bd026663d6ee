"""A preset is an integration file with instructions; each one that ships is valid."""

from __future__ import annotations

import re

import pytest

from billhook.engine import write_integration
from billhook.engine.errors import ConfigurationError
from billhook.engine.integration import try_to_compile
from billhook.engine.integration_file.file import read_integration
from billhook.engine.integration_file.presets import (
    list_presets,
    parse_preset,
    preset_names,
    preset_text,
    read_preset,
)
from billhook.engine.list_config import LIST_COMMANDS
from billhook.engine.tokens.catalogue import PAYMENT_COMMAND, STATEMENT_COMMAND

PRESET = """
format = 1
[preset]
title = "Acme"
site = "https://acme.example"
get = ["Open it."]
notes = ["Not verified: all."]
sources_row = "Acme billing"
[[preset.fields]]
token = "BaseUrl"
label = "Address"
example = "https://acme.example"
help = "Without a path."
usual = true
[[preset.fields]]
token = "ApiKey"
label = "Key"
[integration]
name = "Acme"
variables = { BaseUrl = "https://acme.example" }
secrets = ["ApiKey"]
[commands.GetInvoiceImage]
url = "{{BaseUrl}}/{{InvoiceNumber}}"
headers = [["X-Key", "{{ApiKey}}"]]
"""


def test_a_preset_has_instructions_and_fields():
    preset = parse_preset("acme", PRESET)
    assert (preset.name, preset.title, preset.site) == ("acme", "Acme", "https://acme.example")
    assert (preset.get, preset.notes) == (("Open it.",), ("Not verified: all.",))
    assert preset.sources_row == "Acme billing"
    assert [(each.token, preset.is_secret(each)) for each in preset.fields] == [
        ("BaseUrl", False),
        ("ApiKey", True),
    ]
    assert [each.usual for each in preset.fields] == [True, False]


def test_a_preset_is_an_integration_file():
    assert read_integration(PRESET) == parse_preset("acme", PRESET).integration


@pytest.mark.parametrize(
    ("change", "code", "where", "line"),
    [
        pytest.param(("title =", "titel ="), "unknown-key", "preset.titel", 4, id="unknown-key"),
        pytest.param(
            ('token = "ApiKey"', 'token = "Apikey"'),
            "unknown-token",
            "preset.fields[1].token",
            16,
            id="unknown-token",
        ),
        pytest.param(('label = "Key"', ""), "missing-key", "preset.fields[1]", 15, id="no-label"),
        pytest.param(('name = "Acme"', ""), "missing-key", "integration", 18, id="no-name"),
    ],
)
def test_a_problem_in_a_preset_is_reported_with_its_path(change, code, where, line):
    with pytest.raises(ConfigurationError) as refused:
        parse_preset("acme", PRESET.replace(*change))
    (problem,) = refused.value.problems
    assert (problem.code, problem.where, problem.line) == (code, where, line)


def test_an_unknown_preset_leads_to_the_nearest():
    with pytest.raises(ConfigurationError, match=r"Did you mean erpnext\?"):
        read_preset("erpnex")
    with pytest.raises(ConfigurationError, match="no preset"):
        preset_text("../engine/files")


def test_presets_are_listed_in_the_order_of_their_titles():
    titles = [preset.title.casefold() for preset in list_presets()]
    assert titles == sorted(titles)
    assert len(titles) == len(preset_names()) > 0


@pytest.fixture(params=preset_names())
def shipped(request):
    return read_preset(request.param)


def test_a_shipped_preset_compiles(shipped):
    assert try_to_compile(shipped.integration).problems == ()


def test_a_preset_that_ships_explains_all_its_fields(shipped):
    config = shipped.integration
    assert {*config.secrets} <= {field.token for field in shipped.fields}
    document, *others = [command.name for command in config.commands]
    assert document == "GetInvoiceImage"
    assert set(others) <= {*LIST_COMMANDS, PAYMENT_COMMAND, STATEMENT_COMMAND}
    assert shipped.get
    assert shipped.site.startswith("https://")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", shipped.name)


def test_a_shipped_preset_is_stored_without_loss(shipped):
    assert read_integration(write_integration(shipped.integration)) == shipped.integration
