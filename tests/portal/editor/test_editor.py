"""The editor: a member builds an integration alone, sees each problem, and loses nothing."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billhook.engine.integration_file.file import read_integration
from billhook.engine.secret import Secret
from billhook.portal.integrations.drafts import Draft, SecretEntry, draft_of
from billhook.portal.integrations.models import Integration, StoredSecret
from billhook.portal.integrations.vault import decrypt_secret, key_ring
from portal.cast import Cast, signed_in
from portal.editor.editor_page import Page, edit_page, new_page
from portal.integration_cast import CANARY, command, draft, integration


def build(page: Page) -> None:
    """Build the integration of the cast, as a person does without JavaScript."""
    page.press("add:variable")
    page.press("add:secret")
    page.press("add:command-0-steps-0-headers")
    page.press(
        "save",
        name="Acme billing",
        variable__0__name="BaseUrl",
        variable__0__value="https://billing.acme.example",
        secret__0__name="ApiKey",
        secret__0__value=CANARY,
        command__0__steps__0__url="{{BaseUrl}}/items/{{InvoiceNumber}}",
        command__0__steps__0__headers__0__name="X-Api-Key",
        command__0__steps__0__headers__0__value="{{ApiKey}}",
    )


def secret_value(row: Integration) -> str:
    stored = StoredSecret.objects.select_related("integration").get(integration=row)
    return decrypt_secret(stored, ring=key_ring()).reveal()


def test_a_member_builds_an_integration_without_help_or_javascript(cast: Cast) -> None:
    page = new_page(cast)
    build(page)
    assert page.response.status_code == 302
    row = Integration.objects.get()
    assert draft_of(row).config() == draft().config()
    assert secret_value(row) == CANARY
    assert page.response.headers["Location"] == reverse(
        "backoffice:integration", args=[cast.harper.id, row.id]
    )


def test_a_stored_integration_is_shown_in_the_form_and_saved_unchanged(cast: Cast) -> None:
    everything = draft(
        command(
            method="POST",
            headers=(("Content-Type", "application/json"), ("X-Api-Key", "{{ApiKey}}")),
            body='{ "key1": "<b>&amp;", "key2": {{InvoiceNumber}} }\n\n',
            redirects="deny",
            tokens=("Period",),
        ),
        command(name="GetStatement", url="https://b.example/", headers=()),
    )
    row = integration(cast.harper, everything)
    page = edit_page(row, cast.bob)
    page.press("save")
    assert page.response.status_code == 302, page.text
    again = Integration.objects.get()
    assert draft_of(again).config() == everything.config()
    assert again.version == 2
    assert secret_value(again) == CANARY


def test_a_body_with_cr_lf_is_kept_unchanged(cast: Cast) -> None:
    body = "--x\r\nContent-Disposition: form-data\r\n\r\n{{InvoiceNumber}}\r\n--x--\r\n"
    typed = command(
        method="POST",
        headers=(("Content-Type", "text/plain"),),
        body=body,
        url="https://a.example/",
    )
    row = integration(cast.harper, draft(typed))
    edit_page(row, cast.bob).press("save")
    assert draft_of(Integration.objects.get()).commands[0].steps[0].body == body


def test_a_wrong_token_is_reported_at_its_field_and_on_top_and_fixed_by_a_button(
    cast: Cast,
) -> None:
    page = new_page(cast)
    page.press(
        "save",
        name="Acme",
        command__0__steps__0__url="https://a.example/{{invoiceNumber}}/{{Locale}}",
    )
    assert page.response.status_code == 422
    sentence = "Capital and small letters matter: write {{InvoiceNumber}}."
    assert page.text.count(sentence) >= 2
    assert 'href="#command-0-steps-0-url"' in page.html
    assert 'id="command-0-steps-0-url-error"' in page.html
    assert page.fields["command-0-steps-0-url"] == "https://a.example/{{invoiceNumber}}/{{Locale}}"
    page.press("use:0")
    assert page.fields["command-0-steps-0-url"] == "https://a.example/{{InvoiceNumber}}/{{Locale}}"
    page.press("save")
    assert page.response.status_code == 302
    assert Integration.objects.get().commands[0]["url"].endswith("{{InvoiceNumber}}/{{Locale}}")


def test_a_typed_secret_is_never_shown_and_not_lost(cast: Cast) -> None:
    page = new_page(cast)
    page.press("add:secret")
    page.press("save", name="", secret__0__name="ApiKey", secret__0__value=CANARY)
    assert page.response.status_code == 422
    assert CANARY not in page.html
    assert page.fields["secret-0-value"] == ""
    assert "Typed, not saved yet" in page.html
    page.press("save", name="Acme", command__0__steps__0__url="https://a.example/?k={{ApiKey}}")
    assert page.response.status_code == 302
    assert secret_value(Integration.objects.get()) == CANARY


def test_a_sealed_secret_is_useless_to_another_member(cast: Cast) -> None:
    page = new_page(cast, cast.bob)
    page.press("add:secret")
    page.press("save", name="", secret__0__name="ApiKey", secret__0__value=CANARY)
    held = page.fields["secret-0-held"]
    assert held
    for other, organisation in ((cast.alice, cast.harper), (cast.charlie, cast.northwind)):
        address = reverse("backoffice:integration-new", args=[organisation.id])
        theirs = Page(signed_in(other), address)
        theirs.press("add:secret")
        theirs.fields["secret-0-held"] = held
        theirs.press(
            "save",
            name="X",
            secret__0__name="ApiKey",
            command__0__steps__0__url="https://e.example/",
        )
        assert theirs.response.status_code == 422
        assert "Type the value of ApiKey. It is not stored yet." in theirs.text


def test_a_stored_secret_is_never_in_the_page(cast: Cast) -> None:
    row = integration(cast.harper)
    page = edit_page(row, cast.alice)
    assert CANARY not in page.html
    assert "Stored. Type to replace it" in page.html
    page.press("save", name="")
    assert CANARY not in page.html


def test_a_changed_address_requires_the_secret_again_at_its_field(cast: Cast) -> None:
    row = integration(cast.harper)
    page = edit_page(row, cast.bob)
    page.press("save", variable__0__value="https://b.example")
    assert (
        "Type ApiKey again: it would now be sent to https://b.example "
        "instead of https://billing.acme.example." in page.text
    )
    assert 'id="secret-0-value-error"' in page.html
    page.press("save", secret__0__value="new")
    assert page.response.status_code == 302
    assert secret_value(row) == "new"


def test_headers_are_added_and_removed_and_the_others_stay(cast: Cast) -> None:
    page = new_page(cast)
    page.press(
        "add:command-0-steps-0-headers",
        command__0__steps__0__headers__0__name="A",
        command__0__steps__0__headers__0__value="1",
    )
    page.press(
        "add:command-0-steps-0-headers",
        command__0__steps__0__headers__1__name="B",
        command__0__steps__0__headers__1__value="2",
    )
    assert page.fields["command-0-steps-0-headers-2-name"] == ""
    page.press("remove:command-0-steps-0-headers-0")
    assert page.fields["command-0-steps-0-headers-0-name"] == "B"
    assert page.fields["command-0-steps-0-headers-0-value"] == "2"
    assert "command-0-steps-0-headers-2-name" not in page.fields


def test_a_matching_content_type_is_offered_and_set(cast: Cast) -> None:
    page = new_page(cast)
    page.press(
        "add:variable",
        command__0__steps__0__method="POST",
        command__0__steps__0__url="https://a.example/",
        command__0__steps__0__body='{ "key1": "value1", "key2": {{InvoiceNumber}} }',
    )
    assert "content-type:command-0-steps-0:application/json" in page.buttons
    page.press("content-type:command-0-steps-0:application/json")
    assert page.fields["command-0-steps-0-headers-0-name"] == "Content-Type"
    assert page.fields["command-0-steps-0-headers-0-value"] == "application/json"
    page.press("content-type:command-0-steps-0:application/x-www-form-urlencoded")
    assert page.fields["command-0-steps-0-headers-0-value"] == "application/x-www-form-urlencoded"


def test_commands_are_added_and_removed(cast: Cast) -> None:
    page = new_page(cast)
    page.press("add-command:LoginWithToken")
    page.press("add:command")
    page.press("remove:command-1", command__2__name="GetStatement")
    assert (page.fields["command-0-name"], page.fields["command-1-name"]) == (
        "GetInvoiceImage",
        "GetStatement",
    )


def test_a_statement_is_a_command_of_its_own_and_survives_form_and_file(cast: Cast) -> None:
    page = new_page(cast)
    page.press("add-command:GetStatement")
    assert page.fields["command-1-name"] == "GetStatement"
    assert "add-command:GetStatement" not in page.buttons
    for token in ("CustomerNumber", "CustomerId", "StatementStart", "StatementEnd"):
        assert f'data-about="{token}"' in page.html
    page.press(
        "save",
        name="Acme billing",
        command__0__steps__0__url="https://a.example/{{InvoiceNumber}}",
        command__1__steps__0__url="https://a.example/of/{{CustomerId}}"
        "?from={{StatementStart|date:dd.MM.yyyy}}&to={{StatementEnd}}",
        command__1__max_bytes="1000000",
    )
    assert page.response.status_code == 302, page.text
    row = Integration.objects.get()
    config = draft_of(row).config()
    assert [each.name for each in config.commands] == ["GetInvoiceImage", "GetStatement"]
    assert config.commands[1].max_bytes == 1_000_000
    address = reverse("backoffice:integration-export", args=[cast.harper.id, row.id])
    file = signed_in(cast.bob).get(address).content.decode()
    assert "[commands.GetStatement]" in file
    assert read_integration(file) == config


@pytest.mark.parametrize(
    "do",
    [
        "nonsense",
        "remove:command-0-steps-0-headers-99",
        "remove-headers",
        "add-headers:x",
        "use:99",
        "use:x",
        "use:",
    ],
    ids=str,
)
def test_an_unknown_button_changes_nothing(cast: Cast, do: str) -> None:
    page = new_page(cast)
    before = page.fields
    page.press(do)
    assert page.response.status_code == 200
    changed = {k: v for k, v in page.fields.items() if before.get(k) != v}
    assert set(changed) <= {"csrfmiddlewaretoken"}


def test_the_second_of_two_editors_is_warned_and_keeps_the_typed_values(cast: Cast) -> None:
    row = integration(cast.harper)
    first, second = edit_page(row, cast.alice), edit_page(row, cast.bob)
    first.press("save", name="First")
    second.press("save", name="Second")
    assert second.response.status_code == 409
    assert "Somebody else has saved this integration" in second.text
    assert second.fields["name"] == "Second"
    assert Integration.objects.get().name == "First"


def test_a_viewer_gets_a_page_without_a_form_that_says_so(cast: Cast) -> None:
    row = integration(cast.harper)
    page = edit_page(row, cast.vera)
    assert page.response.status_code == 200
    assert "You can look at this integration, and change nothing" in page.text
    assert "GET {{BaseUrl}}/items/{{InvoiceNumber}}\nX-Api-Key: …" in page.text
    assert CANARY not in page.html
    main = page.html.partition("<main")[2]
    assert not re.search("<(input|button|select|textarea|form)", main)
    fields = edit_page(row, cast.bob).fields
    assert page.client.post(page.address, {**fields, "do": "save"}).status_code == 403


def test_an_export_and_its_import_are_the_same(cast: Cast) -> None:
    many = draft(
        command(method="POST", body='{"a": "\\u00e9 {{InvoiceNumber}}"}',
                headers=(("Content-Type", "application/json"), ("X-Key", "{{ApiKey}}"))),
        command(name="Own", url="https://o.example/{{Period}}", headers=(), tokens=("Period",)),
    )  # fmt: skip
    row = integration(cast.harper, many)
    client = signed_in(cast.bob)
    exported = client.get(
        reverse("backoffice:integration-export", args=[cast.harper.id, row.id])
    ).content
    assert CANARY.encode() not in exported
    assert read_integration(exported) == many.config()

    importing = signed_in(cast.charlie)
    address = reverse("backoffice:integration-import", args=[cast.northwind.id])
    response = importing.post(address, {"file": SimpleUploadedFile("a.toml", exported)})
    page = Page(importing, reverse("backoffice:integration-new", args=[cast.northwind.id]))
    page._take(response)
    assert "Nothing is saved yet" in page.text
    page.press("save", secret__0__value="theirs")
    assert page.response.status_code == 302, page.text
    imported = Integration.objects.get(organisation=cast.northwind)
    assert draft_of(imported).config() == many.config()


def test_a_file_with_problems_is_not_imported_and_each_is_reported(cast: Cast) -> None:
    client = signed_in(cast.bob)
    address = reverse("backoffice:integration-import", args=[cast.harper.id])
    response = client.post(address, {"text": "format = 1\n[integration]\nnam = 1\n"})
    assert response.status_code == 422
    assert "Line 3" in response.content.decode()


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param('success_when = [{ json = "$.a" }]', id="no comparison"),
        pytest.param('success_when = [{ status = 200, body_contains = "x" }]', id="two subjects"),
        pytest.param("repeat_until = { when = [] }", id="nothing to wait for"),
        pytest.param('answer = { base64 = "$.a", authentication = true }', id="not with base 64"),
    ],
)
def test_a_file_is_not_imported_if_the_form_would_lose_an_invalid_part(
    cast: Cast, typed: str
) -> None:
    client = signed_in(cast.bob)
    address = reverse("backoffice:integration-import", args=[cast.harper.id])
    text = f"""format = 1
