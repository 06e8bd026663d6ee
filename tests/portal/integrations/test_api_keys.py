"""API keys: shown once, stored as a hash, revoked for good."""

from __future__ import annotations

import hashlib
import re
from html import unescape

from django.test import Client
from django.urls import reverse

from billhook.portal.integrations import services
from billhook.portal.integrations.models import ApiKey
from portal.cast import Cast, signed_in
from portal.integration_cast import integration

KEY = re.compile(r"bhk_[A-Za-z0-9_-]{43}")


def address(cast: Cast) -> str:
    return reverse("backoffice:keys", args=[cast.harper.id])


def make(cast: Cast, client: Client, name: str = "Web shop") -> str:
    return unescape(client.post(address(cast), {"name": name}).content.decode())


def test_a_key_is_shown_once_and_stored_as_a_hash(cast: Cast) -> None:
    client = signed_in(cast.bob)
    (key,) = set(KEY.findall(make(cast, client)))
    row = ApiKey.objects.get()
    assert row.digest == hashlib.sha256(key.encode()).hexdigest()
    assert row.hint == f"bhk_…{key[-4:]}"
    assert row.created_by == cast.bob.user
    again = client.get(address(cast)).content.decode()
    assert not KEY.search(again)
    assert row.hint in again


def test_the_example_names_an_integration_and_the_key(cast: Cast) -> None:
    row = integration(cast.harper)
    page = make(cast, signed_in(cast.bob))
    assert f"/api/v1/integrations/{row.id}/commands/GetInvoiceImage/run" in page
    assert re.search(r"Authorization: Bearer bhk_", page)


def test_no_two_keys_are_the_same(cast: Cast) -> None:
    client = signed_in(cast.bob)
    keys = {KEY.findall(make(cast, client))[0] for _ in range(3)}
    assert len(keys) == 3


def test_a_key_needs_a_name(cast: Cast) -> None:
    response = signed_in(cast.bob).post(address(cast), {"name": " "})
    assert response.status_code == 422
    assert not ApiKey.objects.exists()


def test_a_revocation_asks_first_and_is_permanent(cast: Cast) -> None:
    key = services.create_api_key(organisation=cast.harper, name="Shop", user=cast.bob.user)
    client = signed_in(cast.bob)
    revoking = reverse("backoffice:key-revoke", args=[cast.harper.id, key.row.id])
    assert "Revoke the key Shop?" in client.get(revoking).content.decode()
    assert ApiKey.objects.get().revoked_at is None
    client.post(revoking)
    revoked_at = ApiKey.objects.get().revoked_at
    assert revoked_at is not None
    client.post(revoking)
    assert ApiKey.objects.get().revoked_at == revoked_at
    assert "Revoked" in client.get(address(cast)).content.decode()


def test_only_keys_of_the_own_organisation_are_listed(cast: Cast) -> None:
    services.create_api_key(organisation=cast.northwind, name="Theirs", user=cast.charlie.user)
    assert "Theirs" not in signed_in(cast.bob).get(address(cast)).content.decode()
