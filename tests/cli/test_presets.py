"""``billhook presets`` lists the shipped files, and shows one that can be run as it is."""

from __future__ import annotations

from billhook.engine.integration_file.file import read_integration
from billhook.engine.integration_file.presets import preset_names, preset_text


def test_the_presets_are_listed_with_their_titles(billhook):
    result = billhook("presets", "list")
    lines = result.out.splitlines()
    assert sorted(line.split()[0] for line in lines) == list(preset_names())
    assert any("Dolibarr" in line for line in lines)


def test_the_list_is_one_object_in_json(billhook):
    listed = billhook("presets", "list", "--json").json
    assert listed["ok"] is True
    found = next(each for each in listed["presets"] if each["name"] == "dolibarr")
    assert found["sources_row"] == "Dolibarr"


def test_a_preset_is_shown_as_its_file(billhook, write):
    shown = billhook("presets", "show", "dolibarr").out
    assert shown == preset_text("dolibarr")
    assert read_integration(shown).name == "Dolibarr"
    assert billhook("check", write(shown)).status == 0


def test_a_preset_in_json_says_which_fields_are_secret(billhook):
    preset = billhook("presets", "show", "dolibarr", "--json").json["preset"]
    assert {each["token"]: each["secret"] for each in preset["fields"]}["ApiKey"] is True
    assert preset["commands"][:2] == ["GetInvoiceImage", "ListInvoices"]
    assert preset["file"] == preset_text("dolibarr")


def test_an_unknown_preset_is_reported_with_the_nearest_name(billhook):
    result = billhook("presets", "show", "dolibar", "--json")
    error = result.json["error"]
    assert (result.status, error["code"]) == (2, "unknown-preset")
    assert "Did you mean dolibarr?" in error["message"]