[integration]
name = "A"
[commands.GetInvoiceImage]
url = "https://a.example"
{typed}
"""
    response = client.post(address, {"text": text})
    assert response.status_code == 422
    assert "Line 6" in response.content.decode()


@pytest.mark.parametrize(
    ("to", "enabled"), [pytest.param("off", False, id="off"), pytest.param("on", True, id="on")]
)
def test_an_integration_is_switched_on_and_off(cast: Cast, to: str, enabled: bool) -> None:
    row = integration(cast.harper)
    Integration.objects.update(enabled=not enabled)
    signed_in(cast.bob).post(
        reverse("backoffice:integration-switch", args=[cast.harper.id, row.id]), {"to": to}
    )
    assert Integration.objects.get().enabled is enabled


def test_the_order_is_changed_by_buttons(cast: Cast) -> None:
    rows = [integration(cast.harper, draft(name=name)) for name in "AB"]
    client = signed_in(cast.bob)
    address = reverse("backoffice:integration-move", args=[cast.harper.id, rows[1].id])
    told = client.post(address, {"to": "up"}, follow=True).content.decode()
    assert "B is now number 1." in told
    assert list(Integration.objects.values_list("name", flat=True)) == ["B", "A"]


def test_a_deletion_requires_confirmation(cast: Cast) -> None:
    row = integration(cast.harper)
    client = signed_in(cast.bob)
    address = reverse("backoffice:integration-delete", args=[cast.harper.id, row.id])
    assert "Delete Acme billing?" in client.get(address).content.decode()
    assert Integration.objects.exists()
    client.post(address)
    assert not Integration.objects.exists()


def test_the_list_shows_each_integration_with_its_commands(cast: Cast) -> None:
    integration(cast.harper, draft(name="Mine & <b>ours</b>"))
    integration(cast.northwind, draft(name="Theirs"))
    page = (
        signed_in(cast.vera)
        .get(reverse("backoffice:integrations", args=[cast.harper.id]))
        .content.decode()
    )
    assert "Mine &amp; &lt;b&gt;ours&lt;/b&gt;" in page
    assert "Theirs" not in page
    assert "Add Custom integration" not in page


def test_an_empty_list_says_what_to_do(cast: Cast) -> None:
    page = signed_in(cast.bob).get(reverse("backoffice:integrations", args=[cast.harper.id]))
    assert "No integration yet" in page.content.decode()


def test_a_secret_typed_without_a_name_is_not_dropped(cast: Cast) -> None:
    page = new_page(cast)
    page.press("add:secret")
    page.press(
        "save", name="A", secret__0__value="typed", command__0__steps__0__url="https://a.example/"
    )
    assert page.response.status_code == 422
    page.press("save", secret__0__name="ApiKey")
    assert page.response.status_code == 302, page.text


def test_two_variables_with_the_same_name_are_reported(cast: Cast) -> None:
    page = new_page(cast)
    page.press("add:variable")
    page.press("add:variable", variable__0__name="A", variable__0__value="1")
    page.press(
        "save",
        name="A",
        variable__1__name="A",
        variable__1__value="2",
        command__0__steps__0__url="https://a.example/",
    )
    assert "There are two variables named A." in page.text


def test_an_invalid_number_is_reported(cast: Cast) -> None:
    page = new_page(cast)
    page.press(
        "save", name="A", command__0__steps__0__url="https://a.example/", command__0__timeout="soon"
    )
    assert page.response.status_code == 422
    assert page.fields["command-0-timeout"] == "soon"
    assert 'id="command-0-timeout-error"' in page.html


def test_the_config_of_a_draft_contains_no_secret_value() -> None:
    typed = Draft(name="A", secrets=(SecretEntry(name="K", value=Secret(CANARY)),))
    assert CANARY not in repr(typed)
    assert typed.config().secrets == ("K",)
