"""Connecting: a member agrees at the other system, and comes back once, in time and with a code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone

from billhook.engine.config import AuthenticationConfig
from billhook.engine.errors import NotADocument
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from billhook.portal.documents.response import opened
from billhook.portal.installation import environment
from billhook.portal.integrations import policy
from billhook.portal.integrations.drafts import SecretEntry, draft_of
from billhook.portal.integrations.loading import load_one
from billhook.portal.integrations.models import Integration, StoredTokens
from billhook.portal.integrations.services import save_integration
from billhook.portal.organisations.models import Member
from engine.authorization_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    AuthorizationServer,
    authorization_server,
)
from portal.cast import Cast, make_cast, signed_in
from portal.editor.editor_page import Page
from portal.integration_cast import command, draft, integration


@contextmanager
def running_server() -> Iterator[AuthorizationServer]:
    """Run the authorisation server in a thread: pages are asked for without an event loop."""
    ready, ended = Event(), Event()
    found: list[AuthorizationServer] = []

    async def serve() -> None:
        async with authorization_server() as server:
            found.append(server)
            ready.set()
            await asyncio.to_thread(ended.wait)

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait(20)
    try:
        yield found[0]
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with running_server() as found:
        environment.put("BILLHOOK_ALLOW", f"127.0.0.1:{found.port}")
        policy.egress_policy.cache_clear()
        found.redirect_uri = "http://127.0.0.1:8000/oauth/callback"
        yield found
        environment.put("BILLHOOK_ALLOW", "")
        policy.egress_policy.cache_clear()


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Everybody, where threads see them, too."""
    return make_cast()


def authentication(server: AuthorizationServer) -> AuthenticationConfig:
    return AuthenticationConfig(
        scheme="oauth2-authorization-code",
        fields={
            "authorize_url": f"{server.url}/authorize",
            "token_url": f"{server.url}/token",
            "client_id": CLIENT_ID,
            "client_secret": "{{ApiKey}}",
        },
    )


@pytest.fixture
def row(cast: Cast, server: AuthorizationServer) -> Integration:
    given = draft(
        command(headers=()),
        base=server.url,
        secrets=(SecretEntry(name="ApiKey", value=Secret(CLIENT_SECRET)),),
    )
    return integration(cast.harper, replace(given, authentication=authentication(server)))


def address(row: Integration, what: str = "") -> str:
    return f"/backoffice/{row.organisation_id}/integrations/{row.id}{what}"


def begun(browser: Client, row: Integration) -> dict[str, str]:
    """Begin to connect, and return what the other system is asked."""
    page = browser.post(address(row, "/connect"))
    assert page.status_code == 200, page.content.decode()
    url = page.context["consent"].url
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def agreed(server: AuthorizationServer, asked: dict[str, str]) -> dict[str, str]:
    """Agree there, and return what the browser comes back with."""
    server.codes["code-1"] = asked["code_challenge"]
    return {"code": "code-1", "state": asked["state"]}


def come_back(browser: Client, query: dict[str, str]) -> Any:
    return opened(browser.get("/oauth/callback", query))


def test_a_member_connects_with_two_clicks(
    cast: Cast, server: AuthorizationServer, row: Integration
) -> None:
    bob = signed_in(cast.bob)
    asked = begun(bob, row)
    assert asked["redirect_uri"] == server.redirect_uri
    assert asked["code_challenge_method"] == "S256"
    back = come_back(bob, agreed(server, asked))
    assert (back.status_code, back["Location"]) == (302, address(row))
    assert back["Referrer-Policy"] == "no-referrer"
    tokens = StoredTokens.objects.get(integration=row)
    assert tokens.connected_by == cast.bob.user
    assert tokens.connected_at <= timezone.now()
    assert b"access-1" not in bytes(tokens.ciphertext)
    page = bob.get(address(row)).content.decode()
    assert "Connected</span> as of" in page
    assert "access-1" not in page
    assert Integration.objects.get(id=row.id).connection == 1


