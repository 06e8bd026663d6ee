"""LoginWithToken: who is signed in, where, and to what; and that a token is worth one sign-in."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billhook.engine.config import CommandConfig, ExtractConfig, PathConfig, StepConfig
from billhook.engine.errors import ConfigurationError, SourceTimeout
from billhook.portal.accounts.services import disable_user
from billhook.portal.customers.models import Contact
from billhook.portal.documents.response import opened
from billhook.portal.editor.form import form_of
from billhook.portal.events.models import EventKind, WebhookEvent
from billhook.portal.events.services import create_endpoint
from billhook.portal.handover import arrival
from billhook.portal.handover.access import parents_of
from billhook.portal.handover.models import UsedToken
from billhook.portal.handover.services import REMEMBERED, forget_old_tokens, set_parents
from billhook.portal.integrations.drafts import Draft
from billhook.portal.integrations.services import check_integration
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast
from portal.integration_cast import Source, draft, integration

TOKEN = "canary-token-71c0"
PLAIN = "/authentication/login"
JSON = (("Content-Type", "application/json"),)


@pytest.fixture
def source() -> Source:
    source = Source()
    source.headers = JSON
    return source


@pytest.fixture(autouse=True)
def wired(source: Source) -> Iterator[None]:
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


def login_command(
    *, method: str = "GET", body: str = "", extract: tuple[ExtractConfig, ...] = ()
) -> CommandConfig:
    step = StepConfig(
        method=method,
        url="https://billing.acme.example/who" + ("" if body else "?t={{authToken}}"),
        headers=(("Content-Type", "application/json"),) if body else (),
        body=body,
        extract=extract,
    )
    return CommandConfig(name="LoginWithToken", steps=(step,))


def connect(cast: Cast, **more: Any) -> None:
    integration(cast.harper, draft(login_command(**more), secrets=()))
    get_store().refresh()


def arrive(browser: Client, token: str = TOKEN, *, at: str = PLAIN, **more: str) -> Any:
    response = opened(browser.post(at, {"authToken": token, **more}))
    get_recorder().flush()
    browser.cookies.update(response.cookies)
    return response


def names(source: Source, **person: object) -> None:
    source.answer = (200, json.dumps(person).encode())


def test_the_contact_whom_the_source_names_is_signed_in_at_the_organisations_entrance(
    cast: Cast, source: Source
) -> None:
    connect(cast)
    names(source, ContactEmail="Carla@Acme.example")
    browser = Client()
    response = arrive(browser)
    home = f"/from/{cast.harper.id}/"
    assert (response.status_code, response.headers["Location"]) == (303, home)
    assert [request.url for request in source.requests] == [
        f"https://billing.acme.example/who?t={TOKEN}"
    ]
    page = browser.get(home)
    assert page.status_code == 200
    assert b"INV-1" in page.content
    assert b"INV-5" not in page.content
    assert f"{home}invoices/{cast.open.id}".encode() in page.content
    cookie = response.cookies["billhook-from"]
    assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == (home, "Lax", True)
    run = Run.objects.get()
    assert (run.kind, run.command, run.outcome) == ("sign-in", "LoginWithToken", "ok")


def test_a_sign_in_is_an_event_of_the_organisation_that_vouches_and_of_no_other(
    cast: Cast, source: Source
) -> None:
    for organisation in (cast.harper, cast.northwind):
        create_endpoint(
            organisation=organisation,
            url="https://hooks.acme.example/",
            kinds=[EventKind.SIGNED_IN],
            user=None,
        )
    Contact.objects.create(customer=cast.cedar, user=cast.carla.user)
    connect(cast)
    names(source, ContactEmail="nobody@acme.example")
    arrive(Client())
    assert not WebhookEvent.objects.exists()
    names(source, ContactEmail="carla@acme.example")
    arrive(Client())
    event = WebhookEvent.objects.get()
    assert (event.kind, event.organisation_id) == ("contact.signed_in", cast.harper.id)
    assert event.data["customer_ids"] == [cast.acme.id]


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        pytest.param("//[", "", id="brackets without an address"),
        pytest.param("//evil.example/", "", id="another site"),
        pytest.param("/\\evil.example", "", id="a backslash"),
        pytest.param("/?q=\u4e16", "?q=%E4%B8%96", id="other letters"),
        pytest.param("/?q=\x01", "?q=%01", id="a control character"),
        pytest.param("/?q=a%20b&x=%2F", "?q=a%20b&x=%2F", id="encoded already"),
    ],
)
def test_the_first_page_is_always_an_address_of_the_entrance(
    cast: Cast, source: Source, wanted: str, shown: str
) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    response = arrive(Client(), next=wanted)
    address = response.headers["Location"]
    assert (response.status_code, address) == (303, f"/from/{cast.harper.id}/{shown}")


@pytest.mark.parametrize("name", ["authToken", "LoginToken"])
def test_a_post_sends_the_token_by_either_name_as_a_json_text(
    cast: Cast, source: Source, name: str
) -> None:
    connect(cast, method="POST", body='{"token": {{%s}}}' % name)  # noqa: UP031 - braces
    names(source, ContactEmail="carla@acme.example")
    assert arrive(Client()).status_code == 303
    assert source.requests[0].body == json.dumps({"token": TOKEN}).encode()


def test_the_person_may_be_named_by_the_sources_own_id(cast: Cast, source: Source) -> None:
    connect(cast)
    Contact.objects.filter(id=cast.carl.id).update(source_id="4711")
    names(source, ContactId=4711, ContactEmail="somebody@else.example")
    browser = Client()
    assert arrive(browser).status_code == 303
    assert b"INV-5" in browser.get(f"/from/{cast.harper.id}/").content


def test_the_places_of_the_person_are_configured_as_extracted_values(
    cast: Cast, source: Source
) -> None:
    path = PathConfig(kind="json", text="$.who.mail")
    connect(cast, extract=(ExtractConfig(name="ContactEmail", path=path),))
    names(source, who={"mail": "carla@acme.example"})
    assert arrive(Client()).status_code == 303


def test_a_token_signs_in_once(cast: Cast, source: Source) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    assert arrive(Client()).status_code == 303
    again = arrive(Client())
    assert again.status_code == 403
    assert b"used already" in again.content
    assert len(source.requests) == 1


def _jwt(claims: bytes, signature: str) -> str:
    parts = (b'{"alg":"ES256"}', claims)
    head = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]
    return ".".join([*head, signature])


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        pytest.param(TOKEN, f" {TOKEN}", 403, id="a space before it"),
        pytest.param(TOKEN, f"{TOKEN}\u00a0", 403, id="a space that isn't broken after it"),
        pytest.param(_jwt(b"{}", "c2lnbmVkA"), _jwt(b"{}", "c2lnbmVkB"), 403, id="a last letter"),
        pytest.param(_jwt(b"{}", "c2lnbmVkA"), _jwt(b"{}", "c2lnbmVkA=="), 403, id="padding"),
        pytest.param(_jwt(b"{}", "c2ln"), _jwt(b'{"jti":1}', "c2ln"), 303, id="other claims"),
        pytest.param("one.two.three", "one.two.four", 303, id="dots, but nothing signed"),
        pytest.param(TOKEN, TOKEN.upper(), 303, id="capitals"),
    ],
)
def test_a_token_that_was_used_is_known_by_another_spelling(
    cast: Cast, source: Source, first: str, second: str, status: int
) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    assert arrive(Client(), first).status_code == 303
    assert arrive(Client(), second).status_code == status


def test_a_token_that_signed_nobody_in_may_be_tried_again(cast: Cast, source: Source) -> None:
    connect(cast)
    source.answer = SourceTimeout("wait")
    failed = arrive(Client())
    assert failed.status_code == 502
    assert b"try again in a few minutes" in failed.content
    names(source, ContactEmail="carla@acme.example")
    assert arrive(Client()).status_code == 303


async def test_a_token_is_not_used_up_if_the_browser_leaves_meanwhile(monkeypatch) -> None:
    given_back = []
    organisation = SimpleNamespace(id="organisation0")

    async def ask() -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(arrival, "take_token", lambda *_: True)
    monkeypatch.setattr(arrival, "give_back_token", lambda *token: given_back.append(token))
    question = SimpleNamespace(organisation=organisation, token=TOKEN, ask=ask)
    with pytest.raises(asyncio.CancelledError):
        await arrival.welcome(question, SimpleNamespace())
    assert given_back == [("organisation0", TOKEN)]


def test_a_digest_is_forgotten_after_a_year(cast: Cast, source: Source) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    arrive(Client())
    forget_old_tokens(now=timezone.now() + REMEMBERED - timedelta(days=1))
    assert UsedToken.objects.count() == 1
    forget_old_tokens(now=timezone.now() + REMEMBERED + timedelta(days=1))
    assert UsedToken.objects.count() == 0


def test_looking_at_the_link_uses_nothing_up(cast: Cast, source: Source) -> None:
    connect(cast)
    for method in ("get", "head"):
        response = getattr(Client(), method)(PLAIN, {"authToken": TOKEN})
        assert response.status_code == 200
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"].startswith("private, no-store")
        assert not response.cookies
    assert source.requests == []
    assert UsedToken.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{}", 403, b"has expired"),
        (b'{"ContactEmail": null}', 403, b"has expired"),
        (b'{"ContactEmail": "nobody@acme.example"}', 403, b"If you have been invited"),
        (b'{"ContactEmail": "cleo@cedar.example"}', 403, b"If you have been invited"),
        (b'{"ContactEmail": "sam@nowhere.example"}', 403, b"If you have been invited"),
        (b'{"ContactEmail": "alice@harper.example"}', 403, b"If you have been invited"),
        (b'{"ContactEmail": ["carla@acme.example", "carl@bolt.example"]}', 502, b"a few minutes"),
        (b'{"ContactEmail": {"x": 1}}', 502, b"a few minutes"),
        (b"<html>Log in</html>", 502, b"a few minutes"),
        (b"", 502, b"a few minutes"),
        (b"\xff\xfe{", 502, b"a few minutes"),
    ],
)
def test_a_response_that_names_no_contact_signs_nobody_in(
    cast: Cast, source: Source, body: bytes, status: int, words: bytes
) -> None:
    connect(cast)
    source.answer = (200, body)
    browser = Client()
    response = arrive(browser)
    assert response.status_code == status
    assert words in response.content
    assert b"Sign in with a code" in response.content
    assert not response.cookies
    assert Session.objects.count() == 0


@pytest.mark.parametrize("status", [404, 410])
def test_a_source_that_does_not_know_the_token_says_so_by_its_status(
    cast: Cast, source: Source, status: int
) -> None:
    connect(cast)
    source.answer = (status, b"no")
    assert b"has expired" in arrive(Client()).content


def test_a_member_is_never_signed_in_also_where_they_are_a_contact(
    cast: Cast, source: Source
) -> None:
    connect(cast)
    Contact.objects.create(customer=cast.acme, user=cast.charlie.user)
    names(source, ContactEmail="charlie@northwind.example")
    assert arrive(Client()).status_code == 403


def test_a_person_who_is_blocked_is_refused_and_signed_out(cast: Cast, source: Source) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    browser, home = Client(), f"/from/{cast.harper.id}/"
    arrive(browser)
    assert browser.get(home).status_code == 200
    disable_user(user=cast.carla.user)
    assert browser.get(home).status_code == 403
    assert arrive(Client(), "another").status_code == 403


def test_a_contact_who_is_removed_sees_nothing_from_then_on(cast: Cast, source: Source) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    browser, home = Client(), f"/from/{cast.harper.id}/"
    arrive(browser)
    cast.carla.delete()
    assert browser.get(home).status_code == 403


def test_an_organisation_vouches_for_its_own_invoices_alone(cast: Cast, source: Source) -> None:
    Contact.objects.create(customer=cast.cedar, user=cast.carla.user)
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    browser = Client()
    arrive(browser)
    at = f"/from/{cast.harper.id}"
    page = browser.get(f"{at}/").content
    assert b"Acme" in page or b"INV-2" in page
    assert b"Cedar" not in page
    for name in ("invoice", "document", "pages"):
        inside = [cast.harper.id, cast.of_cedar.id]
        assert browser.get(reverse(f"entrance:{name}", args=["from", *inside])).status_code == 404
    assert browser.get(f"/from/{cast.northwind.id}/").status_code == 403
    assert browser.get(f"/embedded/{cast.harper.id}/").status_code == 403


@pytest.mark.parametrize("cookie", ["billhook", "billhook-embedded"])
def test_the_session_is_worth_nothing_at_any_other_address(
    cast: Cast, source: Source, cookie: str
) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    key = arrive(Client()).cookies["billhook-from"].value
    thief = Client()
    thief.cookies[cookie] = key
    for address in ("/", "/settings", "/settings/password/new"):
        assert thief.get(address).status_code == 302
    assert thief.get(f"/invoices/{cast.open.id}").status_code == 302
    assert thief.get(f"/embedded/{cast.harper.id}/").status_code == 403


def test_ones_own_session_stays_as_it_is(cast: Cast, source: Source, sign_in: Any) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    browser = sign_in(cast.carl)
    arrive(browser)
    assert b"INV-5" in browser.get("/").content
    assert b"INV-1" in browser.get(f"/from/{cast.harper.id}/").content


def test_no_session_is_fixed_in_advance(cast: Cast, source: Source) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    browser = Client()
    browser.cookies["billhook-from"] = "chosenbytheattacker0000000000000"
    response = arrive(browser)
    assert response.cookies["billhook-from"].value != "chosenbytheattacker0000000000000"
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("/invoices/{id}", "/from/{org}/invoices/{id}"),
        ("/?show=overdue", "/from/{org}/?show=overdue"),
        ("https://evil.example/invoices/{id}", "/from/{org}/"),
        ("//evil.example/", "/from/{org}/"),
        ("/\\evil.example/", "/from/{org}/"),
        ("/../../settings", "/from/{org}/"),
        ("javascript:alert(1)", "/from/{org}/"),
        ("/backoffice/{org}", "/from/{org}/"),
        ("", "/from/{org}/"),
    ],
)
def test_next_leads_to_pages_of_contacts_alone(
    cast: Cast, source: Source, wanted: str, shown: str
) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    given = {"org": cast.harper.id, "id": cast.open.id}
    response = arrive(Client(), next=wanted.format(**given))
    assert response.headers["Location"] == shown.format(**given)


@pytest.mark.parametrize(("number", "is_found"), [("INV-2", True), ("INV-5", False)])
def test_a_link_may_lead_to_an_invoice_by_its_number(
    cast: Cast, source: Source, number: str, is_found: bool
) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    page = f"invoices/{cast.overdue.id}" if is_found else ""
    response = arrive(Client(), invoice=number)
    assert response.headers["Location"] == f"/from/{cast.harper.id}/{page}"


@pytest.mark.parametrize("token", ["", " ", "a\nb", "a\x7f", "x" * 4097, "a\u202eb"])
def test_what_is_no_token_is_sent_nowhere(cast: Cast, source: Source, token: str) -> None:
    connect(cast)
    response = arrive(Client(), token)
    assert response.status_code == 400
    assert b"complete" in response.content
    assert source.requests == []


def test_the_path_distinguishes_two_organisations(cast: Cast, source: Source) -> None:
    connect(cast)
    integration(cast.northwind, draft(login_command(), secrets=()))
    get_store().refresh()
    assert Client().get(PLAIN, {"authToken": TOKEN}).status_code == 404
    names(source, ContactEmail="cleo@cedar.example")
    at = reverse("handover-to", args=[cast.northwind.id])
    response = arrive(Client(), at=at)
    assert response.headers["Location"] == f"/from/{cast.northwind.id}/"


def test_too_many_attempts_of_one_network_are_refused(cast: Cast, source: Source) -> None:
    connect(cast)
    source.answer = (404, b"")
    seen = [arrive(Client(), f"token-{number}").status_code for number in range(21)]
    assert seen == [403] * 20 + [429]
    assert len(source.requests) == 20


def test_the_token_is_never_logged_nor_stored(
    cast: Cast, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    connect(cast)
    with caplog.at_level(logging.DEBUG):
        for answer in (SourceTimeout("wait"), (404, b""), (200, b"no json"), (200, b"{}")):
            source.answer = answer
            Client().get(PLAIN, {"authToken": TOKEN})
            page = arrive(Client())
            assert TOKEN.encode() not in page.content
        names(source, ContactEmail="carla@acme.example")
        arrive(Client())
    assert TOKEN not in caplog.text
    rows = [*Run.objects.values(), *UsedToken.objects.values(), *Session.objects.values()]
    assert len(rows) == 7
    assert TOKEN not in repr(rows)


def test_the_person_may_leave(cast: Cast, source: Source) -> None:
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    browser, home = Client(), f"/from/{cast.harper.id}/"
    arrive(browser)
    assert browser.post(f"{home}sign-out").status_code == 302
    assert browser.get(home).status_code == 403


def test_an_embedded_session_has_partitioned_cookies_and_names_its_parents(
    cast: Cast, source: Source
) -> None:
    parents = ("https://www.harper.example", "https://shop.harper.example:8443")
    set_parents(organisation=cast.harper, parents=parents)
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    browser, home = Client(), f"/embedded/{cast.harper.id}/"
    for shown in (
        browser.get(PLAIN, {"authToken": TOKEN, "noChrome": "true"}),
        response := arrive(browser, noChrome="true"),
        page := browser.get(home),
        browser.get(f"/embedded/{cast.harper.id}/invoices/{cast.open.id}"),
    ):
        policy = shown.headers["Content-Security-Policy"]
        assert policy.endswith(f"frame-ancestors 'self' {' '.join(parents)}")
        assert "X-Frame-Options" not in shown.headers
    cookie = response.cookies["billhook-embedded"].OutputString()
    assert cookie.endswith("; Partitioned")
    assert {"Secure", "SameSite=None", "HttpOnly", f"Path={home}"} <= set(cookie.split("; "))
    assert b"<header" not in page.content
    assert b"<footer" not in page.content
    assert f'data-parents="{" ".join(parents)}"'.encode() in page.content


def test_a_document_in_an_embedded_page_may_be_framed_there(cast: Cast, source: Source) -> None:
    set_parents(organisation=cast.harper, parents=("https://www.harper.example",))
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    browser = Client()
    arrive(browser, noChrome="true")
    document = opened(browser.get(f"/embedded/{cast.harper.id}/invoices/{cast.open.id}/document"))
    policy = document.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://www.harper.example" in policy


def test_nothing_else_may_be_framed(cast: Cast, source: Source, sign_in: Any) -> None:
    set_parents(organisation=cast.harper, parents=("https://www.harper.example",))
    connect(cast)
    names(source, ContactEmail="carla@acme.example")
    browser = Client()
    arrive(browser)
    member = sign_in(cast.alice)
    for page in (
        browser.get(f"/from/{cast.harper.id}/"),
        browser.get(PLAIN, {"authToken": TOKEN}),
        sign_in(cast.carla).get("/"),
        member.get(f"/backoffice/{cast.harper.id}"),
        member.get("/settings"),
        browser.get("/sign-in"),
        browser.get(f"/embedded/{cast.northwind.id}/"),
    ):
        assert page.headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
        assert page.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("key", ["answer", "accept"])
def test_the_command_has_no_document(cast: Cast, key: str) -> None:
    from billhook.engine.config import AnswerConfig

    typed = login_command()
    step = typed.steps[0]
    if key == "answer":
        changed = StepConfig(url=step.url, answer=AnswerConfig(kind="body"))
        typed = CommandConfig(name=typed.name, steps=(changed,))
    else:
        typed = CommandConfig(name=typed.name, steps=typed.steps, accept=("image/png",))
    with pytest.raises(ConfigurationError) as caught:
        check_integration(
            organisation=cast.harper,
            integration=None,
            draft=Draft(name="A", commands=(typed,)),
        )
    assert [problem.where for problem in caught.value.problems] == [
        f"commands.LoginWithToken.{key}"
    ]


def test_try_shows_which_contact_is_meant_and_signs_nobody_in(
    cast: Cast, source: Source, sign_in: Any
) -> None:
    browser = sign_in(cast.bob)
    address = reverse("backoffice:integration-new-try", args=[cast.harper.id]) + "?part"
    form = form_of(draft(login_command(), secrets=())).fields()
    form |= {"try-number": TOKEN, "do": "try"}
    names(source, ContactEmail="carla@acme.example")
    shown = opened(browser.post(address, form)).content.decode()
    assert "This token would sign Carla, carla@acme.example in." in shown
    names(source, ContactEmail="alice@harper.example")
    assert "somebody who can" in opened(browser.post(address, form)).content.decode()
    names(source, Mail="carla@acme.example")
    assert "The response names nobody." in opened(browser.post(address, form)).content.decode()
    get_recorder().flush()
    assert [request.url[-len(TOKEN) :] for request in source.requests] == [TOKEN] * 3
    assert UsedToken.objects.count() == 0
    assert TOKEN not in repr([session.get_decoded() for session in Session.objects.all()])
    assert set(Run.objects.values_list("kind", flat=True)) == {"try"}


def test_an_owner_lists_the_sites_that_may_embed_the_portal(cast: Cast, sign_in: Any) -> None:
    browser = sign_in(cast.alice)
    address = reverse("backoffice:embedding", args=[cast.harper.id])
    typed = " https://www.Harper.example/ \n\nhttps://shop.harper.example:8443\nhttp://localhost:80"
    assert browser.post(address, {"parents": typed}).status_code == 302
    assert parents_of(cast.harper.id) == (
        "https://www.harper.example",
        "https://shop.harper.example:8443",
        "http://localhost",
    )
    assert b"https://www.harper.example" in browser.get(address).content
    for wrong in (
        "http://www.harper.example",
        "https://www.harper.example/page",
        "https://*.harper.example",
        "*",
        "'self'",
        "https://a.example; script-src *",
        "https://user@a.example",
        "\n".join(f"https://s{number}.example" for number in range(21)),
    ):
        page = browser.post(address, {"parents": wrong})
        assert page.status_code == 200, wrong
        assert b'class="error"' in page.content
    assert len(parents_of(cast.harper.id)) == 3
    browser.post(address, {"parents": ""})
    assert parents_of(cast.harper.id) == ()
