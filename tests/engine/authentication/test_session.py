"""A session: opened once for many runs, and once again when it is refused."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

import pytest

from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.authentication.transport import SignedTransport
from billhook.engine.config import (
    AuthenticationConfig,
    ConditionConfig,
    DeriveConfig,
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
    requests=(AUTHENTICATION,),
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
        self.authenticator = make_authenticator(plan, SECRETS)
        self.transport = SignedTransport(
            self.network,
            authenticator=self.authenticator,
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
    config = replace(CONFIG, requests=(request,), headers=())
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
        config=replace(CONFIG, requests=(request,)),
    )
    await client.get()
    assert client.sent[1] == ("Get", "s9")


# A session in cookies, opened with several requests

FORM = StepConfig(
    url="https://billing.example/login",
    extract=(
        ExtractConfig(
            name="Csrf",
            path=PathConfig(kind="regex", text='name="csrfmiddlewaretoken" value="([^"]+)"'),
        ),
    ),
)
LOGIN = StepConfig(
    method="POST",
    url="https://billing.example/login",
    headers=(("Content-Type", "application/x-www-form-urlencoded"),),
    body="csrfmiddlewaretoken={{Session.Csrf}}&user={{User}}&password={{Password}}",
)
IN_COOKIES = AuthenticationConfig(
    scheme="session", fields={"cookies": True}, requests=(FORM, LOGIN)
)
FORM_PAGE = b'<form><input type="hidden" name="csrfmiddlewaretoken" value="c/1"></form>'
LOGIN_PAGE = b"<form><input name=user><INPUT id=p TYPE='password' name=password></form>"


def setting(*cookies: str, body: bytes = b"", status: int = 200, **more: object) -> Response:
    headers = [("Set-Cookie", cookie) for cookie in cookies]
    return make_response(body, status=status, headers=headers, origin=SOURCE, **more)  # type: ignore[arg-type]


def cookies_sent(client: Client) -> list[str]:
    return [dict(each.headers).get("Cookie", "") for each in client.network.requests]


async def test_a_login_form_opens_a_session_in_cookies():
    client = Client(
        setting("csrftoken=k; Path=/", body=FORM_PAGE),
        setting("sessionid=s1; HttpOnly", "csrftoken=k2", status=302),
        make_response(b"1"),
        make_response(b"2"),
        config=IN_COOKIES,
    )
    assert await client.get() == (200, b"1")
    assert await client.get() == (200, b"2")
    after = "csrftoken=k2; sessionid=s1"
    assert cookies_sent(client) == ["", "csrftoken=k", after, after]
    body = client.network.requests[1].body
    assert body == b"csrfmiddlewaretoken=c%2F1&user=ann&password=pass%22w%26rd"
    assert client.network.requests[2].carries_secret


async def test_cookies_are_masked_like_other_values_of_a_session():
    client = Client(
        setting("a=first-value", body=FORM_PAGE),
        setting("b=other-value"),
        make_response(),
        config=IN_COOKIES,
    )
    await client.get()
    revealed = {each.reveal() for each in client.authenticator.credentials}
    assert revealed == {"c/1", "first-value", "other-value"}


async def test_a_cookie_that_a_source_sets_later_belongs_to_the_session():
    client = Client(
        setting("k=1", body=FORM_PAGE),
        setting("sid=s1"),
        setting("sid=s2", "route=a", body=b"1"),
        setting("route=; Max-Age=0", body=b"2"),
        make_response(b"3"),
        config=IN_COOKIES,
    )
    for _ in range(3):
        await client.get()
    assert cookies_sent(client)[2:] == ["k=1; sid=s1", "k=1; sid=s2; route=a", "k=1; sid=s2"]


async def test_cookies_of_a_session_do_not_go_to_another_origin():
    elsewhere = Origin(scheme="https", host="login.example", port=443)
    request = replace(LOGIN, url="https://login.example/session", body="k=v")
    login = make_response(headers=[("Set-Cookie", "sid=1")], origin=elsewhere)
    config = replace(IN_COOKIES, requests=(request,))
    client = Client(login, make_response(b"1"), config=config)
    await client.get()
    assert cookies_sent(client) == ["", ""]


async def test_cookies_between_the_requests_need_no_setting_but_those_of_a_session_do():
    extract = (ExtractConfig(name="Id", path=PathConfig(kind="cookie", text="sid")),)
    config = AuthenticationConfig(
        scheme="session",
        requests=(FORM, replace(LOGIN, extract=extract)),
        headers=(("X-Session", "{{Session.Id}}"),),
    )
    client = Client(
        setting("a=1", body=FORM_PAGE), setting("sid=s1; Path=/"), make_response(), config=config
    )
    await client.get()
    assert cookies_sent(client) == ["", "a=1", ""]
    assert dict(client.network.requests[2].headers) == {"X-Session": "s1"}


async def test_a_redirect_to_the_login_page_means_that_the_session_has_ended():
    def opening(session: str) -> list[Response]:
        return [setting("k=1", body=FORM_PAGE), setting(f"sid={session}", status=302)]

    ended = replace(setting(body=LOGIN_PAGE), redirected_to="/login?next=/1")
    client = Client(
        *opening("s1"), make_response(b"1"), ended, *opening("s2"), make_response(b"2"),
        config=IN_COOKIES,
    )  # fmt: skip
    await client.get()
    assert await client.get() == (200, b"2")
    assert cookies_sent(client)[-1] == "k=1; sid=s2"


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        pytest.param(
            [setting("k=1", body=FORM_PAGE), setting(body=LOGIN_PAGE)],
            "login form again",
            id="the form again",
        ),
        pytest.param(
            [setting("k=1", body=b"<form>")],
            "Request 1 of those .* holds no session",
            id="no field",
        ),
        pytest.param(
            [setting(body=FORM_PAGE), setting(status=302)], "set no cookie", id="no cookie"
        ),
        pytest.param(
            [setting("k=1", body=FORM_PAGE), setting(status=403)],
            "credentials.*Request 2",
            id="the second is refused",
        ),
    ],
)
async def test_a_failed_login_form_says_what_failed(answers, says):
    client = Client(*answers, config=IN_COOKIES)
    with pytest.raises(AuthenticationFailed, match=says):
        await client.get()


async def test_a_page_with_a_password_field_is_a_success_if_a_condition_says_so():
    holds = ConditionConfig(path=PathConfig(kind="cookie", text="sid"), exists=True)
    config = replace(IN_COOKIES, requests=(replace(LOGIN, body="", success_when=(holds,)),))
    client = Client(setting("sid=1", body=LOGIN_PAGE), make_response(b"1"), config=config)
    assert await client.get() == (200, b"1")
    client = Client(setting("k=1", body=LOGIN_PAGE), config=config)
    with pytest.raises(AuthenticationFailed, match="says that it failed"):
        await client.get()


# Values made from those of a session


async def test_a_header_holds_a_value_made_from_those_of_the_session():
    request = replace(
        AUTHENTICATION,
        success_when=(),
        extract=(
            ExtractConfig(name="User", path=PathConfig(kind="json", text="$[0]")),
            ExtractConfig(name="Key", path=PathConfig(kind="json", text="$[1]")),
        ),
    )
    text = "{{User}}:{{Session.User}}:{{Session.Key}}"
    config = AuthenticationConfig(
        scheme="session",
        requests=(request,),
        derive=(DeriveConfig(name="Basic", template=text, function="base64"),),
        headers=(("Authorization", "Session {{Session.Basic}}"),),
    )
    client = Client(make_response(b'[7, "abc"]'), make_response(b"1"), config=config)
    await client.get()
    sent = dict(client.network.requests[1].headers)["Authorization"]
    assert sent == f"Session {b64encode(b'ann:7:abc').decode()}"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param({"ok": False, "why": "No such database"}, "No such database", id="failed"),
        pytest.param({"ok": True, "why": "No such database"}, "No such database", id="no session"),
        pytest.param({"ok": False, "why": "s1", "id": "s1"}, "", id="with a session"),
    ],
)
async def test_a_failed_session_has_the_sources_reason_unless_it_gave_a_session(answer, reason):
    request = replace(AUTHENTICATION, reason=PathConfig(kind="json", text="$.why"))
    config = replace(CONFIG, requests=(request,))
    client = Client(make_response(json.dumps(answer).encode()), config=config)
    with pytest.raises(AuthenticationFailed) as failed:
        await client.get()
    assert failed.value.source_reason == reason
