"""Cookies of a run: those of a redirect go back to the origin that set them, and to no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billhook.engine.command.compile import compile_command
from billhook.engine.config import CommandConfig, ExtractConfig, PathConfig, StepConfig
from billhook.engine.cookie import MAX_BYTES, MAX_COOKIES, set_cookies
from billhook.engine.egress.url import Origin
from billhook.engine.errors import SourceError, SourceRedirected
from billhook.engine.http.cookies import CookieJar, with_cookies
from billhook.engine.http.request import WebRequest
from billhook.engine.http.transport import HttpTransport
from billhook.engine.integration import open_source
from billhook.engine.integration_file.file import read_integration
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from engine.origins import Peer, Script, Source, answer, command, pdf, serving, transport_to

ORIGIN = Origin(scheme="https", host="billing.example", port=443)
GET = WebRequest(
    step="Get",
    method="GET",
    url=f"{ORIGIN}/1",
    origin=ORIGIN,
    target="/1",
    headers=(("Accept", "*/*"), ("Cookie", "lang=sv; sid=old")),
    body=None,
    carries_secret=False,
)


@pytest.mark.parametrize(
    ("text", "cookies"),
    [
        pytest.param("sid=1", {"sid": "1"}, id="alone"),
        pytest.param("sid=1; HttpOnly; Path=/; Secure", {"sid": "1"}, id="with attributes"),
        pytest.param(" sid = 1 ;Path=/", {"sid": "1"}, id="with spaces"),
        pytest.param("sid=a=b==; Path=/", {"sid": "a=b=="}, id="equals signs in it"),
        pytest.param('sid="1 2"; Path=/', {"sid": '"1 2"'}, id="quotes belong to it"),
        pytest.param("sid=", {"sid": ""}, id="empty"),
        pytest.param("sid=1; Max-Age=3600", {"sid": "1"}, id="for an hour"),
        pytest.param("sid=1; max-age=0", {"sid": None}, id="ended by its age"),
        pytest.param("sid=1; Max-Age=-1", {"sid": None}, id="ended by a negative age"),
        pytest.param(
            "sid=x; expires=Thu, 01-Jan-1970 00:00:00 GMT", {"sid": None}, id="ended by its date"
        ),
        pytest.param(
            "sid=1; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", {"sid": "1"}, id="age wins"
        ),
        pytest.param(
            "sid=1; expires=Fri, 31 Dec 9999 23:59:59 GMT", {"sid": "1"}, id="for a long time"
        ),
        pytest.param("sid=1; expires=soon", {"sid": "1"}, id="a date that is none"),
        pytest.param("sid", {}, id="no equals sign"),
        pytest.param("=1", {}, id="no name"),
        pytest.param("sid=a\x07b", {}, id="a control character"),
        pytest.param(f"sid={'a' * MAX_BYTES}", {}, id="too long"),
    ],
)
def test_a_cookie_is_read_as_browsers_read_it(text: str, cookies: dict[str, str | None]) -> None:
    assert set_cookies([("Date", "x"), ("set-cookie", text)]) == cookies


def test_the_last_of_several_cookies_of_the_same_name_counts() -> None:
    headers = [("Set-Cookie", "sid=1"), ("Set-Cookie", "b=2"), ("Set-Cookie", "sid=3")]
    assert set_cookies(headers) == {"sid": "3", "b": "2"}


def test_a_jar_holds_a_limited_number_of_cookies() -> None:
    jar = CookieJar()
    for number in range(3 * MAX_COOKIES):
        jar.take(ORIGIN, [("Set-Cookie", f"c{number}=1")])
    assert len(jar.of(ORIGIN)) == MAX_COOKIES


def test_cookies_replace_configured_ones_of_the_same_name() -> None:
    request = with_cookies(GET, {"sid": "new", "b": "2"})
    assert request.headers == (("Accept", "*/*"), ("Cookie", "lang=sv; sid=new; b=2"))
    assert with_cookies(GET, {"lang": None, "sid": None}).headers == (("Accept", "*/*"),)
    assert with_cookies(GET, {}) is GET


# On the wire


def cookies_of(request: bytes) -> str:
    lines = [line for line in request.split(b"\r\n") if line.lower().startswith(b"cookie:")]
    assert len(lines) <= 1
    return lines[0][len("cookie:") :].strip().decode() if lines else ""


def redirect(location: str, *cookies: str) -> bytes:
    headers = [f"Set-Cookie: {cookie}" for cookie in cookies]
    return answer(b"", f"Location: {location}", *headers, status="302 Found")


def by_target(answers: dict[str, bytes]) -> Script:
    """Answer each request by its path."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            await peer.send(answers[request.split(b" ")[1].strip(b"/").decode()])

    return script


async def document(source: Source, *, more: tuple[Source, ...] = (), **options: object) -> bytes:
    allowed = [f"{each.host}:{each.port}" for each in more]
    config = command(f"{source.url}/first", **options)  # type: ignore[arg-type]
    async with HttpTransport(source.policy(allow=allowed)) as transport:
        with await run_command(config, config.values({}), transport=transport) as found:
            return found.body.read()


async def test_a_redirect_to_the_same_address_with_a_cookie_is_no_circle():
    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            is_back = cookies_of(request) == "lang=sv; seen=1"
            await peer.send(answer(pdf()) if is_back else redirect("/first", "seen=1; Path=/"))

    async with serving(script) as origin:
        assert await document(origin, headers=(("Cookie", "lang=sv"),)) == pdf()
        assert len(origin.requests) == 2


async def test_a_circle_in_which_no_cookie_changes_ends_at_once():
    async with serving(by_target({"first": redirect("/first", "seen=1")})) as origin:
        with pytest.raises(SourceRedirected):
            await document(origin)
        assert len(origin.requests) == 2


