"""A source's own statement: first where there is one, for its customer alone, and ours if not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.test import Client

from billhook.engine.config import CommandConfig
from billhook.engine.errors import SourceRefused, SourceTimeout
from billhook.portal.customers.models import Customer
from billhook.portal.documents.response import DOCUMENT_HEADERS, opened
from billhook.portal.documents.visits import document_page
from billhook.portal.handover.entrance import Entrance
from billhook.portal.handover.session import open_session
from billhook.portal.integrations.drafts import Draft
from billhook.portal.integrations.models import Integration, OnFailure
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from billhook.portal.statements.sources import statement_sources
from portal.cast import Cast, invoice, signed_in
from portal.documents.hostile_documents import good_pdf
from portal.integration_cast import PDF, Source, command, draft, integration

DAYS = "?start=2026-03-01&end=2026-03-31"
MARCH = "2026-03-01/2026-03-31"


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture(autouse=True)
def wired(source: Source) -> Iterator[None]:
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


def statement_command(**more: Any) -> CommandConfig:
    url = (
        "{{BaseUrl}}/of/{{CustomerId}}/{{CustomerName}}"
        "?from={{StatementStart}}&to={{StatementEnd}}&who={{ContactEmail}}"
    )
    return command(name="GetStatement", url=url, **more)


@pytest.fixture
def own(cast: Cast) -> Integration:
    """Harper IT's integration, which gives statements."""
    row = integration(cast.harper, draft(statement_command(), command()))
    get_store().refresh()
    return row


@pytest.fixture
def carla(cast: Cast, own: Integration) -> Client:
    """A contact of Acme, whose organisation gives statements."""
    return signed_in(cast.carla)


def address(customer: Customer, rest: str = "", days: str = MARCH) -> str:
    return f"/statements/{customer.id}/{days}{rest}"


def get(browser: Client, url: str) -> Any:
    response = opened(browser.get(url))
    get_recorder().flush()
    return response


def backoffice(cast: Cast, customer: Customer, rest: str = "") -> str:
    return f"/backoffice/{cast.harper.id}/customers/{customer.id}{rest}"


def test_the_page_offers_the_sources_statement_before_our_own(cast: Cast, carla: Client) -> None:
    invoice(cast.acme, "ACME-9", issued_on=date(2026, 3, 10))
    html = carla.get(f"/statement{DAYS}").content.decode()
    assert f'href="{address(cast.acme)}"' in html
    assert f'href="{address(cast.acme, "/document?download")}"' in html
    assert html.index("billing system") < html.index("From the portal's own record")
    assert "ACME-9" in html
    assert html.count('data-kind="primary" href') == 1


def test_it_is_shown_on_a_page_like_an_invoices_and_each_part_is_the_same_bytes(
    cast: Cast, carla: Client, source: Source
) -> None:
    two_pages = good_pdf(pages=2)
    source.answer = (200, two_pages)
    page = carla.get(address(cast.acme)).content.decode()
    assert f'data-pages="{address(cast.acme, "/pages")}"' in page
    assert "Getting the statement from Harper IT" in page
    part = get(carla, address(cast.acme, "/pages")).content.decode()
    assert part.count("<img") == 2
    assert 'alt="Page 1 of 2 of the statement"' in part
    (held,) = re.findall(r'data-held="([^"]+)"', part)
    (text,) = re.findall(r'data-text="([^"]+)"', part)
    image = re.findall(r'src="([^"]+)"', part)[0]
    assert get(carla, f"{held}?download").content == two_pages
    assert get(carla, image).headers["Content-Type"] == "image/png"
    assert len(json.loads(get(carla, text).content)["pages"]) == 2
    assert len(source.requests) == 1
    for other in (cast.carl, cast.cleo, cast.sam, cast.alice):
        assert signed_in(other).get(held).status_code == 404
        assert signed_in(other).get(image).status_code == 404


def test_the_source_is_asked_about_the_customer_the_days_and_the_person(
    cast: Cast, carla: Client, own: Integration, source: Source
) -> None:
    response = get(carla, address(cast.acme, "/document?download"))
    assert response.content == PDF
    assert [each.target for each in source.requests] == [
        "/of/C-1/Acme?from=2026-03-01&to=2026-03-31&who=carla%40acme.example"
    ]
    name = 'attachment; filename="statement-C-1-2026-03-01-2026-03-31.pdf"'
    assert response.headers["Content-Disposition"] == name
    assert DOCUMENT_HEADERS.items() <= dict(response.items()).items()
    run = Run.objects.get()
    assert (run.kind, run.command, run.outcome) == ("download", "GetStatement", "ok")
    assert (run.customer_id, run.invoice_id) == (cast.acme.id, None)
    assert (run.user_id, run.integration_id) == (cast.carla.user_id, own.id)
    assert response.headers["Billhook-Run"] == run.id
    assert "2026-03" not in str(run.attempts)


