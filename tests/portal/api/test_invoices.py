"""Invoices by the API: by the operator's id, one by one and many at once."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billhook.portal.customers.models import Customer
from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Invoice
from portal.api.program import Program, places_of, problem_of, row
from portal.cast import Cast


def test_an_invoice_is_created_read_changed_and_removed(program: Program) -> None:
    made = program.post("/invoices", row(source_id="80231"))
    assert made.status_code == 201, made.content
    shown = made.json()
    assert shown["amount"] == shown["open_amount"] == "1240.00"
    assert shown["created_at"].endswith("Z")
    datetime.fromisoformat(shown["created_at"]).astimezone(UTC)
    path = made.headers["Location"].removeprefix("/api/v1")
    assert program.get(path).json() == shown
    paid = program.call("PATCH", path, {"status": "paid"})
    assert (paid.json()["status"], paid.json()["open_amount"]) == ("paid", "0.00")
    assert program.call("DELETE", path).status_code == 204
    assert problem_of(program.get(path)) == (404, "not-found")


def test_an_invoice_is_saved_by_the_operators_id_however_often(program: Program) -> None:
    path = "/invoices/by-source-id/80231"
    first = program.call("PUT", path, row())
    again = program.call("PUT", path, row())
    renumbered = program.call("PUT", path, {"number": "INV-200"})
    assert [first.status_code, again.status_code, renumbered.status_code] == [201, 200, 200]
    assert again.json() == first.json()
    assert renumbered.json()["id"] == first.json()["id"]
    assert Invoice.objects.get(source_id="80231").number == "INV-200"


@pytest.mark.parametrize("source_id", ["%04x", "%E2%80%AE", "x" * 201, "%20"])
def test_an_id_that_no_field_can_hold_is_refused(program: Program, source_id: str) -> None:
    response = program.call("PUT", f"/invoices/by-source-id/{source_id}", row())
    assert (problem_of(response), places_of(response)) == ((422, "invalid"), ["source_id"])


def test_an_id_alone_is_the_number_of_a_new_invoice(program: Program) -> None:
    facts = row()
    del facts["number"]
    assert program.call("PUT", "/invoices/by-source-id/R-77", facts).json()["number"] == "R-77"


def test_an_invoice_without_an_id_gets_the_one_that_comes_with_its_number(
    program: Program, cast: Cast
) -> None:
    response = program.call("PUT", "/invoices/by-source-id/80231", {"number": "INV-1"})
    assert response.json()["id"] == cast.open.id
    other = program.call("PUT", "/invoices/by-source-id/80232", {"number": "INV-1"})
    assert problem_of(other) == (422, "invalid")
    assert "another id" in other.json()["detail"]


def test_bulk_saves_what_it_can_and_explains_the_rest(program: Program, cast: Cast) -> None:
    rows = [
        row("INV-100"),
        row("INV-101", customer_number="C-9", customer_name="Nine"),
        {"number": "INV-1", "status": "paid"},
        {"number": "INV-2"},
        row("INV-102", amount="12.345"),
        row("INV-103", customer_number="C-77"),
        row("INV-100"),
        {"number": "INV-104"},
        row("INV-105", open_amount="2000.00"),
        row("INV-106", link="http://insecure.example"),
        row("INV-107", amount="a lot"),
    ]
    response = program.post("/invoices/bulk", {"rows": rows})
    assert response.status_code == 200, response.content
    answer = response.json()
    results = [each["result"] for each in answer["results"]]
    assert results == ["created", "created", "changed", "unchanged", *["refused"] * 7]
    assert answer["counts"] == {"created": 2, "changed": 1, "unchanged": 1, "refused": 7}
    assert [each["row"] for each in answer["results"]] == list(range(11))
    assert all(each["problems"][0]["message"] for each in answer["results"][4:])
    assert answer["results"][10]["problems"][0]["where"] == "amount"
    assert answer["results"][2]["id"] == cast.open.id
    assert Customer.objects.get(number="C-9").name == "Nine"
    assert Invoice.objects.get(id=cast.open.id).open_amount == Decimal(0)
    again = program.post("/invoices/bulk", {"rows": rows[:2]}).json()
    assert again["counts"]["unchanged"] == 2


def test_bulk_takes_a_thousand_rows_and_no_more(program: Program) -> None:
    rows = [row(f"B-{n:04}", source_id=str(n)) for n in range(1_000)]
    assert program.post("/invoices/bulk", {"rows": rows}).json()["counts"]["created"] == 1_000
    refused = program.post("/invoices/bulk", {"rows": [*rows, row("B-1000")]})
    assert problem_of(refused) == (422, "invalid")
    assert problem_of(program.post("/invoices/bulk", {"rows": []})) == (422, "invalid")


def test_numbers_with_zeros_are_texts_and_stay_apart(program: Program, cast: Cast) -> None:
    rows = [row("00123"), row("123")]
    assert program.post("/invoices/bulk", {"rows": rows}).json()["counts"]["created"] == 2


def test_what_an_integration_owns_is_changed_in_its_system(program: Program, cast: Cast) -> None:
    source = Integration.objects.create(organisation=cast.harper, name="ERP")
    Invoice.objects.filter(id=cast.open.id).update(integration=source, source_id="1")
    Customer.objects.filter(id=cast.acme.id).update(integration=source, source_id="1")
    path = f"/invoices/{cast.open.id}"
    refused = (409, "comes-from-integration")
    assert problem_of(program.call("PATCH", path, {"status": "paid"})) == refused
    assert problem_of(program.call("DELETE", path)) == refused
    customer = program.call("PATCH", f"/customers/{cast.acme.id}", {"name": "X"})
    assert problem_of(customer) == refused
    bulk = program.post("/invoices/bulk", {"rows": [{"number": "INV-1", "status": "paid"}]})
    assert "comes from an integration" in bulk.json()["results"][0]["problems"][0]["message"]
    source.delete()  # nobody owns it any more
    assert program.call("PATCH", path, {"status": "paid"}).status_code == 200


def test_the_rules_of_the_form_hold(program: Program, cast: Cast) -> None:
    path = f"/invoices/{cast.open.id}"
    early = program.call("PATCH", path, {"due_on": "1999-01-01"})
    assert (problem_of(early), places_of(early)) == ((422, "invalid"), ["due_on"])
    yen = program.call("PATCH", path, {"currency": "JPY", "amount": "1.50"})
    assert places_of(yen) == ["amount"]
    taken = program.call("PATCH", path, {"number": "INV-2"})
    assert problem_of(taken) == (409, "already-exists")
    unseen = program.call("PATCH", path, {"number": "INV\u202e1"})
    assert (problem_of(unseen), places_of(unseen)) == ((422, "invalid"), ["number"])
    assert program.call("PATCH", path, {"due_on": None}).json()["due_on"] is None


def test_a_change_with_an_old_etag_is_refused(program: Program, cast: Cast) -> None:
    path = f"/invoices/{cast.open.id}"
    etag = program.get(path).headers["ETag"]
    assert program.get(path, if_none_match=etag).status_code == 304
    changed = program.call("PATCH", path, {"po_number": "4711"}, if_match=etag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag
    late = program.call("PATCH", path, {"po_number": "4712"}, if_match=etag)
    assert problem_of(late) == (412, "changed-meanwhile")
    assert problem_of(program.call("DELETE", path, if_match=etag))[0] == 412
    assert program.get(path, if_none_match=etag).status_code == 200
    put = "/invoices/by-source-id/new-1"
    assert problem_of(program.call("PUT", put, row(), if_match="*"))[0] == 412
    assert program.call("PUT", put, row(), if_none_match="*").status_code == 201
    assert problem_of(program.call("PUT", put, row(), if_none_match="*"))[0] == 412


def test_a_list_is_read_page_by_page(program: Program) -> None:
    rows = [row(f"P-{n}", issued_on=f"2026-01-{n + 1:02}", due_on=None) for n in range(7)]
    program.post("/invoices/bulk", {"rows": rows})
    query, numbers = "/invoices?limit=3", []
    cursor: str | None = ""
    while cursor is not None:
        page = program.get(f"{query}&cursor={cursor}").json()
        numbers += [item["number"] for item in page["items"]]
        cursor = page["next"]
    assert [n for n in numbers if n.startswith("P-")] == [f"P-{n}" for n in range(6, -1, -1)]
    assert len(numbers) == len(set(numbers)) == 12
    assert [i["number"] for i in program.get("/invoices?number=P-3").json()["items"]] == ["P-3"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amount=st.decimals("-99999", "99999", places=2),
    number=st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=40),
)
def test_what_is_saved_is_shown_as_it_was_sent(program: Program, amount, number) -> None:
    sent = row(number, amount=f"{amount:f}")
    shown = program.call("PUT", "/invoices/by-source-id/one", sent)
    if shown.status_code >= 400:  # the number of another invoice of the cast
        assert problem_of(shown)[0] in {422, 429}
        return
    assert Decimal(shown.json()["amount"]) == amount
    assert shown.json()["number"] == number.strip()


@pytest.mark.parametrize(
    "path", ["/invoices", "/customers", "/contacts", "/runs", "/jobs", "/keys", "/webhooks"]
)
def test_lists_of_another_organisation_are_not_shown(
    program: Program, strange_program: Program, path: str
) -> None:
    program.post("/invoices", row("ONLY-HERE"))
    ours = {item["id"] for item in program.get(path).json()["items"]}
    theirs = {item["id"] for item in strange_program.get(path).json()["items"]}
    assert not ours & theirs
