"""Presets: a member picks one, fills in only its fields, and gets an integration."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from billhook.engine.integration_file.presets import Preset, list_presets, preset_names, read_preset
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.models import Integration, StoredSecret
from billhook.portal.integrations.vault import decrypt_secret, key_ring
from portal.cast import Cast, signed_in
from portal.editor.editor_page import Page
from portal.integration_cast import CANARY, draft, integration


def gallery(cast: Cast, search: str = "") -> str:
    address = reverse("backoffice:integration-add", args=[cast.harper.id])
    response = signed_in(cast.bob).get(address, {"q": search} if search else {})
    assert response.status_code == 200
    return response.content.decode()


def address_of(cast: Cast, name: str) -> str:
    return reverse("backoffice:integration-preset", args=[cast.harper.id, name])


def typed(preset: Preset) -> dict[str, str]:
    """Return something to type into each field, as its example shows."""
    fields = {}
    for each in preset.fields:
        value = CANARY if preset.is_secret(each) else preset.integration.variables[each.token]
        fields[f"field-{each.token}"] = value
    return fields


def fill_in(cast: Cast, preset: str, do: str = "save", **changes: str) -> Any:
    """Fill in the preset's page and press a button."""
    fields = {"name": "Mine", **typed(read_preset(preset)), "do": do} | changes
    return signed_in(cast.bob).post(address_of(cast, preset), fields)


def test_the_gallery_offers_each_preset_once_and_an_empty_form(cast: Cast) -> None:
    page = gallery(cast)
    for name in preset_names():
        assert page.count(f'href="{address_of(cast, name)}"') == 1, name
    assert reverse("backoffice:integration-new", args=[cast.harper.id]) in page


def test_each_preset_lists_its_fields(cast: Cast) -> None:
    assert "Needs: Address of your ERPNext, API key, API secret<" in gallery(cast, "ERPNext")


@pytest.mark.parametrize("search", ["erpnext", "FRAPPE", "  erp next "], ids=["name", "row", "two"])
def test_a_preset_is_found_by_its_name(cast: Cast, search: str) -> None:
    page = gallery(cast, search)
    assert address_of(cast, "erpnext") in page
    assert address_of(cast, "stripe") not in page


def test_a_search_without_a_result_says_what_to_do(cast: Cast) -> None:
    page = gallery(cast, "<nothing>")
    assert "No preset for “&lt;nothing&gt;”" in page
    assert "Add Custom integration" in page


def test_an_unknown_preset_has_no_page(cast: Cast) -> None:
    assert signed_in(cast.bob).get(address_of(cast, "none")).status_code == 404


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_each_preset_becomes_an_integration_with_its_fields_only(
    cast: Cast, preset: Preset
) -> None:
    page = signed_in(cast.bob).get(address_of(cast, preset.name)).content.decode()
    for each in preset.fields:
        assert f'for="field-{each.token}"' in page
    response = fill_in(cast, preset.name)
    assert response.status_code == 302, response.content.decode()
    row = Integration.objects.get()
    assert (row.name, row.preset) == ("Mine", preset.name)
    made = draft_of(row).config()
    assert made.commands == preset.integration.commands
    assert made.authentication == preset.integration.authentication
    assert made.variables == preset.integration.variables
    stored = StoredSecret.objects.filter(integration=row).select_related("integration")
    values = {each.name: decrypt_secret(each, ring=key_ring()).reveal() for each in stored}
    assert values == dict.fromkeys(preset.integration.secrets, CANARY)


def test_examples_are_only_shown_and_usual_values_are_filled_in(cast: Cast) -> None:
    page = signed_in(cast.bob).get(address_of(cast, "erpnext")).content.decode()
    assert 'value="https://erp.example.com"' not in page
    assert 'placeholder="https://erp.example.com"' in page
    assert 'value="Standard"' in page