def test_each_look_asks_the_source_again_for_a_statement_changes(
    cast: Cast, carla: Client, source: Source
) -> None:
    for _ in range(2):
        get(carla, address(cast.acme, "/document"))
    assert len(source.requests) == 2


def test_nobody_gets_the_statement_of_another_customer(cast: Cast, carla: Client) -> None:
    for customer in (cast.bolt, cast.cedar):
        for rest in ("", "/document", "/pages", "/held/x/document", "/held/x/page/1.png"):
            assert carla.get(address(customer, rest)).status_code == 404
    assert Run.objects.count() == 0


@pytest.mark.parametrize(
    "days", ["2026-03-31/2026-03-01", "2026-02-30/2026-03-01", "2026-3-1/2026-3-2"]
)
def test_wrong_days_are_no_page(cast: Cast, carla: Client, days: str) -> None:
    assert carla.get(address(cast.acme, "/document", days)).status_code == 404


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param((404, b""), (404, "document-not-found", "no statement for these"), id="none"),
        pytest.param((500, b""), (502, "source-status", "Try again, or ask"), id="failure"),
        pytest.param((200, b"<html>"), (502, "web-page-instead", "Try again"), id="web-page"),
        pytest.param(SourceTimeout("wait"), (504, "source-timeout", "Try again"), id="slow"),
        pytest.param(SourceRefused(401), (502, "source-refused", "has been informed"), id="key"),
    ],
)
def test_a_failure_is_one_kind_sentence_and_leads_to_our_own(
    cast: Cast, carla: Client, source: Source, answer: Any, expected: tuple[int, str, str]
) -> None:
    status, outcome, words = expected
    source.answer = answer
    for rest in ("/document", "/pages"):
        response = get(carla, address(cast.acme, rest))
        html = response.content.decode()
        run = Run.objects.latest("started_at")
        assert (response.status_code, run.outcome) == (status, outcome)
        assert words in html
        assert run.id in html
        own_page = re.findall(r'href="(/statement\?[^"]+)"', html)[0].replace("&amp;", "&")
        assert own_page == f"/statement?customer={cast.acme.id}&{DAYS[1:]}"
        assert carla.get(own_page).status_code == 200


def test_without_a_source_our_own_statement_is_shown_as_ever(cast: Cast, source: Source) -> None:
    integration(cast.harper, draft(command()))
    integration(cast.northwind, draft(statement_command()))
    carla = signed_in(cast.carla)
    html = carla.get(f"/statement{DAYS}").content.decode()
    assert "/statements/" not in html
    assert "own record</h2>" not in html
    for rest in ("", "/document", "/pages"):
        response = carla.get(address(cast.acme, rest))
        assert (response.status_code, response.headers["Location"].partition("?")[0]) == (
            302,
            "/statement",
        )
    assert source.requests == []


def test_a_disabled_integration_gives_no_statements(
    cast: Cast, carla: Client, own: Integration
) -> None:
    Integration.objects.filter(id=own.id).update(enabled=False)
    assert "/statements/" not in carla.get(f"/statement{DAYS}").content.decode()


def silent() -> Draft:
    return draft(command(headers=()), name="Silent", secrets=())


def _make_lister(row: Integration) -> None:
    """Have *row* list customers of its own, as far as other code sees it."""
    row.commands = [*row.commands, {"name": "ListCustomers"}]
    row.save()


def test_a_customer_is_asked_for_only_where_their_number_means_them(cast: Cast) -> None:
    first, second, third = (
        integration(cast.harper, draft(statement_command(headers=()), name=name, secrets=()))
        for name in ("First", "Second", "Third")
    )
    everyone = (first.id, second.id, third.id)
    assert statement_sources(cast.acme) == everyone
    cast.acme.integration_id = second.id
    assert statement_sources(cast.acme) == (second.id,)
    cast.acme.integration_id = integration(cast.harper, silent()).id
    assert statement_sources(cast.acme) == everyone
    _make_lister(first)
    assert statement_sources(cast.acme) == (second.id, third.id)
    cast.acme.integration_id = None
    assert statement_sources(cast.acme) == everyone


def test_a_command_with_tokens_of_its_own_is_for_programs_alone(cast: Cast, source: Source) -> None:
    integration(cast.harper, draft(statement_command(tokens=("Layout",))))
    assert statement_sources(cast.acme) == ()
    typed = draft(statement_command(headers=(), tokens=("CustomerId",)), name="Old", secrets=())
    known = integration(cast.harper, typed)
    assert statement_sources(cast.acme) == (known.id,)