def failed(response: Any) -> str:
    assert response.status_code in {400, 502}
    assert not StoredTokens.objects.exclude(ciphertext=b"").exists()
    text: str = response.content.decode()
    assert "Nothing was changed." in text
    return text


def test_a_callback_counts_once(cast: Cast, server: AuthorizationServer, row: Integration) -> None:
    bob = signed_in(cast.bob)
    query = agreed(server, begun(bob, row))
    come_back(bob, query)
    again = come_back(bob, query)
    assert again.status_code == 400
    assert "Start again" in again.content.decode()
    assert server.grants == ["authorization_code"]


@pytest.mark.parametrize(
    "state", [pytest.param("x" * 43, id="another state"), pytest.param("", id="none")]
)
def test_a_callback_with_another_state_is_refused(
    cast: Cast, server: AuthorizationServer, row: Integration, state: str
) -> None:
    bob = signed_in(cast.bob)
    query = agreed(server, begun(bob, row)) | {"state": state}
    assert "match a pending connection" in failed(come_back(bob, query))
    assert server.grants == []


@pytest.mark.parametrize("who", ["alice", "charlie", "carla"])
def test_another_member_cannot_complete_the_connection(
    cast: Cast, server: AuthorizationServer, row: Integration, who: str
) -> None:
    query = agreed(server, begun(signed_in(cast.bob), row))
    other: Member = getattr(cast, who)
    failed(come_back(signed_in(other), query))
    assert server.grants == []


def test_a_pending_connection_copied_from_another_member_is_refused(
    cast: Cast, server: AuthorizationServer, row: Integration
) -> None:
    bob, alice = signed_in(cast.bob), signed_in(cast.alice)
    query = agreed(server, begun(bob, row))
    planted = alice.session
    planted["connecting"] = bob.session["connecting"]
    planted.save()
    failed(come_back(alice, query))
    assert server.grants == []


