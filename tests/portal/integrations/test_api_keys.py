"""API keys: shown once, stored as a hash, revoked for good."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from asgi_client import ask
from billhook.portal.integrations import services
from billhook.portal.integrations.memory.rows import read_caller
from billhook.portal.integrations.models import ApiKey
from gateway.gateway_cast import OLD_KEY, READERS_KEY, RUN_PATH, bearer, make_gateway
from portal.cast import Cast, signed_in
from portal.integration_cast import integration

KEY = re.compile(r"bhk_[A-Za-z0-9_-]{43}")


def address(cast: Cast) -> str:
    return reverse("backoffice:keys", args=[cast.harper.id])


def make(cast: Cast, client: Client, name: str = "Web shop") -> str:
    return unescape(client.post(address(cast), {"name": name, "scopes": ["run"]}).content.decode())


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


def test_a_key_gets_the_scopes_and_the_end_that_were_chosen(cast: Cast) -> None:
    chosen = {"name": "ERP", "scopes": ["invoices:write", "run"], "last_day": "2999-12-31"}
    page = signed_in(cast.bob).post(address(cast), chosen).content.decode()
    row = ApiKey.objects.get()
    assert row.scopes == "run invoices:write"
    assert row.expires_at == datetime(3000, 1, 1, tzinfo=UTC)
    assert "run invoices:write" in page
    over = signed_in(cast.bob).post(address(cast), {**chosen, "last_day": "2020-01-01"})
    assert (over.status_code, ApiKey.objects.count()) == (422, 1)
    assert "This day is over" in over.content.decode()
    last = signed_in(cast.bob).post(address(cast), {**chosen, "last_day": "9999-12-31"})
    assert (last.status_code, ApiKey.objects.count()) == (422, 1)
    assert "Choose an earlier one" in last.content.decode()


def test_the_scopes_and_the_end_of_a_key_can_be_changed(cast: Cast) -> None:
    key = services.create_api_key(organisation=cast.harper, name="Shop", user=cast.bob.user)
    client, at = signed_in(cast.bob), [cast.harper.id, key.row.id]
    changing = reverse("backoffice:key-change", args=at)
    page = client.get(changing).content.decode()
    assert re.search(r'value="run"[^>]* checked', page)
    client.post(changing, {"scopes": ["runs:read"], "last_day": ""})
    assert ApiKey.objects.get().scopes == "runs:read"
    none = client.post(changing, {"last_day": ""})
    assert (none.status_code, ApiKey.objects.get().scopes) == (422, "runs:read")


def test_an_expired_key_says_so(cast: Cast) -> None:
    services.create_api_key(
        organisation=cast.harper,
        name="Shop",
        user=cast.bob.user,
        expires_at=datetime(2020, 1, 1, tzinfo=UTC),
    )
    assert "Expired" in signed_in(cast.bob).get(address(cast)).content.decode()


async def test_the_gateway_knows_scopes_and_ends_without_the_database() -> None:
    gateway, _, _ = make_gateway()
    wrong = await ask(gateway, "POST", RUN_PATH, headers=bearer(READERS_KEY))
    old = await ask(gateway, "POST", RUN_PATH, headers=bearer(OLD_KEY))
    assert [json.loads(each.body)["code"] for each in (wrong, old)] == [
        "scope-missing",
        "key-expired",
    ]
    assert [wrong.status, old.status] == [403, 401]


@pytest.mark.django_db
def test_the_store_reads_scopes_and_ends(cast: Cast) -> None:
    end = datetime(2999, 1, 1, tzinfo=UTC)
    key = services.create_api_key(
        organisation=cast.harper, name="A", user=None, scopes=["runs:read"], expires_at=end
    )
    caller = read_caller(key.row.digest)
    assert caller is not None
    assert (caller.may_run, caller.expires_at) == (False, end.timestamp())
    services.change_api_key(key=key.row, scopes=["run"], expires_at=None)
    caller = read_caller(key.row.digest)
    assert caller is not None
    assert (caller.may_run, caller.expires_at) == (True, None)