@pytest.mark.parametrize(
    ("answer", "on_failure", "asked"),
    [
        pytest.param((404, b""), OnFailure.STOP, ["First", "Second"], id="none"),
        pytest.param(SourceTimeout("wait"), OnFailure.STOP, ["First"], id="failure"),
        pytest.param(SourceTimeout("wait"), OnFailure.NEXT, ["First", "Second"], id="goes-on"),
    ],
)
def test_sources_are_asked_in_order_as_for_an_invoice(
    cast: Cast, source: Source, answer: Any, on_failure: OnFailure, asked: list[str]
) -> None:
    for name in ("First", "Second"):
        typed = draft(statement_command(headers=()), name=name, secrets=())
        integration(cast.harper, replace(typed, on_failure=on_failure))
    get_store().refresh()
    source.answer = answer
    get(signed_in(cast.carla), address(cast.acme, "/document"))
    runs = list(Run.objects.order_by("part_of"))
    assert [run.integration.name for run in runs if run.integration] == asked
    assert [run.part_of for run in runs[1:]] == [runs[0].id] * (len(asked) - 1)


def test_more_files_than_the_limit_wait_and_the_source_is_not_asked(
    cast: Cast, carla: Client, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_page, "seconds_to_wait", lambda _: 3.0)
    response = get(carla, address(cast.acme, "/document"))
    assert (response.status_code, response.headers["Retry-After"]) == (429, "3")
    assert "Wait a moment" in response.content.decode()
    assert source.requests == []


def test_a_member_who_looks_as_a_contact_gets_the_same_under_their_own_name(
    cast: Cast, carla: Client, source: Source
) -> None:
    bob, viewer = signed_in(cast.bob), signed_in(cast.vera)
    there = f"/as/{cast.carla.id}"
    assert f"{there}/statements/" in bob.get(f"{there}/statement{DAYS}").content.decode()
    assert get(bob, there + address(cast.acme, "/document")).content == PDF
    run = Run.objects.get()
    assert (run.kind, run.user_id) == ("view-as", cast.bob.user_id)
    assert "who=carla" in source.requests[0].target
    assert viewer.get(there + address(cast.acme, "/document")).status_code == 403
    assert bob.get(there + address(cast.bolt, "/document")).status_code == 404


@pytest.mark.parametrize("kind", ["from", "embedded"])
def test_at_an_entrance_it_is_there_for_that_organisations_customer(
    cast: Cast, carla: Client, kind: str
) -> None:
    entrance = Entrance(kind=kind, organisation_id=cast.harper.id)
    response = carla.get("/")
    open_session(response, entrance, cast.carla.user)
    browser = Client()
    browser.cookies.update(response.cookies)
    start = entrance.path.rstrip("/")
    assert f"{start}/statements/" in browser.get(f"{start}/statement{DAYS}").content.decode()
    assert get(browser, start + address(cast.acme, "/document")).content == PDF
    assert browser.get(start + address(cast.bolt, "/document")).status_code == 404


def test_editors_see_it_in_the_backoffice_and_viewers_our_own_alone(
    cast: Cast, own: Integration, source: Source
) -> None:
    page, there = backoffice(cast, cast.acme, f"/statement{DAYS}"), f"/statements/{MARCH}"
    bob, vera = signed_in(cast.bob), signed_in(cast.vera)
    link = backoffice(cast, cast.acme, there)
    assert f'href="{link}"' in bob.get(page).content.decode()
    assert "/statements/" not in vera.get(page).content.decode()
    assert vera.get(link).status_code == 403
    html = bob.get(link).content.decode()
    assert f'data-pages="{link}/pages"' in html
    source.answer = (200, good_pdf(pages=1))
    part = get(bob, f"{link}/pages").content.decode()
    (held,) = re.findall(r'data-held="([^"]+)"', part)
    assert get(signed_in(cast.alice), held).status_code == 200
    assert signed_in(cast.vera).get(held).status_code == 403
    run = Run.objects.get()
    assert (run.kind, run.user_id, run.customer_id) == ("view", cast.bob.user_id, cast.acme.id)
    source.answer = (404, b"")
    failed = get(bob, f"{link}/document").content.decode()
    assert f'href="{backoffice(cast, cast.acme, "/statement")}?' in failed
    theirs = f"/backoffice/{cast.northwind.id}/customers/{cast.acme.id}{there}"
    assert signed_in(cast.charlie).get(theirs).status_code == 404