def test_a_connection_is_pending_for_ten_minutes(
    cast: Cast, server: AuthorizationServer, row: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = signed_in(cast.bob)
    query = agreed(server, begun(bob, row))
    late = time.time() + 601
    monkeypatch.setattr("billhook.portal.integrations.connection.time.time", lambda: late)
    assert "ten minutes" in failed(come_back(bob, query))


def test_a_refusal_at_the_other_system_is_reported(
    cast: Cast, server: AuthorizationServer, row: Integration
) -> None:
    bob = signed_in(cast.bob)
    query = {"error": "access_denied", "state": begun(bob, row)["state"]}
    assert "not granted" in failed(come_back(bob, query))


def test_a_code_that_is_not_accepted_is_reported(
    cast: Cast, server: AuthorizationServer, row: Integration
) -> None:
    bob = signed_in(cast.bob)
    query = {"code": "made-up", "state": begun(bob, row)["state"]}
    text = failed(come_back(bob, query))
    assert "CANARY" not in text
    assert "Connect again" in text


def test_an_integration_changed_in_the_meantime_is_not_connected(
    cast: Cast, server: AuthorizationServer, row: Integration
) -> None:
    bob = signed_in(cast.bob)
    query = agreed(server, begun(bob, row))
    save_integration(integration=row, draft=draft_of(row), version=row.version)
    assert "changed in the meantime" in failed(come_back(bob, query))
    assert server.grants == []


def test_a_viewer_sees_the_connection_and_has_no_button(cast: Cast, row: Integration) -> None:
    page = signed_in(cast.vera).get(address(row)).content.decode()
    assert "Not connected" in page
    assert "/connect" not in page
    assert signed_in(cast.vera).post(address(row, "/connect")).status_code == 403


def test_disconnecting_deletes_the_tokens(
    cast: Cast, server: AuthorizationServer, row: Integration
) -> None:
    bob = signed_in(cast.bob)
    come_back(bob, agreed(server, begun(bob, row)))
    assert bob.post(address(row, "/disconnect")).status_code == 302
    assert not StoredTokens.objects.exists()
    assert Integration.objects.get(id=row.id).connection == 2
    assert "Not connected" in bob.get(address(row)).content.decode()


@pytest.mark.parametrize(
    ("edit", "is_kept"),
    [
        pytest.param(lambda given: replace(given, name="Other"), True, id="another name"),
        pytest.param(
            lambda given: replace(
                given,
                variables={"BaseUrl": "https://evil.example"},
                secrets=(SecretEntry(name="ApiKey", value=Secret("typed")),),
            ),
            False,
            id="another address, with another secret",
        ),
        pytest.param(
            lambda given: replace(given, authentication=None),
            False,
            id="no authentication",
        ),
    ],
)
def test_tokens_are_not_sent_to_a_changed_address(
    cast: Cast,
    server: AuthorizationServer,
    row: Integration,
    edit: Callable[[Any], Any],
    *,
    is_kept: bool,
) -> None:
    bob = signed_in(cast.bob)
    come_back(bob, agreed(server, begun(bob, row)))
    save_integration(integration=row, draft=edit(draft_of(row)), version=row.version)
    assert StoredTokens.objects.exists() == is_kept


@pytest.mark.parametrize(
    ("by", "is_kept"),
    [
        pytest.param("bob", True, id="by the person who connected it"),
        pytest.param("alice", False, id="by somebody else"),
        pytest.param(None, False, id="by a program"),
    ],
)
def test_tokens_are_dropped_when_somebody_else_changes_a_command_that_carries_them(
    cast: Cast, server: AuthorizationServer, row: Integration, by: str | None, *, is_kept: bool
) -> None:
    bob = signed_in(cast.bob)
    come_back(bob, agreed(server, begun(bob, row)))
    edited = replace(draft_of(row), commands=(command(headers=(), url="{{BaseUrl}}/other"),))
    user = getattr(cast, by).user if by else None
    save_integration(integration=row, draft=edited, version=row.version, user=user)
    assert StoredTokens.objects.exists() == is_kept


def test_the_person_who_connected_it_may_change_the_command_in_the_form(
    cast: Cast, server: AuthorizationServer, row: Integration
) -> None:
    bob = signed_in(cast.bob)
    come_back(bob, agreed(server, begun(bob, row)))
    page = Page(bob, address(row))
    (url,) = [name for name, value in page.fields.items() if "/items/" in value]
    page.fields[url] = page.fields[url].replace("/items/", "/other/")
    assert page.press("save").status_code == 302, page.text
    assert StoredTokens.objects.exists()


def test_an_integration_with_another_scheme_cannot_be_connected(cast: Cast) -> None:
    plain = integration(cast.harper, draft(name="Plain"))
    response = signed_in(cast.bob).post(address(plain, "/connect"))
    assert response.status_code == 422
    assert "can&#x27;t be connected yet" in response.content.decode()


def test_no_member_is_sent_to_the_other_system_over_http(
    cast: Cast, server: AuthorizationServer, row: Integration
) -> None:
    fields = {
        **authentication(server).fields,
        "authorize_url": "http://login.acme.example/authorize",
    }
    moved = replace(
        draft_of(row),
        authentication=AuthenticationConfig(scheme="oauth2-authorization-code", fields=fields),
        secrets=(SecretEntry(name="ApiKey", value=Secret("typed")),),
    )
    save_integration(integration=row, draft=moved, version=row.version)
    response = signed_in(cast.bob).post(address(row, "/connect"))
    assert response.status_code == 422
    assert "https" in response.content.decode()


def test_the_page_of_a_source_lists_the_tokens_that_its_authentication_obtained(
    cast: Cast, server: AuthorizationServer, row: Integration
) -> None:
    bob = signed_in(cast.bob)
    come_back(bob, agreed(server, begun(bob, row)))
    loaded = load_one(Integration.objects.get(id=row.id))
    (compiled,) = loaded.commands.values()

    async def use() -> set[str]:
        async with policy.open_source(loaded.wiring) as source:
            assert source.credentials == ()
            values = compiled.values({"InvoiceNumber": "INV-1"})
            with pytest.raises(NotADocument):
                await run_command(compiled, values, transport=source)
            return {secret.reveal() for secret in source.credentials}

    assert async_to_sync(use)() == {"access-1", "refresh-1"}
    assert server.served == ["/items/INV-1"]
