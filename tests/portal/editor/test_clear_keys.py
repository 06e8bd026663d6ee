"""A key that was typed in clear is noticed, and one click makes a secret of it."""

from __future__ import annotations

from dataclasses import replace

from django.urls import reverse

from billhook.engine.config import AuthenticationConfig
from billhook.engine.secret import Secret
from billhook.portal.editor.clear_keys import hide_key
from billhook.portal.editor.form import form_of, to_draft
from billhook.portal.integrations.drafts import SecretEntry, draft_of
from billhook.portal.integrations.models import Integration, StoredSecret
from billhook.portal.integrations.vault import decrypt_secret, key_ring
from portal.cast import Cast, signed_in
from portal.editor.editor_page import edit_page
from portal.integration_cast import command, draft, integration

KEY = "sk_live_4eC39HqLyjWD"
CLEAR = command(
    url="{{BaseUrl}}/items/{{InvoiceNumber}}?api_key=caf%C3%A9-1234&n=1",
    headers=(("Authorization", f"Bearer {KEY}"), ("X-Again", f"a {KEY}")),
)
IN_CLEAR = draft(CLEAR, secrets=())


def test_a_saved_key_in_clear_is_noticed_and_made_a_secret_by_one_click(cast: Cast) -> None:
    row = integration(cast.harper, IN_CLEAR)
    page = edit_page(row, cast.bob)
    assert "3 keys are typed in clear" in page.text
    page.press("hide:1")
    assert "A key is typed in clear" in page.text
    assert KEY not in page.html
    page.press("hide:0")
    page.press("save")
    (saved,) = draft_of(Integration.objects.get()).commands
    (step,) = saved.steps
    assert step.url.endswith("?api_key={{ApiKey}}&n=1")
    assert step.headers == (
        ("Authorization", "Bearer {{ApiKey2}}"),
        ("X-Again", "a {{ApiKey2}}"),
    )
    assert "typed in clear" not in edit_page(row, cast.bob).text
    values = {
        secret.name: decrypt_secret(secret, ring=key_ring()).reveal()
        for secret in StoredSecret.objects.select_related("integration")
    }
    assert values == {"ApiKey": "café-1234", "ApiKey2": KEY}


def test_a_variable_that_is_a_key_becomes_the_secret_itself(cast: Cast) -> None:
    given = replace(
        draft(command(headers=(("X-Key", "{{ApiKey}}"),)), secrets=()),
        variables={"BaseUrl": "https://billing.acme.example", "ApiKey": KEY},
    )
    row = integration(cast.harper, given)
    page = edit_page(row, cast.bob)
    page.press("hide:0")
    page.press("save")
    saved = draft_of(Integration.objects.get())
    assert saved.variables == {"BaseUrl": "https://billing.acme.example"}
    assert [secret.name for secret in saved.secrets] == ["ApiKey"]


def test_a_key_in_a_field_of_the_authentication_is_moved_too() -> None:
    signed = AuthenticationConfig(scheme="bearer", fields={"token": KEY})
    given = replace(draft(command(headers=()), secrets=()), authentication=signed)
    form = form_of(given)
    assert hide_key(form, "0") == "secret-0-name"
    moved = to_draft(form)
    assert moved.authentication is not None
    assert moved.authentication.fields["token"] == "{{Token}}"
    assert moved.secrets == (SecretEntry(name="Token", value=Secret(KEY)),)


def test_a_note_that_is_not_there_changes_nothing() -> None:
    form = form_of(IN_CLEAR)
    before = form.fields()
    assert [hide_key(form, number) for number in ("7", "x", "", "²")] == [""] * 4
    assert form.fields() == before


def test_an_imported_file_with_a_key_in_clear_is_noticed(cast: Cast) -> None:
    file = f"""format = 1
[integration]
name = "Acme"
[commands.GetInvoiceImage]
url = "https://billing.acme.example/items/{{{{InvoiceNumber}}}}"
headers = [["Authorization", "Bearer {KEY}"]]
"""
    address = reverse("backoffice:integration-import", args=[cast.harper.id])
    page = signed_in(cast.bob).post(address, {"text": file}).content.decode()
    assert "A key is typed in clear" in page
    assert "Make it the secret ApiKey" in page


def test_a_viewer_reads_no_header_value_and_no_key_and_cannot_export(cast: Cast) -> None:
    row = integration(cast.harper, IN_CLEAR)
    viewer = signed_in(cast.vera)
    page = viewer.get(reverse("backoffice:integration", args=[cast.harper.id, row.id]))
    text = page.content.decode()
    assert "Authorization: …" in text
    assert "{{BaseUrl}}/items/{{InvoiceNumber}}?api_key=" in text
    assert KEY not in text
    assert "1234" not in text
    export = reverse("backoffice:integration-export", args=[cast.harper.id, row.id])
    assert export not in text
    assert viewer.get(export).status_code == 403
    assert signed_in(cast.bob).get(export).status_code == 200
