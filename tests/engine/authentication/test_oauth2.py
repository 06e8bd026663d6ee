"""Access tokens: obtained once for many runs, renewed once when refused, saved before use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from billhook.engine.authentication.authorization import (
    begin_authorization,
    finish_authorization,
    read_code,
)
from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.authentication.oauth2_client import make_client
from billhook.engine.authentication.scheme import AuthenticationPlan
from billhook.engine.authentication.token_store import IssuedTokens, MemoryTokenStore, TokenStore
from billhook.engine.authentication.transport import SignedTransport
from billhook.engine.config import AuthenticationConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import AuthenticationFailed, EgressDenied, SourceTimeout
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport
from billhook.engine.secret import Secret
from engine.authorization_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    DOCUMENT,
    AuthorizationServer,
    authorization_server,
)
from engine.origins import answer

LIMITS = Limits(timeout=30.0, max_bytes=10_000)
SECRETS = {"ClientSecret": Secret(CLIENT_SECRET), "First": Secret("refresh-0")}
CLIENT, REFRESH, CODE = (
    "oauth2-client-credentials",
    "oauth2-refresh-token",
    "oauth2-authorization-code",
)


def plan_for(server: AuthorizationServer, scheme: str, **more: object) -> AuthenticationPlan:
    extra = more.pop("extra", {})
    fields = {
        "token_url": f"{server.url}/token",
        "client_id": CLIENT_ID,
        "client_secret": "{{ClientSecret}}",
        "client_auth": "header" if server.in_header else "body",
        **({"refresh_token": "{{First}}"} if scheme == REFRESH else {}),
        **({"authorize_url": f"{server.url}/in?tenant=1"} if scheme == CODE else {}),
        **more,
    }
    if server.client_secret is None:
        del fields["client_secret"]
    config = AuthenticationConfig(scheme=scheme, fields=fields, extra=extra)  # type: ignore[arg-type]
    return compile_authentication(config, variables={}, secrets=SECRETS)


class Client:
    """A source whose authorisation server is *server*, as one process sees it."""

    def __init__(
        self, server: AuthorizationServer, plan: AuthenticationPlan, token_store: TokenStore | None
    ) -> None:
        self.http = HttpTransport(server.policy)
        self.authenticator = make_authenticator(plan, SECRETS, token_store=token_store)
        self.origin = Origin(scheme="http", host="127.0.0.1", port=server.port)
        self.transport = SignedTransport(
            self.http, authenticator=self.authenticator, origins=frozenset({self.origin})
        )
        self.trace = Trace()

    async def get(
        self, target: str = "/1", *, method: str = "GET", within: float = 30.0
    ) -> tuple[int, bytes]:
        request = WebRequest(
            step="Get",
            method=method,
            url=f"{self.origin}{target}",
            origin=self.origin,
            target=target,
            headers=(),
            body=b"" if method == "POST" else None,
            carries_secret=False,
        )
        response = await self.transport.exchange(
            request,
            RunTerms(
                limits=LIMITS,
                redirects="deny",
                deadline=asyncio.get_running_loop().time() + within,
                trace=self.trace,
            ),
        )
        with response.body:
            return response.status, response.body.read()

    @property
    def attempts(self) -> list[tuple[str, str, int | None, str]]:
        return [(a.step, a.method, a.status, a.outcome) for a in self.trace.attempts]


@asynccontextmanager
async def client_of(
    server: AuthorizationServer,
    scheme: str,
    token_store: TokenStore | None = None,
    **more: object,
) -> AsyncIterator[Client]:
    client = Client(server, plan_for(server, scheme, **more), token_store or MemoryTokenStore())
    try:
        yield client
    finally:
        await client.authenticator.close()
        await client.http.close()


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="in the header"),
        pytest.param({"in_header": False}, id="in the body"),
        pytest.param({"client_secret": None}, id="a client without a secret"),
    ],
)
@pytest.mark.parametrize("scheme", [CLIENT, REFRESH])
async def test_a_token_is_obtained_and_used(scheme, settings):
    async with authorization_server(**settings) as server, client_of(server, scheme) as client:
        assert await client.get() == (200, DOCUMENT)
        assert await client.get("/2") == (200, DOCUMENT)
    assert len(server.grants) == 1
    assert client.attempts == [
        ("authentication", "POST", 200, "ok"),
        ("Get", "GET", 200, "ok"),
        ("Get", "GET", 200, "ok"),
    ]


async def test_scope_and_extra_parameters_are_sent():
    async with (
        authorization_server() as server,
        client_of(
            server, CLIENT, scope="read write", extra={"audience": "a&b", "body": "x"}
        ) as client,
    ):
        await client.get()
    assert server.forms == [
        {"grant_type": "client_credentials", "scope": "read write", "audience": "a&b", "body": "x"}
    ]


@pytest.mark.parametrize("scheme", [CLIENT, REFRESH])
async def test_fifty_concurrent_runs_request_one_token(scheme):
    async with authorization_server() as server, client_of(server, scheme) as client:
        answers = await asyncio.gather(*(client.get(f"/{n}") for n in range(50)))
    assert answers == [(200, DOCUMENT)] * 50
    assert len(server.grants) == 1


@pytest.mark.parametrize("scheme", [CLIENT, REFRESH])
async def test_fifty_runs_whose_token_is_refused_renew_it_once(scheme):
    async with authorization_server() as server, client_of(server, scheme) as client:
        await client.get()
        server.expire()
        answers = await asyncio.gather(*(client.get(f"/{n}") for n in range(50)))
    assert answers == [(200, DOCUMENT)] * 50
    assert len(server.grants) == 2
    assert not server.reused


async def test_a_post_is_repeated_after_its_token_was_refused():
    async with authorization_server() as server, client_of(server, CLIENT) as client:
        await client.get()
        server.expire()
        assert await client.get("/post", method="POST") == (200, DOCUMENT)
    assert client.attempts[2:] == [
        ("Get", "POST", 401, "source-refused"),
        ("authentication", "POST", 200, "ok"),
        ("Get", "POST", 200, "ok"),
    ]


async def test_the_second_refusal_of_a_token_is_final():
    async def void(server: AuthorizationServer, moment: str) -> None:
        if moment == "token given":
            server.expire()

    async with authorization_server(hook=void) as server, client_of(server, CLIENT) as client:
        status, _ = await client.get()
    assert status == 401
    assert len(server.grants) == 2
    assert server.refused == 2


@pytest.mark.parametrize(
    ("lifetime", "used_for"), [(3600, 3540), (100, 90)], ids=["an hour", "a hundred seconds"]
)
async def test_a_token_is_not_used_shortly_before_it_expires(lifetime, used_for):
    token_store = MemoryTokenStore()
    before = time.time()
    async with (
        authorization_server(lifetime=lifetime) as server,
        client_of(server, REFRESH, token_store) as client,
    ):
        await client.get()
        kept = await token_store.load()
        assert kept is not None
        assert kept.expires_at is not None
        assert before <= kept.expires_at - used_for <= time.time()
        await token_store.save(replace(kept, expires_at=before))
        async with client_of(server, REFRESH, token_store) as later:
            await later.get()
    assert len(server.grants) == 2


async def test_a_token_without_a_lifetime_is_used_until_it_is_refused():
    async with authorization_server(lifetime=None) as server, client_of(server, CLIENT) as client:
        await client.get()
        await client.get()
        assert len(server.grants) == 1


# Refresh tokens


class Noting(MemoryTokenStore):
    """A token store that records when it saves."""

    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self._events = events

    async def save(self, tokens: IssuedTokens) -> None:
        await asyncio.sleep(0)
        self._events.append(f"saved {tokens.refresh.reveal() if tokens.refresh else None}")
        await super().save(tokens)


async def test_a_new_refresh_token_is_saved_before_the_access_token_is_used():
    events: list[str] = []

    async def note(server: AuthorizationServer, moment: str) -> None:
        events.append(moment)

    async with (
        authorization_server(hook=note) as server,
        client_of(server, REFRESH, Noting(events)) as client,
    ):
        await client.get()
        server.expire()
        await client.get()
    assert events == [
        *("token asked", "token given", "saved refresh-1", "token used"),
        *("token asked", "token given", "saved refresh-2", "token used"),
    ]


async def test_a_refresh_token_stays_valid_unless_a_new_one_is_issued():
    async with (
        authorization_server(rotates=False) as server,
        client_of(server, REFRESH) as client,
    ):
        await client.get()
        server.expire()
        assert await client.get() == (200, DOCUMENT)
    assert [form["refresh_token"] for form in server.forms] == ["refresh-0", "refresh-0"]


async def test_saved_tokens_are_used_by_the_next_process():
    token_store = MemoryTokenStore()
    async with authorization_server() as server:
        async with client_of(server, REFRESH, token_store) as first:
            await first.get()
        async with client_of(server, REFRESH, token_store) as second:
            await second.get()
            server.expire()
            await second.get()
    assert [form["refresh_token"] for form in server.forms] == ["refresh-0", "refresh-1"]


async def test_two_processes_with_one_token_store_renew_once():
    token_store = MemoryTokenStore()
    async with (
        authorization_server() as server,
        client_of(server, REFRESH, token_store) as first,
        client_of(server, REFRESH, token_store) as second,
    ):
        await asyncio.gather(first.get(), second.get())
        server.expire()
        answers = await asyncio.gather(first.get(), second.get())
    assert [status for status, _ in answers] == [200, 200]
    assert len(server.grants) == 2


async def test_a_newly_typed_refresh_token_replaces_the_stored_tokens():
    token_store = MemoryTokenStore()
    async with authorization_server() as server:
        async with client_of(server, REFRESH, token_store) as client:
            await client.get()
        server.good_refresh, server.reused = "typed again", False
        plan = plan_for(server, REFRESH)
        authenticator = make_authenticator(
            plan, {**SECRETS, "First": Secret("typed again")}, token_store=token_store
        )
        async with client_of(server, REFRESH, token_store) as client:
            client.transport = SignedTransport(
                client.http, authenticator=authenticator, origins=frozenset({client.origin})
            )
            assert (await client.get())[0] == 200
    assert server.forms[-1]["refresh_token"] == "typed again"


async def test_stored_tokens_never_go_to_another_token_url():
    token_store = MemoryTokenStore()
    async with authorization_server() as server, authorization_server() as other:
        async with client_of(server, CODE, token_store, pkce=False) as client:
            source = client.authenticator._source
            await token_store.save(
                IssuedTokens(
                    access=Secret("a"), expires_at=0.0, refresh=Secret("refresh-0"), source=source
                )
            )
            assert (await client.get())[0] == 200
        async with client_of(other, CODE, token_store, pkce=False) as client:
            with pytest.raises(AuthenticationFailed) as caught:
                await client.get()
    assert caught.value.connect_again
    assert other.forms == []


async def test_a_cancelled_run_loses_no_token():
    """The server has used up the old one: what it answers must be kept, though nobody waits."""
    answering = asyncio.Event()
    token_store = MemoryTokenStore()

    async def wait(server: AuthorizationServer, moment: str) -> None:
        if moment == "token given":
            await answering.wait()

    async with authorization_server(hook=wait) as server:
        async with client_of(server, REFRESH, token_store) as client:
            with pytest.raises(SourceTimeout) as caught:
                await client.get(within=0.2)
            run = asyncio.ensure_future(client.get())
            await asyncio.sleep(0)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            answering.set()
        kept = await token_store.load()
    assert caught.value.phase == "whole"
    assert kept is not None
    assert kept.refresh == Secret(server.good_refresh)
    assert len(server.grants) == 1


async def test_other_runs_get_the_token_that_the_first_run_gave_up_on():
    answering = asyncio.Event()

    async def wait(server: AuthorizationServer, moment: str) -> None:
        if moment == "token given":
            await answering.wait()

    async with authorization_server(hook=wait) as server, client_of(server, REFRESH) as client:
        first = asyncio.ensure_future(client.get(within=0.2))
        second = asyncio.ensure_future(client.get("/2"))
        with pytest.raises(SourceTimeout):
            await first
        answering.set()
        assert await second == (200, DOCUMENT)
    assert len(server.grants) == 1


# What goes wrong


@pytest.mark.parametrize(
    ("error", "says", "connect_again"),
    [
        pytest.param((400, {"error": "invalid_grant"}), "expired", True, id="used before"),
        pytest.param((400, {"error": "invalid_client"}), "client ID", False, id="client"),
        pytest.param((401, {"error": "odd"}), "client ID", False, id="401 in other words"),
        pytest.param((400, {"error": "invalid_scope"}), "scope", False, id="scope"),
        pytest.param((400, {"error": "unauthorized_client"}), "this scheme", False, id="way"),
        pytest.param((503, {"error": "temporarily_unavailable"}), "temporarily", False, id="later"),
        pytest.param((200, {"error": "invalid_code"}), "expired", True, id="an error as a 200"),
        pytest.param((200, {"token": "x"}), "holds no token", False, id="no token"),
        pytest.param((500, {}), "500", False, id="a status alone"),
        pytest.param((400, {"error": {"a": 1}}), "400", False, id="an error that is not a word"),
        pytest.param((200, {"access_token": "a b"}), "can't be sent", False, id="a space"),
        pytest.param((200, {"access_token": 7}), "can't be sent", False, id="a number"),
        pytest.param((200, {"access_token": ""}), "can't be sent", False, id="an empty token"),
        pytest.param((200, {"access_token": "a\r\nX: y"}), "can't be sent", False, id="two lines"),
    ],
)
async def test_an_error_of_the_token_url_is_reported_in_our_own_words(error, says, connect_again):
    status, fields = error
    canary = {"error_description": "CANARY", "error_uri": "https://x.example/CANARY"}
    async with (
        authorization_server(error=(status, {**fields, **canary})) as server,
        client_of(server, REFRESH) as client,
    ):
        with pytest.raises(AuthenticationFailed, match=says) as caught:
            await client.get()
    assert caught.value.connect_again == connect_again
    assert "CANARY" not in str(caught.value)
    assert server.served == []


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"<html>CANARY</html>", id="a web page"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b"7", id="a number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"access_token": "a", "scope": 7}', id="a scope that is a number"),
        pytest.param(b'{"access_token": "a", "expires_in": 1e999}', id="no end of time"),
        pytest.param(b"[" * 100_000, id="a deep list"),
    ],
)
async def test_a_response_without_a_token_is_reported(raw):
    async with (
        authorization_server(raw=answer(raw)) as server,
        client_of(server, CLIENT) as client,
    ):
        with pytest.raises(AuthenticationFailed) as caught:
            await client.get()
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("lifetime", ["1" + "0" * 400, "-1" + "0" * 400, "1e300"])
async def test_a_token_with_an_extreme_lifetime_is_sent_once(lifetime):
    raw = answer(b'{"access_token": "access-1", "expires_in": %s}' % lifetime.encode())
    async with (
        authorization_server(raw=raw, good_access={"access-1"}) as server,
        client_of(server, CLIENT) as client,
    ):
        assert (await client.get())[0] == 200


async def test_a_form_encoded_token_response_is_read_too():
    raw = answer(b"access_token=access-1&expires_in=3600")
    async with (
        authorization_server(raw=raw, good_access={"access-1"}) as server,
        client_of(server, CLIENT) as client,
    ):
        assert (await client.get())[0] == 200


async def test_a_refresh_token_used_elsewhere_must_be_typed_again():
    async with (
        authorization_server(good_refresh="another") as server,
        client_of(server, REFRESH) as client,
    ):
        with pytest.raises(AuthenticationFailed) as caught:
            await client.get()
    assert caught.value.connect_again


class NeverFree(MemoryTokenStore):
    """A token store whose lock somebody else holds."""

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[None]:
        raise TimeoutError
        yield


async def test_a_lock_that_is_never_free_is_reported():
    async with authorization_server() as server, client_of(server, REFRESH, NeverFree()) as client:
        with pytest.raises(AuthenticationFailed, match="Another process"):
            await client.get()
    assert server.forms == []


async def test_a_refused_refresh_token_is_not_sent_again_immediately():
    token_store = MemoryTokenStore()
    async with (
        authorization_server(good_refresh="another") as server,
        client_of(server, REFRESH, token_store) as client,
    ):
        for _ in range(3):
            with pytest.raises(AuthenticationFailed, match="expired") as caught:
                await client.get()
            assert caught.value.connect_again
        assert len(server.forms) == 1
        server.reused = False
        source = client.authenticator._source
        connected = IssuedTokens(
            access=Secret("a"), expires_at=0.0, refresh=Secret("another"), source=source
        )
        await token_store.save(connected)
        assert (await client.get())[0] == 200


async def test_a_missing_token_url_fails_authentication():
    async with authorization_server() as server, client_of(server, CLIENT) as client:
        plan = plan_for(server, CLIENT, token_url="http://127.0.0.1:1/token")
        client.http._policy = server.policy.from_texts(
            allow=[f"127.0.0.1:{server.port}", "127.0.0.1:1"]
        )
        authenticator = make_authenticator(plan, SECRETS)
        client.transport = SignedTransport(
            client.http, authenticator=authenticator, origins=frozenset({client.origin})
        )
        with pytest.raises(AuthenticationFailed, match="token URL"):
            await client.get()
    assert client.attempts == [("authentication", "POST", None, "source-unreachable")]


async def test_the_token_url_is_subject_to_the_egress_policy():
    async with authorization_server() as server, client_of(server, CLIENT) as client:
        plan = plan_for(server, CLIENT, token_url="http://127.0.0.1:2/token")
        client.transport = SignedTransport(
            client.http,
            authenticator=make_authenticator(plan, SECRETS),
            origins=frozenset({client.origin}),
        )
        with pytest.raises(EgressDenied):
            await client.get()


# The authorization code


BACK = "https://billhook.example/back"


@pytest.mark.parametrize("pkce", [True, False], ids=["with PKCE", "without PKCE"])
@pytest.mark.parametrize("settings", [{}, {"client_secret": None}], ids=["a secret", "no secret"])
async def test_after_a_person_connects_once_runs_work(pkce, settings):
    token_store = MemoryTokenStore()
    async with authorization_server(**settings) as server:
        plan = plan_for(server, CODE, pkce=pkce, scope="a b", extra={"access_type": "offline"})
        client = make_client(plan, SECRETS)
        begun = begin_authorization(client, redirect_uri=BACK)
        asked = parse_qs(urlsplit(begun.url).query)
        assert begun.url.startswith(f"{server.url}/in?tenant=1&")
        assert asked["response_type"] == ["code"]
        assert asked["client_id"] == [CLIENT_ID]
        assert asked["redirect_uri"] == [BACK]
        assert asked["scope"] == ["a b"]
        assert asked["state"] == [begun.state]
        assert asked["access_type"] == ["offline"]
        assert ("code_challenge" in asked) == pkce
        assert asked.get("code_challenge_method") == (["S256"] if pkce else None)
        server.codes["c0de"] = asked["code_challenge"][0] if pkce else None
        async with client_of(server, CODE, token_store, pkce=pkce) as run:
            with pytest.raises(AuthenticationFailed) as caught:
                await run.get()
            assert caught.value.connect_again
            await finish_authorization(
                client,
                query=f"code=c0de&state={begun.state}",
                state=begun.state,
                verifier=begun.verifier,
                redirect_uri=BACK,
                token_store=token_store,
                transport=run.http,
                trace=Trace(),
                deadline=asyncio.get_running_loop().time() + 30,
            )
            assert await run.get() == (200, DOCUMENT)
            server.expire()
            assert await run.get() == (200, DOCUMENT)
    assert server.grants == ["authorization_code", "refresh_token"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param(
            "error=invalid_scope&error_description=CANARY&state=st4te",
            "does not grant the requested scope",
            id="a scope that is not granted",
        ),
        pytest.param("code=c&state=other", "match a pending connection", id="another flow's state"),
        pytest.param("code=c", "match a pending connection", id="no state"),
        pytest.param("state=st4te", "match a pending connection", id="no code"),
        pytest.param("", "match a pending connection", id="nothing"),
        pytest.param("error=access_denied&state=st4te", "not granted", id="the person said no"),
        pytest.param("error=CANARY&state=st4te", "match a pending connection", id="another error"),
    ],
)
def test_a_callback_of_another_flow_is_refused(query, says):
    with pytest.raises(AuthenticationFailed, match=says) as caught:
        read_code(query, state="st4te")
    assert caught.value.connect_again
    assert "CANARY" not in str(caught.value)


def test_a_code_is_read_among_other_parameters():
    assert read_code("scope=a&code=c%2F1&state=st4te&iss=x", state="st4te") == "c/1"


def test_each_flow_has_its_own_state_and_verifier():
    server = AuthorizationServer(port=1)
    client = make_client(plan_for(server, CODE), SECRETS)
    begun = [begin_authorization(client, redirect_uri=BACK) for _ in range(2)]
    assert begun[0].state != begun[1].state
    assert begun[0].verifier != begun[1].verifier
    assert "••••••" in str(begun[0].verifier)


# Keeping


def test_tokens_survive_the_way_into_text_and_back():
    tokens = IssuedTokens(access=Secret("a"), expires_at=1.5, refresh=None, source="s")
    assert IssuedTokens.from_text(tokens.to_text()) == tokens
    with_refresh = replace(tokens, refresh=Secret("r"), expires_at=None)
    assert IssuedTokens.from_text(with_refresh.to_text()) == with_refresh


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"access": 1}', "null"])
def test_other_text_is_not_read_as_tokens(text):
    assert IssuedTokens.from_text(text) is None


def test_tokens_do_not_print_their_secrets():
    tokens = IssuedTokens(
        access=Secret("CANARY"), expires_at=time.time(), refresh=Secret("CANARY"), source="s"
    )
    assert "CANARY" not in repr(tokens)
