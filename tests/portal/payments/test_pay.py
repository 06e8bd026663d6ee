"""Pay: the link of the source at the click, to a listed host alone, for those who may see it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.errors import SourceTimeout
from billhook.portal.documents.response import DocumentResponse, opened
from billhook.portal.handover.entrance import Entrance
from billhook.portal.handover.session import open_session
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.invoices.models import Invoice
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, signed_in
from portal.integration_cast import Source, command, draft, integration

LINK = "https://pay.example/i/8d1?x=1#top"


@pytest.fixture
def source() -> Source:
    source = Source()
    source.headers = (("Content-Type", "application/json"),)
    return source


@pytest.fixture(autouse=True)
def wired(source: Source) -> Iterator[None]:
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


def payment_command(*hosts: str) -> CommandConfig:
    step = StepConfig(url="{{BaseUrl}}/links/{{InvoiceNumber}}/{{ContactEmail}}")
    return CommandConfig(
        name="GetPaymentLink", steps=(step,), payment_hosts=hosts or ("pay.example",)
    )


@pytest.fixture
def carla(cast: Cast) -> Client:
    """A contact whose organisation gives payment links."""
    integration(cast.harper, draft(payment_command(), command()))
    get_store().refresh()
    return signed_in(cast.carla)


def gives(source: Source, link: object) -> None:
    source.answer = (200, json.dumps({"PaymentLink": link}).encode())


def address(invoice: Invoice) -> str:
    return f"/invoices/{invoice.id}/pay"


def button(browser: Client, page: str, invoice: Invoice) -> str:
    """Return the address of the Pay button of *invoice* on *page*, or nothing."""
    text = browser.get(page).content.decode()
    found = re.search(rf'href="([^"]*{address(invoice)}[^"]*)"', text)
    return found[1] if found else ""


def click(browser: Client, invoice: Invoice, page: str = "/") -> Any:
    response = opened(browser.get(button(browser, page, invoice)))
    get_recorder().flush()
    return response


@pytest.mark.parametrize("page", ["list", "detail"])
def test_the_button_leads_to_the_link_of_the_source_and_nothing_is_kept(
    cast: Cast, carla: Client, source: Source, page: str
) -> None:
    gives(source, LINK)
    response = click(carla, cast.open, "/" if page == "list" else f"/invoices/{cast.open.id}")
    assert (response.status_code, response.headers["Location"]) == (303, LINK)
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert [request.target for request in source.requests] == ["/links/INV-1/carla%40acme.example"]
    run = Run.objects.get()
    assert (run.kind, run.command, run.outcome) == ("pay", "GetPaymentLink", "ok")
    assert (run.invoice_id, run.user_id) == (cast.open.id, cast.carla.user_id)
    assert "pay.example" not in str(vars(run))


def test_each_click_asks_the_source_again(cast: Cast, carla: Client, source: Source) -> None:
    gives(source, LINK)
    click(carla, cast.open)
    click(carla, cast.open)
    assert len(source.requests) == 2


def test_only_an_invoice_with_something_to_pay_has_a_button(
    cast: Cast, carla: Client, source: Source
) -> None:
    assert button(carla, "/", cast.open)
    assert button(carla, "/", cast.overdue)
    for settled in (cast.paid,):
        assert not button(carla, "/", settled)
        assert not button(carla, f"/invoices/{settled.id}", settled)
        response = carla.get(address(settled))
        assert response.status_code == 409
        assert b"nothing to pay here" in response.content
    for not_hers in (cast.draft, cast.of_bolt, cast.of_cedar):
        assert carla.get(address(not_hers)).status_code == 404
    assert source.requests == []


def test_without_the_command_there_is_no_button(cast: Cast) -> None:
    row = integration(cast.harper, draft(command()))
    carla = signed_in(cast.carla)
    assert not button(carla, "/", cast.open)
    assert carla.get(address(cast.open)).status_code == 409
    row.delete()
    integration(cast.northwind, draft(payment_command()))
    assert not button(carla, "/", cast.open)


@pytest.mark.parametrize("query", ["", "?key=", "?key=0123", "prefetch"])
def test_another_sites_link_only_asks_and_the_page_leads_on(
    cast: Cast, carla: Client, source: Source, query: str
) -> None:
    headers = {"Sec-Purpose": "prefetch;prerender"} if query == "prefetch" else {}
    url = button(carla, "/", cast.open) if query == "prefetch" else address(cast.open) + query
    response = carla.get(url, headers=headers)
    assert not isinstance(response, DocumentResponse)
    assert response.status_code == 200
    assert source.requests == []
    gives(source, LINK)
    assert click(carla, cast.open, address(cast.open)).headers["Location"] == LINK


def test_the_key_of_another_session_or_invoice_is_worth_nothing(
    cast: Cast, carla: Client, source: Source
) -> None:
    key = button(carla, "/", cast.open).partition("?")[2]
    for browser, invoice in ((signed_in(cast.carla), cast.open), (carla, cast.overdue)):
        assert browser.get(f"{address(invoice)}?{key}").status_code == 200
    assert source.requests == []


def test_no_method_but_get_runs_anything(cast: Cast, carla: Client, source: Source) -> None:
    url = button(carla, "/", cast.open)
    assert [carla.head(url).status_code, carla.post(url).status_code] == [405, 405]
    assert source.requests == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(None, (404, "no-payment-link", "no payment page"), id="no-link"),
        pytest.param("https://evil.example/", (502, "payment-link-refused", "informed"), id="host"),
        pytest.param("javascript:alert(1)", (502, "payment-link-refused", "informed"), id="script"),
        pytest.param("slow", (504, "source-timeout", "Nothing has been paid"), id="slow"),
    ],
)
def test_a_contact_reads_one_kind_sentence(
    cast: Cast,
    carla: Client,
    source: Source,
    given: str | None,
    expected: tuple[int, str, str],
) -> None:
    status, outcome, words = expected
    gives(source, given)
    if given == "slow":
        source.answer = SourceTimeout("headers")
    response = click(carla, cast.open)
    text = response.content.decode()
    assert response.status_code == status
    assert words in text
    assert "Location" not in response.headers
    assert "no-store" in response.headers["Cache-Control"]
    assert given not in {"https://evil.example/", "javascript:alert(1)"} or given not in text
    run = Run.objects.get()
    assert run.outcome == outcome
    assert run.id in text
    page = signed_in(cast.vera).get(f"/backoffice/{cast.harper.id}/runs/{run.id}")
    assert page.status_code == 200


def test_members_hear_of_a_refused_host_once_in_its_own_words(
    cast: Cast, carla: Client, source: Source, sent_mail: Any
) -> None:
    gives(source, "https://evil.example/")
    click(carla, cast.open)
    click(carla, cast.open)
    sent_mail()
    messages = [each for each in mail.outbox if each.to == ["alice@harper.example"]]
    assert [each.subject for each in messages] == ["Acme billing gives no payment links"]
    assert "payment page hosts" in messages[0].body
    assert "evil" not in messages[0].body


def test_the_integration_of_the_invoice_is_asked_alone(
    cast: Cast, carla: Client, source: Source
) -> None:
    own = integration(cast.harper, draft(payment_command(), name="Own", secrets=()))
    Invoice.objects.filter(id=cast.open.id).update(integration=own, source_id="7")
    get_store().refresh()
    gives(source, None)
    click(carla, cast.open)
    assert [run.integration_id for run in Run.objects.all()] == [own.id]
    click(carla, cast.overdue)
    assert Run.objects.exclude(integration_id=own.id).count() == 1
    assert Run.objects.count() == 3


def test_a_member_who_looks_as_a_contact_has_no_button(cast: Cast, carla: Client) -> None:
    bob = signed_in(cast.bob)
    assert not button(bob, f"/as/{cast.carla.id}/", cast.open)
    assert bob.get(f"/as/{cast.carla.id}{address(cast.open)}").status_code == 404
    assert bob.get(address(cast.open)).status_code == 404


@pytest.mark.parametrize("kind", ["from", "embedded"])
def test_at_an_entrance_the_person_pays_too_and_leaves_a_frame_by_a_click(
    cast: Cast, carla: Client, source: Source, kind: str
) -> None:
    entrance = Entrance(kind=kind, organisation_id=cast.harper.id)
    response = carla.get("/")
    open_session(response, entrance, cast.carla.user)
    browser = Client()
    browser.cookies.update(response.cookies)
    gives(source, LINK)
    paid = click(browser, cast.open, entrance.path)
    assert source.requests
    if kind == "from":
        assert (paid.status_code, paid.headers["Location"]) == (303, LINK)
    else:
        assert paid.status_code == 200
        assert f'href="{LINK}" target="_top"' in paid.content.decode()
        assert "Continue to pay.example" in paid.content.decode()