def test_a_missing_value_is_reported_at_its_field_and_a_typed_secret_is_kept(cast: Cast) -> None:
    response = fill_in(cast, "erpnext", **{"field-BaseUrl": "", "field-ApiSecret": ""})
    page = response.content.decode()
    assert response.status_code == 422
    assert "Fill in Address of your ERPNext, such as https://erp.example.com." in page
    assert 'id="field-BaseUrl-error"' in page
    assert 'id="field-ApiSecret-error"' in page
    assert 'id="field-ApiKey-error"' not in page
    assert CANARY not in page
    assert not Integration.objects.exists()
    held = page.partition('name="field-ApiKey-held" value="')[2].partition('"')[0]
    again = {"field-ApiKey": "", "field-ApiKey-held": held}
    assert fill_in(cast, "erpnext", **again).status_code == 302
    stored = StoredSecret.objects.select_related("integration").get(name="ApiKey")
    assert decrypt_secret(stored, ring=key_ring()).reveal() == CANARY


def test_an_invalid_address_is_reported_and_nothing_is_saved(cast: Cast) -> None:
    response = fill_in(cast, "erpnext", **{"field-BaseUrl": "erp.example.com"})
    assert response.status_code == 422
    assert "Open the whole form to fix it." in response.content.decode()
    assert not Integration.objects.exists()


def test_a_name_that_is_taken_gets_a_number(cast: Cast) -> None:
    integration(cast.harper, draft(name="ERPNext"))
    page = signed_in(cast.bob).get(address_of(cast, "erpnext")).content.decode()
    assert 'value="ERPNext 2"' in page
    taken = fill_in(cast, "erpnext", name="ERPNext")
    assert taken.status_code == 422
    assert 'id="name-error"' in taken.content.decode()


def test_the_full_form_contains_what_was_typed_so_far(cast: Cast) -> None:
    client = signed_in(cast.bob)
    page = Page(client, reverse("backoffice:integration-new", args=[cast.harper.id]))
    fields = {"name": "Mine", **typed(read_preset("bill")), "do": "whole"}
    page._take(client.post(address_of(cast, "bill"), fields))
    assert CANARY not in page.html
    assert page.fields["command-0-steps-1-name"] == "Document"
    assert page.fields["preset"] == "bill"
    page.press("save")
    assert page.response.status_code == 302, page.text
    assert draft_of(Integration.objects.get()).commands == read_preset("bill").integration.commands


def test_the_saved_integrations_form_keeps_the_presets_words(cast: Cast) -> None:
    fill_in(cast, "erpnext")
    row = Integration.objects.get()
    address = reverse("backoffice:integration", args=[cast.harper.id, row.id])
    page = unescape(signed_in(cast.bob).get(address).content.decode())
    for each in read_preset("erpnext").fields:
        assert page.count(f'-help">{each.about}</div>') == 1, each.token
        assert f"<td>{each.about}</td>" in page  # in the list of tokens
    Integration.objects.update(preset="from-a-later-release")
    assert "Address of your ERPNext" not in signed_in(cast.bob).get(address).content.decode()


def test_save_and_try_tries_once_and_only_for_the_person_who_pressed_it(cast: Cast) -> None:
    client = signed_in(cast.bob)
    fields = {"name": "Mine", **typed(read_preset("erpnext")), "do": "try"}
    address = client.post(address_of(cast, "erpnext"), fields).headers["Location"]
    assert not _sends(signed_in(cast.alice), address)
    assert _sends(client, address)
    assert not _sends(client, address)


def _sends(client: Client, address: str) -> bool:
    return "data-send-now" in client.get(address).content.decode()


def test_a_preset_with_a_sign_in_explains_the_registration_and_then_offers_connect(
    cast: Cast,
) -> None:
    page = signed_in(cast.bob).get(address_of(cast, "xero")).content.decode()
    assert "/oauth/callback" in page
    assert "Save, then connect" in page
    address = fill_in(cast, "xero").headers["Location"]
    assert "Connect it with two clicks" in signed_in(cast.bob).get(address).content.decode()


def test_the_requests_of_a_preset_are_collapsed(cast: Cast) -> None:
    address = fill_in(cast, "bill").headers["Location"]
    page = signed_in(cast.bob).get(address).content.decode()
    assert '<details class="more how" id="fold-how">' in page
