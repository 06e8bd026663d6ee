"""Runs: every member finds what happened, and no value is there to be found."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from billhook.engine.errors import BillhookError
from billhook.gateway.errors import (
    BadBody,
    BadJson,
    BodyTooLarge,
    BodyTooSlow,
    GatewayError,
    NotJson,
)
from billhook.portal.backoffice import views_runs
from billhook.portal.integrations.models import ApiKey
from billhook.portal.paging.count import Count, count_all_up_to
from billhook.portal.runs import filters, search
from billhook.portal.runs.access import failures_among, runs_for_member
from billhook.portal.runs.models import Run, RunKind
from billhook.portal.runs.outcomes import sentence_of
from portal.cast import Cast, signed_in
from portal.integration_cast import draft, integration

ATTEMPT = {
    "step": "GetInvoiceImage",
    "method": "GET",
    "status": 200,
    "received_bytes": 61_000,
    "milliseconds": 20.0,
    "outcome": "ok",
    "timing": {"lookup": 1.0, "connect": 2.0, "tls": 3.0, "wait": 10.0, "receive": 4.0},
}


def a_run(cast: Cast, **changes: Any) -> Run:
    facts: dict[str, Any] = {
        "organisation": cast.harper,
        "command": "GetInvoiceImage",
        "kind": RunKind.VIEW,
        "outcome": "ok",
        "started_at": datetime(2026, 3, 31, 12, tzinfo=UTC),
        "milliseconds": 21.0,
        "attempts": [ATTEMPT],
    }
    return Run.objects.create(**{**facts, **changes})


def listed(cast: Cast, query: str = "", who: Any = None) -> list[str]:
    address = reverse("backoffice:runs", args=[cast.harper.id]) + query
    html = signed_in(who or cast.vera).get(address).content.decode()
    return re.findall(r"/runs/([0-9a-z]{12})\"", html)


def test_only_runs_of_the_own_organisation_are_listed_newest_first(cast: Cast) -> None:
    old = a_run(cast)
    new = a_run(cast, started_at=datetime(2026, 4, 1, tzinfo=UTC))
    a_run(cast, organisation=cast.northwind)
    assert listed(cast) == [new.id, old.id]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("?outcome=ok", {"good"}, id="worked"),
        pytest.param("?outcome=failed", {"bad", "try"}, id="failed"),
        pytest.param("?kind=try", {"try"}, id="kind"),
        pytest.param("?search=inv-1", {"good"}, id="invoice"),
        pytest.param("?search=source-timeout", {"bad"}, id="outcome's code"),
        pytest.param("?since=2026-04-01", {"try"}, id="since"),
        pytest.param("?until=2026-03-31", {"good", "bad"}, id="until"),
        pytest.param("?since=2026-04-01&until=2026-04-01", {"try"}, id="one day"),
        pytest.param("?outcome=x&kind=y&since=z&until=-1", {"good", "bad", "try"}, id="nonsense"),
        pytest.param("?search=nothing", set(), id="nothing"),
    ],
)
def test_a_filter_is_part_of_the_address(cast: Cast, query: str, expected: set[str]) -> None:
    ids = {
        a_run(cast, invoice=cast.open).id: "good",
        a_run(cast, outcome="source-timeout", reason="wait").id: "bad",
        a_run(
            cast,
            kind=RunKind.TRY,
            outcome="token",
            started_at=datetime(2026, 4, 1, 23, 59, tzinfo=UTC),
        ).id: "try",
    }
    assert {ids[id_] for id_ in listed(cast, query)} == expected


def test_a_click_that_got_its_document_elsewhere_is_not_a_failure(cast: Cast) -> None:
    first = a_run(cast, outcome="document-not-found")
    a_run(cast, outcome="source-timeout", part_of=first.id)
    a_run(cast, part_of=first.id)
    alone = a_run(cast, outcome="document-not-found")
    last = a_run(cast, outcome="source-timeout", part_of=alone.id)
    assert set(failures_among(runs_for_member(cast.vera))) == {alone, last}


@pytest.mark.parametrize("most", [2_000, 0], ids=["few runs", "many runs"])
def test_runs_of_one_integration_can_be_listed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(filters, "FEW", most)
    row = integration(cast.harper)
    run = a_run(cast, integration=row)
    a_run(cast)
    assert listed(cast, f"?integration={row.id}") == [run.id]
    assert listed(cast, f"?integration={row.id}&outcome=failed") == []


def test_runs_are_found_by_the_name_of_their_integration(cast: Cast) -> None:
    row = integration(cast.harper)
    integration(cast.northwind)
    run = a_run(cast, integration=row)
    assert listed(cast, f"?integration={row.name}") == [run.id]
    assert listed(cast, "?integration=No+such") == []


def test_with_many_integrations_a_name_is_typed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_runs, "_OFFERED", 1)
    first = integration(cast.harper, draft(name="First"))
    address = reverse("backoffice:runs", args=[cast.harper.id])
    page = signed_in(cast.vera).get(address).content.decode()
    assert f'<option value="{first.id}">First</option>' in page
    integration(cast.harper, draft(name="Second"))
    page = signed_in(cast.vera).get(f"{address}?integration=First").content.decode()
    assert '<input id="integration" name="integration" value="First"' in page


@pytest.mark.parametrize("most", [2_000, 1], ids=["few runs", "many runs"])
def test_a_search_finds_runs_by_customer_invoice_and_click(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(search, "FEW", most)
    first = a_run(cast, invoice=cast.open)
    later = datetime(2026, 3, 31, 13, tzinfo=UTC)
    second = a_run(cast, invoice=cast.paid, part_of=first.id, started_at=later)
    theirs = a_run(cast, invoice=cast.of_cedar, organisation=cast.northwind)
    statement = a_run(cast, customer=cast.acme, command="GetStatement", started_at=later)
    a_run(cast, customer=cast.bolt, command="GetStatement")
    a_run(cast)
    of_acme = {second.id, first.id, statement.id}
    assert set(listed(cast, "?search=acme")) == of_acme
    assert set(listed(cast, "?search=c-1")) == of_acme
    assert listed(cast, f"?search={first.id}") == [second.id, first.id]
    assert listed(cast, f"?search={cast.paid.number.lower()}") == [second.id]
    assert listed(cast, "?search=Acme&kind=try") == []
    assert listed(cast, f"?search={theirs.id}") == []
    assert listed(cast, "?search=Cedar") == []
    for outcome, number in {"": 3, "ok": 3, "failed": 0}.items():
        found = filters.narrow(cast.vera, filters.RunFilter(search="acme", outcome=outcome))
        assert count_all_up_to(found.to_count) == Count(number)


def test_a_run_for_a_statement_names_the_customer(cast: Cast) -> None:
    run = a_run(cast, customer=cast.bolt, command="GetStatement")
    browser = signed_in(cast.vera)
    link = reverse("backoffice:customer", args=[cast.harper.id, cast.bolt.id])
    for name, ids in (("backoffice:runs", []), ("backoffice:run", [run.id])):
        html = browser.get(reverse(name, args=[cast.harper.id, *ids])).content.decode()
        assert "Statement of" in html
        assert f'<a href="{link}"><bdi>Bolt</bdi></a>' in html
        assert "Not in Billhook" not in html


def test_a_search_that_fits_many_customers_says_whose_runs_are_listed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = reverse("backoffice:runs", args=[cast.harper.id]) + "?search=c-"
    assert "customers fit this search" not in signed_in(cast.vera).get(address).content.decode()
    monkeypatch.setattr(search, "CUSTOMERS", 1)
    assert "customers fit this search" in signed_in(cast.vera).get(address).content.decode()


def test_the_run_number_that_a_contact_saw_finds_the_run(cast: Cast) -> None:
    run = a_run(cast)
    a_run(cast)
    assert listed(cast, f"?search={run.id.upper()}") == [run.id]


def test_the_totals_are_those_of_all_pages(cast: Cast) -> None:
    for _ in range(51):
        a_run(cast, outcome="source-timeout", reason="wait")
    a_run(cast)
    address = reverse("backoffice:runs", args=[cast.harper.id])
    html = signed_in(cast.vera).get(address).content.decode()
    assert "52 runs" in html
    assert "51 failed." in html
    failures = signed_in(cast.vera).get(f"{address}?outcome=failed").content.decode()
    assert "51 runs" in failures
    assert "51 failed." in failures
    (after,) = set(re.findall(r'rel="next" href="(\?page=after-[\w-]+)"', html))
    assert len(listed(cast, after)) == 2
    assert len(listed(cast, "?page=last")) == 50


def test_an_empty_list_explains_when_runs_are_created(cast: Cast) -> None:
    address = reverse("backoffice:runs", args=[cast.harper.id])
    assert "No runs yet" in signed_in(cast.vera).get(address).content.decode()


def detail(cast: Cast, run: Run) -> str:
    address = reverse("backoffice:run", args=[cast.harper.id, run.id])
    html = signed_in(cast.vera).get(address).content.decode()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_a_run_shows_who_what_and_how_long_each_phase_took(cast: Cast) -> None:
    row = integration(cast.harper)
    run = a_run(cast, integration=row, invoice=cast.open, user=cast.carla.user)
    text = detail(cast, run)
    assert "The document was delivered." in text
    assert "Carla carla@acme.example" in text
    assert "INV-1" in text
    assert "Acme billing" in text
    assert "response 200" in text
    for phase, time in (("Name lookup", "1.0"), ("TLS", "3.0"), ("Wait", "10.0")):
        assert phase in text
        assert f"{time} ms" in text


def test_a_run_by_a_key_shows_which_key(cast: Cast) -> None:
    key = ApiKey.objects.create(organisation=cast.harper, name="Shop", hint="bhk_…abcd", digest="d")
    assert "Key Shop bhk_…abcd" in detail(cast, a_run(cast, api_key=key, kind=RunKind.API))


def test_a_run_of_a_deleted_integration_can_still_be_read(cast: Cast) -> None:
    text = detail(cast, a_run(cast, attempts=[], outcome="configuration", reason="no-integration"))
    assert "No enabled integration has the command." in text
    assert "Nothing was sent." in text
    assert "Unknown" in text


def _codes(root: type[BillhookError]) -> set[str]:
    codes = {root.code} if hasattr(root, "code") else set()
    return codes.union(*(_codes(error) for error in root.__subclasses__()))


def test_a_click_that_asked_several_sources_is_shown_as_a_whole(cast: Cast) -> None:
    row = integration(cast.harper)
    first = a_run(cast, integration=row, outcome="document-not-found")
    later = datetime(2026, 3, 31, 12, 0, 1, tzinfo=UTC)
    second = a_run(cast, part_of=first.id, reason="plain-rendering", started_at=later)
    a_run(cast)
    for run in (first, second):
        address = reverse("backoffice:run", args=[cast.harper.id, run.id])
        html = signed_in(cast.vera).get(address).content.decode()
        assert "Sources tried for this click" in html
        assert html.index("<bdi>Acme billing</bdi>: ") < html.index("Summary from our own record: ")
    assert listed(cast, f"?search={first.id}") == [second.id, first.id]


@pytest.mark.parametrize("code", sorted(_codes(BillhookError) | {"ok", "cancelled"}))
def test_each_outcome_has_a_sentence(code: str) -> None:
    sentence = sentence_of(code, "")
    assert sentence.endswith(".")
    assert code == "ok" or sentence != sentence_of("ok", "")


@pytest.mark.parametrize("error", [BadBody, BadJson, BodyTooLarge, BodyTooSlow, NotJson])
def test_an_unusable_body_of_an_api_call_has_a_sentence(error: type[GatewayError]) -> None:
    sentence = sentence_of(error.code, "")
    assert sentence.startswith("The request body ")
    assert sentence.endswith("Nothing was sent.")


def test_a_sentence_contains_the_status_or_the_phase() -> None:
    assert "(status 403)" in sentence_of("source-refused", "403")
    assert "status 503" in sentence_of("source-status", "503")
    assert "connect" in sentence_of("source-timeout", "connect")


def test_a_denied_run_shows_owners_the_line_that_would_allow_it(cast: Cast) -> None:
    private = integration(cast.harper, draft(base="https://10.0.0.8:8006"))
    run = a_run(cast, integration=private, outcome="egress-denied", reason="address")
    address = reverse("backoffice:run", args=[cast.harper.id, run.id])
    line = "BILLHOOK_ALLOW=10.0.0.8:8006"
    assert line in signed_in(cast.alice).get(address).content.decode()
    assert line not in signed_in(cast.bob).get(address).content.decode()
    Run.objects.filter(id=run.id).update(outcome="source-unreachable")
    assert line not in signed_in(cast.alice).get(address).content.decode()
