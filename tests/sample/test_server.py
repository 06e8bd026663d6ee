"""The sample system's HTTP interface."""

from __future__ import annotations

import pytest

from billhook.sample.ledger import ODDITIES, Oddity
from billhook.sample.pdf import draw_invoice

NUMBER = "INV0000001"
PLAIN = {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json"}
ODD = {oddity: number for number, oddity in ODDITIES.items()}


async def test_it_lists_every_invoice(sample, ledger):
    response = await (await sample.get("/invoices")).json()
    assert response["total"] == len(response["invoices"]) == 200
    first = response["invoices"][0]
    assert first["number"] == NUMBER
    assert first["amount"] == f"{ledger[0].total:.2f}"
    assert first["date"] == ledger[0].issued_on.isoformat()


async def test_it_lists_customers_with_their_contacts(sample):
    response = await (await sample.get("/customers")).json()
    assert [customer["number"] for customer in response["customers"]] == ["C1001", "C1002", "C1003"]
    assert response["customers"][0]["contacts"][0]["email"] == "dana@meridian.example"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/invoices/{NUMBER}/pdf", {}),
        ("GET", f"/items/{NUMBER}", {}),
        ("GET", f"/print/{NUMBER}", {}),
        ("POST", "/documents", {"json": {"number": NUMBER}}),
        ("POST", "/documents", {"data": {"number": NUMBER}}),
        ("POST", "/documents", {"data": {"key1": "value1", "key2": NUMBER}}),
        ("POST", f"/items/{NUMBER}", {"json": {"key1": "value1", "key2": NUMBER}}),
    ],
    ids=["pdf", "item", "print", "JSON", "form", "form of 2019", "item with JSON of 2019"],
)
async def test_each_kind_of_request_returns_the_same_document(method, path, body, sample, ledger):
    response = await sample.request(method, path, **body)
    assert response.status == 200
    assert response.content_type == "application/pdf"
    assert await response.read() == draw_invoice(ledger[0])


@pytest.mark.parametrize(
    ("method", "path", "more", "refusal"),
    [
        ("GET", f"/invoices/{NUMBER}/pdf", {"headers": {"X-Api-Key": "no"}}, (401, "unauthorised")),
        ("GET", f"/invoices/{NUMBER}/pdf", {"headers": {"X-Api-Key": ""}}, (401, "unauthorised")),
        ("GET", "/nowhere", {"headers": {"X-Api-Key": "no"}}, (401, "unauthorised")),
        ("GET", "/nowhere", {}, (404, "refused")),
        ("DELETE", f"/items/{NUMBER}", {}, (405, "refused")),
        ("GET", "/invoices/INV9999999/pdf", {}, (404, "not_found")),
        ("GET", f"/invoices/{ODD[Oddity.NOT_MADE]}/pdf", {}, (404, "not_made")),
        ("GET", f"/invoices/{ODD[Oddity.FAILING]}/pdf", {}, (500, "internal")),
        ("POST", "/documents", {"data": "number=1", "headers": PLAIN}, (415, "content_type")),
        ("POST", "/documents", {"data": "{", "headers": JSON}, (400, "json")),
        ("POST", "/documents", {"json": ["INV0000001"]}, (400, "json")),
        ("POST", "/documents", {"json": {"number": 1}}, (422, "invalid")),
        ("POST", "/documents", {"json": {}}, (422, "invalid")),
        ("POST", f"/items/{NUMBER}", {"json": {"key2": "INV0000002"}}, (422, "invalid")),
    ],
    ids=[
        "wrong key",
        "no key",
        "wrong key, no such address",
        "no such address",
        "wrong method",
        "unknown invoice",
        "not made yet",
        "failing",
        "not JSON or form",
        "broken JSON",
        "no object",
        "a number for a text",
        "nothing asked for",
        "two different numbers",
    ],
)
async def test_refusals_are_json(method, path, more, refusal, sample):
    response = await sample.request(method, path, **more)
    assert response.content_type == "application/json"
    assert (response.status, (await response.json())["error"]) == refusal


@pytest.mark.parametrize(
    ("path", "key"),
    [(f"/print/{NUMBER}", ""), (f"/invoices/{ODD[Oddity.SIGN_IN_PAGE]}/pdf", "the-sample-key")],
    ids=["the old web page without a key", "the invoice with that oddity"],
)
async def test_a_sign_in_page_has_status_200(path, key, sample):
    response = await sample.get(path, headers={"X-Api-Key": key})
    assert (response.status, response.content_type) == (200, "text/html")
    assert "<h1>Sign in</h1>" in await response.text()


async def test_a_draft_is_issued_once(sample, ledger):
    draft = next(each for each in ledger if each.status == "draft")
    response = await sample.post(f"/invoices/{draft.number}/issue")
    assert await response.json() == {"number": draft.number, "status": "open"}
    rows = (await (await sample.get("/invoices")).json())["invoices"]
    assert rows[-1]["number"] == draft.number  # the newest change
    assert (rows[-1]["status"], rows[-1]["open_amount"]) == ("open", f"{draft.total:.2f}")
    again = await sample.post(f"/invoices/{draft.number}/issue")
    assert (again.status, (await again.json())["error"]) == (409, "nothing_to_issue")


async def test_the_slow_invoice_arrives_eventually(sample):
    response = await sample.get(f"/invoices/{ODD[Oddity.SLOW]}/pdf")
    assert (await response.read()).startswith(b"%PDF-")


async def test_the_first_page_lists_every_route_and_needs_no_key(sample):
    response = await sample.get("/", headers={"X-Api-Key": ""})
    text = await response.text()
    routes = {route.resource.canonical for route in sample.app.router.routes()} - {"/"}
    assert response.status == 200
    assert all(route in text for route in routes)
