"""A session: opened once for many runs, and once again when it is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.authentication.transport import SignedTransport
from billhook.engine.config import (
    AuthenticationConfig,
    ConditionConfig,
    ExtractConfig,
    PathConfig,
    StepConfig,
)
from billhook.engine.egress.url import Origin
from billhook.engine.errors import AuthenticationFailed, SourceUnreachable
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import Response
from billhook.engine.secret import Secret
from billhook.engine.testing import FakeTransport, make_response
from billhook.engine.tokens.values import Given

LIMITS = Limits(timeout=30.0, max_bytes=10_000)
SOURCE = Origin(scheme="https", host="billing.example", port=443)
SECRETS = {"Password": Secret('pass"w&rd'), "DevKey": Secret("d3v")}
AUTHENTICATION = StepConfig(
    method="POST",
    url="https://login.example/session",
    headers=(("Content-Type", "application/json"),),
    body='{"user": "{{User}}", "password": {{Password}}}',
    success_when=(ConditionConfig(path=PathConfig(kind="json", text="$.ok"), equals=True),),
    extract=(ExtractConfig(name="Id", path=PathConfig(kind="json", text="$.id")),),
)
CONFIG = AuthenticationConfig(
    scheme="session",
    request=AUTHENTICATION,
    headers=(("sessionId", "{{Session.Id}}"), ("devKey", "{{DevKey}}")),
    refused_when=(ConditionConfig(path=PathConfig(kind="json", text="$.error"), equals="EXPIRED"),),
)
GET = WebRequest(
    step="Get",
    method="GET",
    url=f"{SOURCE}/1",
    origin=SOURCE,
    target="/1",
    headers=(),
    body=None,
    carries_secret=False,
)


def opened(session: object = "s1", **more: object) -> Response:
    return make_response(json.dumps({"ok": True, "id": session} | more).encode())


class Client:
    """A source behind a session, answering from a script."""

    def __init__(self, *answers: object, config: AuthenticationConfig = CONFIG) -> None:
        plan = compile_authentication(config, variables={"User": "ann"}, secrets=SECRETS)
        self.network = FakeTransport(*answers)  # type: ignore[arg-type]
        self.transport = SignedTransport(
            self.network,
            authenticator=make_authenticator(plan, SECRETS),
            origins=frozenset({SOURCE}),
        )
        self.trace = Trace()

    async def get(self, request: WebRequest = GET) -> tuple[int, bytes]:
        response = await self.transport.exchange(
            request,
            RunTerms(
                limits=LIMITS,
                redirects="deny",
                deadline=asyncio.get_running_loop().time() + 30,
                trace=self.trace,
            ),
        )
        with response.body:
            return response.status, response.body.read()

    @property
    def sent(self) -> list[tuple[str, str]]:
        return [
            (each.step, dict(each.headers).get("sessionId", "")) for each in self.network.requests
        ]


async def test_a_session_is_opened_once_for_all_requests():
    client = Client(opened(), make_response(b"1"), make_response(b"2"))
    assert await client.get() == (200, b"1")
    assert await client.get() == (200, b"2")
    assert client.sent == [("authentication", ""), ("Get", "s1"), ("Get", "s1")]
    authentication, get, _ = client.network.requests
    assert authentication.url == "https://login.example/session"
    assert json.loads(authentication.body or b"") == {"user": "ann", "password": 'pass"w&rd'}
    assert authentication.carries_secret
    assert dict(get.headers) == {"sessionId": "s1", "devKey": "d3v"}
    assert get.carries_secret


async def test_concurrent_runs_open_one_session():
    client = Client(opened(), *(make_response(b"1") for _ in range(20)))
    await asyncio.gather(*(client.get() for _ in range(20)))
    assert [step for step, _ in client.sent].count("authentication") == 1


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(lambda: make_response(status=401), id="401"),
        pytest.param(lambda: make_response(status=403), id="403"),
        pytest.param(lambda: make_response(b'{"error": "EXPIRED"}'), id="as configured"),
    ],
)
async def test_a_refused_session_is_replaced_once(refusal):
    client = Client(opened("s1"), make_response(b"1"), refusal(), opened("s2"), make_response(b"2"))
    await client.get()
    assert await client.get() == (200, b"2")
    assert client.sent == [
        ("authentication", ""),
        ("Get", "s1"),
        ("Get", "s1"),
        ("authentication", ""),
        ("Get", "s2"),
    ]
    assert client.trace.attempts[2].outcome == "source-refused"


async def test_the_second_refusal_of_a_session_is_final():
    client = Client(opened(), make_response(status=403), opened(), make_response(status=403))
    assert (await client.get())[0] == 403
    assert len(client.network.requests) == 4


async def test_other_responses_are_not_refusals():
    client = Client(opened(), make_response(b'{"error": "OTHER"}'), make_response(b"%PDF"))
    assert await client.get() == (200, b'{"error": "OTHER"}')
    assert await client.get() == (200, b"%PDF")


async def test_a_session_is_used_no_longer_than_configured():
    config = replace(CONFIG, fields={"kept": 1e-9})
    client = Client(opened(), make_response(), opened(), make_response(), config=config)
    await client.get()
    await client.get()
    assert [step for step, _ in client.sent] == ["authentication", "Get", "authentication", "Get"]


async def test_an_address_from_a_response_gets_no_session():
    elsewhere = Origin(scheme="https", host="files.example", port=443)
    other = replace(GET, url=f"{elsewhere}/1", origin=elsewhere)
    client = Client(make_response(b"1"), make_response(b"2"))
    await client.get(other)
    await client.get(replace(GET, authenticate=False))
    assert client.sent == [("Get", ""), ("Get", "")]
    assert all(request.headers == () for request in client.network.requests)


# The session's values in a request's own texts


def completed(session: Mapping[str, Given]) -> WebRequest:
    return replace(GET, method="POST", body=f"id={session['Session.Id'].text}".encode())


@pytest.mark.parametrize(
    ("is_authenticated", "headers"),
    [
        pytest.param(True, {"sessionId": "s1", "devKey": "d3v"}, id="with its headers"),
        pytest.param(False, {}, id="without its headers"),
    ],
)
async def test_a_request_is_completed_with_the_sessions_values(is_authenticated, headers):
    client = Client(opened(), make_response(b"1"))
    ask = replace(
        GET,
        authenticate=is_authenticated,
        complete=lambda given: replace(completed(given), authenticate=is_authenticated),
    )
    await client.get(ask)
    sent = client.network.requests[1]
    assert sent.body == b"id=s1"
    assert dict(sent.headers) == headers
    assert sent.carries_secret


async def test_a_request_is_completed_again_with_a_new_session():
    client = Client(opened("s1"), make_response(status=401), opened("s2"), make_response(b"1"))
    assert await client.get(replace(GET, complete=completed)) == (200, b"1")
    assert [request.body for request in client.network.requests if request.step == "Get"] == [
        b"id=s1",
        b"id=s2",
    ]


# What goes wrong


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(make_response(status=401), "credentials", id="401"),
        pytest.param(make_response(status=500), "status 500", id="500"),
        pytest.param(make_response(b'{"ok": false}'), "says that it failed", id="it says no"),
        pytest.param(make_response(b'{"ok": true}'), "holds no session", id="nothing in it"),
        pytest.param(make_response(b"<html>"), "says that it failed", id="a web page"),
        pytest.param(make_response(b'{"ok": true, "id": []}'), "list", id="a list"),
        pytest.param(make_response(b'{"ok": true, "id": "a\\r\\nX: y"}'), "header", id="two lines"),
        pytest.param(SourceUnreachable(), "No connection", id="unreachable"),
    ],
)
async def test_failed_authentication_says_what_failed(answer, says):
    client = Client(answer, make_response(b"1"))
    with pytest.raises(AuthenticationFailed, match=says) as caught:
        await client.get()
    assert 'pass"w&rd' not in str(caught.value)
    assert "Session.Id" in str(caught.value) or "list" not in says


async def test_a_session_request_that_cannot_be_filled_is_reported():
    secrets = {**SECRETS, "DevKey": Secret("a\r\nX: y")}
    request = replace(AUTHENTICATION, headers=(*AUTHENTICATION.headers, ("X-Key", "{{DevKey}}")))
    config = replace(CONFIG, request=request, headers=())
    client = Client(config=config)
    plan = compile_authentication(config, variables={"User": "ann"}, secrets=secrets)
    client.transport = SignedTransport(
        client.network, authenticator=make_authenticator(plan, secrets), origins=frozenset({SOURCE})
    )
    with pytest.raises(AuthenticationFailed, match="can't be filled"):
        await client.get()
    assert client.network.requests == []


async def test_the_next_run_tries_again_to_open_a_session():
    client = Client(make_response(status=500), opened(), make_response(b"1"))
    with pytest.raises(AuthenticationFailed):
        await client.get()
    assert await client.get() == (200, b"1")


async def test_a_redirect_in_response_to_a_login_form_opens_a_session():
    request = replace(
        AUTHENTICATION,
        success_when=(),
        extract=(
            ExtractConfig(
                name="Id", path=PathConfig(kind="header", text="X-Session"), many="first"
            ),
        ),
    )
    client = Client(
        make_response(status=302, headers=[("X-Session", "s9"), ("Location", "/home")]),
        make_response(b"1"),
        config=replace(CONFIG, request=request),
    )
    await client.get()
    assert client.sent[1] == ("Get", "s9")