async def test_cookies_of_several_redirects_add_up_and_end():
    script = by_target(
        {
            "first": redirect("/second", "a=1", "b=2"),
            "second": redirect("/third", "b=x; Max-Age=0", "c=3"),
            "third": answer(pdf()),
        }
    )
    async with serving(script) as origin:
        assert await document(origin) == pdf()
        assert [cookies_of(each) for each in origin.requests] == ["", "a=1; b=2", "a=1; c=3"]


async def test_another_origin_gets_no_cookie():
    there = by_target({"first": redirect("/second", "sid=theirs"), "second": answer(pdf())})
    async with serving(there) as other:
        here = by_target({"first": redirect(f"{other.url}/first", "sid=secret")})
        async with serving(here) as origin:
            assert await document(origin, more=(other,)) == pdf()
        assert [cookies_of(each) for each in other.requests] == ["", "sid=theirs"]


async def test_an_origin_gets_no_cookie_after_another_one_led_back_to_it():
    answers: dict[str, bytes] = {"second": answer(pdf())}
    async with serving(by_target(answers)) as origin:
        async with serving(by_target({"first": redirect(f"{origin.url}/second")})) as other:
            answers["first"] = redirect(f"{other.url}/first", "sid=secret")
            assert await document(origin, more=(other,)) == pdf()
        assert [cookies_of(each) for each in origin.requests] == ["", ""]


async def test_a_later_step_of_the_run_gets_the_cookie_and_the_next_run_does_not():
    script = by_target(
        {"first": redirect("/found", "ticket=7"), "found": answer(b"{}"), "last": answer(pdf())}
    )
    async with serving(script) as origin:
        steps = (
            StepConfig(name="Find", url=f"{origin.url}/first"),
            StepConfig(name="Take", url=f"{origin.url}/last"),
        )
        config = compile_command(CommandConfig(name="GetInvoiceImage", steps=steps))
        async with transport_to(origin) as transport:
            for _ in range(2):
                with await run_command(config, config.values({}), transport=transport) as found:
                    assert found.body.read() == pdf()
        run = ["", "ticket=7", "ticket=7"]
        assert [cookies_of(each) for each in origin.requests] == run + run


async def test_a_step_takes_a_cookie_that_a_redirect_set():
    script = by_target(
        {
            "first": redirect("/found", "sid=a=1; HttpOnly"),
            "found": answer(b"{}", "Set-Cookie: other=2"),
        }
    )
    async with serving(script) as origin:
        steps = (
            StepConfig(
                name="Login",
                url=f"{origin.url}/first",
                extract=(
                    ExtractConfig(name="A", path=PathConfig(kind="cookie", text="sid")),
                    ExtractConfig(name="B", path=PathConfig(kind="cookie", text="other")),
                ),
            ),
            StepConfig(name="Take", url=f"{origin.url}/last?{{{{Login.A}}}}&{{{{Login.B}}}}"),
        )
        config = compile_command(CommandConfig(name="GetInvoiceImage", steps=steps))
        async with transport_to(origin) as transport:
            with pytest.raises(SourceError):
                await run_command(config, config.values({}), transport=transport)
        assert origin.requests[-1].startswith(b"GET /last?a%3D1&2 ")


# A sign-in that gives its session in two cookies, as SAP Business One does

LOGIN = """
format = 1
[integration]
name = "SAP Business One"
variables = { Base = "https://erp.example.com:50000" }
secrets = ["Password"]
"""
REQUEST = """
method = "POST"
url = "{{Base}}/b1s/v1/Login"
headers = [["Content-Type", "application/json"]]
body = '{ "UserName": "manager", "Password": {{Password}} }'
"""
TAKEN = 'extract = { A = { cookie = "B1SESSION" }, B = { cookie = "ROUTEID" } }'
COMMAND = '[commands.GetInvoiceImage]\nurl = "{{Base}}/b1s/v1/Invoices/{{InvoiceNumber}}"\n'
STEPS = """
[[commands.GetInvoiceImage.steps]]
name = "Login"
%s
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{{Base}}/b1s/v1/Invoices/{{InvoiceNumber}}"
headers = [["Cookie", "B1SESSION={{Login.A}}; ROUTEID={{Login.B}}"]]
"""
SESSION = '[authentication]\nscheme = "session"\n%s\n[authentication.request]'
IN_HEADER = 'headers = [["Cookie", "B1SESSION={{Session.A}}; ROUTEID={{Session.B}}"]]'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SESSION % "cookies = true" + REQUEST + COMMAND, id="the session's cookies"),
        pytest.param(SESSION % IN_HEADER + REQUEST + TAKEN + "\n" + COMMAND, id="by name"),
        pytest.param(STEPS % (REQUEST + TAKEN), id="in steps"),
    ],
)
async def test_both_cookies_of_a_sign_in_are_sent_with_the_next_request(text: str) -> None:
    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if request.startswith(b"POST "):
                one, two = "B1SESSION=263294de; HttpOnly", "ROUTEID=.node8;Path=/"
                await peer.send(answer(b"{}", f"Set-Cookie: {one}", f"Set-Cookie: {two}"))
            elif cookies_of(request) == "B1SESSION=263294de; ROUTEID=.node8":
                await peer.send(answer(pdf()))
            else:
                await peer.send(answer(status="401 Unauthorized"))

    async with serving(script) as origin:
        config = replace(read_integration(LOGIN + text), variables={"Base": origin.url})
        secrets = {"Password": Secret("s3cret")}
        async with open_source(config, secrets=secrets, policy=origin.policy()) as source:
            for _ in range(2):
                with await source.run("GetInvoiceImage", InvoiceNumber="7") as document:
                    assert document.body.read() == pdf()
