"""A list is mapped from a sample of its response: rows, fields and the form of their values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from billhook.engine.config import StepConfig
from billhook.engine.list_config import ListCommandConfig
from billhook.portal.documents.response import opened
from billhook.portal.editor.form import EditorForm, form_of, to_draft
from billhook.portal.installation import environment
from billhook.portal.integrations import policy
from billhook.portal.integrations.drafts import Draft
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, signed_in
from portal.editor.editor_page import Page, new_page
from portal.integration_cast import CANARY, Source

URL = "https://billing.acme.example/invoices"
ROWS = [
    {
        "id": 10,
        "invoice_number": "INV-7",
        "status": "PAID",
        "issued_at": "2026-03-31",
        "total": "1.234,50",
        "amount_due": "0,00",
        "currency": "EUR",
        "customer": {"id": 4, "name": "Acme"},
        "contacts": [{"email": "ann@acme.example"}],
    },
    {
        "id": 11,
        "invoice_number": "INV-8",
        "status": "SENT",
        "issued_at": "2026-04-30",
        "total": "20,00",
        "amount_due": "20,00",
        "currency": "EUR",
        "customer": {"id": 5, "name": "Bolt"},
        "contacts": [],
    },
]


@pytest.fixture
def source() -> Source:
    found = Source()
    found.answer = (200, json.dumps({"data": ROWS, "links": [{"a": 1}]}).encode())
    found.headers = (("Content-Type", "application/json"),)
    return found


@pytest.fixture(autouse=True)
def memory(source: Source) -> Iterator[None]:
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


def new_list(cast: Cast, name: str = "ListInvoices") -> Page:
    """Open the editor with a list command whose request is typed."""
    page = new_page(cast)
    page.press(f"add-command:{name}")
    page.press("remove:command-0")
    page.fields |= {"name": "Lists", "command-0-steps-0-url": URL}
    return page


def send(page: Page) -> str:
    """Press Send, and return the text of the page with the result."""
    posted = {**page.fields, "do": "try"}
    page._take(opened(page.client.post(f"{page.address}/try", posted)))
    get_recorder().flush()
    return page.text


def used(page: Page) -> dict[str, str]:
    """Return the use that is chosen for each field of the sample."""
    paths = {
        name.removesuffix("-path"): path
        for name, path in page.fields.items()
        if re.fullmatch(r"sample-field-\d+-path", name)
    }
    return {path: page.fields[f"{name}-use"] for name, path in paths.items()}


def test_the_fields_of_a_response_are_offered_with_likely_uses(cast: Cast) -> None:
    page = new_list(cast)
    text = send(page)
    assert "The response has 2 rows." in text
    assert used(page) == {
        "$.id": "id",
        "$.invoice_number": "number",
        "$.status": "status",
        "$.issued_at": "date",
        "$.total": "amount",
        "$.amount_due": "open_amount",
        "$.currency": "currency",
        "$.customer.id": "customer",
        "$.customer.name": "customer_name",
        "$.contacts[0].email": "contact_email",
    }
    assert page.fields["sample-rows"] == "$.data[*]"


def test_chosen_fields_are_mapped_with_the_form_of_their_values(cast: Cast) -> None:
    page = new_list(cast)
    send(page)
    page.press("use-sample:command-0")
    assert page.fields["command-0-list-rows-path"] == "$.data[*]"
    start = "command-0-list-map"
    assert page.fields[f"{start}-amount-path"] == "$.total"
    assert page.fields[f"{start}-amount-decimal"] == ","
    assert page.fields[f"{start}-status-values"].split("\n") == ["PAID = paid", "SENT = open"]
    text = send(page)
    assert "This is what the portal would make of them." in text
    assert "1234.50" in text
    assert "INV-8" in text
    assert "Nothing was written." in text
    page.press("save")
    assert page.response.status_code == 302, page.text
    assert Integration.objects.get().commands[0]["name"] == "ListInvoices"
    saved = page.client.get(page.response.headers["Location"]).content.decode()
    assert "Press Sync to look at its list and to start syncing." in saved
    assert f"/integrations/{Integration.objects.get().id}/sync" in saved
    assert "Nightly check" not in saved
    assert {(run.kind, run.outcome) for run in Run.objects.all()} == {("try", "ok")}


def test_another_choice_takes_the_place_of_the_first(cast: Cast) -> None:
    page = new_list(cast)
    send(page)
    page.press("use-sample:command-0")
    send(page)
    fields = {path: name for name, path in page.fields.items() if name.endswith("-path")}
    number = fields["$.invoice_number"].removesuffix("-path")
    identity = fields["$.id"].removesuffix("-path")
    page.fields |= {f"{number}-use": "po_number", f"{identity}-use": "number"}
    page.press("use-sample:command-0")
    start = "command-0-list-map"
    assert page.fields[f"{start}-po_number-path"] == "$.invoice_number"
    assert page.fields[f"{start}-number-path"] == "$.id"
    assert page.fields[f"{start}-id-path"] == "$.id"  # without another choice, the number's


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        pytest.param("?take=50&skip=1", {"param": "skip", "size_param": "take"}, id="parameters"),
        pytest.param("?q=1%2050", {}, id="tokens"),
    ],
)
def test_the_first_page_is_requested_as_it_is_shown(
    cast: Cast, source: Source, query: str, keys: dict[str, str]
) -> None:
    page = new_list(cast)
    start = "command-0-list-pages"
    if not keys:
        page.fields["command-0-steps-0-url"] = f"{URL}?q={{{{Offset}}}}%20{{{{PageSize}}}}"
    for key, text in {"kind": "offset", "first_page": "1", "size": "50", **keys}.items():
        page.fields[f"{start}-{key}"] = text
    shown = re.sub("<[^>]+>", "", send(page)).replace("&amp;", "&")
    assert f"{URL}{query}" in shown
    page.press("use-sample:command-0")
    send(page)
    assert {request.url for request in source.requests} == {f"{URL}{query}"}


def test_a_system_that_knows_its_rows_by_their_number_alone_is_mapped(
    cast: Cast, source: Source
) -> None:
    rows = [{"number": "C-1", "name": "Acme"}, {"number": "C-2", "name": "Bolt"}]
    source.answer = (200, json.dumps(rows).encode())
    page = new_list(cast, "ListCustomers")
    send(page)
    page.press("use-sample:command-0")
    start = "command-0-list-map"
    assert page.fields[f"{start}-id-path"] == page.fields[f"{start}-number-path"] == "$.number"
    assert "C-2" in send(page)
    page.press("use-sample:command-0")
    assert page.fields[f"{start}-id-path"] == "$.number"


XML = b"""<?xml version="1.0"?><r xmlns="urn:a" xmlns:b="urn:b"><meta><x>1</x></meta>
<b:inv key="K1"><b:NUMBER>INV-1</b:NUMBER><total>5.00</total><cust><id>9</id></cust></b:inv>
<b:inv key="K2"><b:NUMBER>INV-2</b:NUMBER><total>6.00</total><cust><id>9</id></cust></b:inv></r>"""


def test_rows_of_xml_are_found_with_their_namespaces(cast: Cast, source: Source) -> None:
    source.answer = (200, XML)
    page = new_list(cast)
    send(page)
    assert page.fields["sample-rows"] == "xpath[b=urn:b n1=urn:a]: /n1:r/b:inv"
    uses = {"@key": "id", "b:NUMBER": "number", "n1:total": "amount", "n1:cust/n1:id": "customer"}
    for name, use in uses.items():
        (field,) = [
            key
            for key, path in page.fields.items()
            if path.endswith(f": {name}") and "-path" in key
        ]
        page.fields[field.replace("-path", "-use")] = use
    page.press("use-sample:command-0")
    page.fields["command-0-list-map-currency-value"] = "EUR"
    text = send(page)
    assert "INV-2" in text
    assert "6.00" in text


def test_the_columns_of_a_csv_file_are_its_fields(cast: Cast, source: Source) -> None:
    text = 'Id;Number;Customer no;Gross;Currency;Date\r\n1;R-1;C-1;"1.000,50";EUR;31.03.2026\r\n'
    source.answer = (200, text.encode("windows-1252"))
    page = new_list(cast)
    send(page)
    assert used(page)["column: Number"] == "number"
    page.press("use-sample:command-0")
    assert page.fields["command-0-list-rows-form"] == "csv"
    assert page.fields["command-0-list-rows-csv-delimiter"] == ";"
    assert page.fields["command-0-list-map-date-format"] == "dd.MM.yyyy"
    assert "1000.50" in send(page)


def test_the_rows_can_be_looked_for_elsewhere(cast: Cast) -> None:
    page = new_list(cast)
    send(page)
    page.fields["sample-wanted"] = "$.links[*]"
    assert "The response has 1 row." in send(page)
    assert page.fields["sample-rows"] == "$.links[*]"


def test_a_secret_that_the_source_repeats_is_masked(cast: Cast, source: Source) -> None:
    source.answer = (200, json.dumps([{"id": 1, "echo": f"Bearer {CANARY}"}]).encode())
    page = new_list(cast)
    page.press("add:secret")
    page.fields |= {
        "secret-0-name": "ApiKey",
        "secret-0-value": CANARY,
        "command-0-steps-0-headers-0-name": "X-Api-Key",
        "command-0-steps-0-headers-0-value": "{{ApiKey}}",
    }
    text = send(page)
    assert source.requests, text
    assert CANARY not in page.html


def test_the_fields_of_a_private_system_are_not_shown_unless_the_operator_says_so(
    cast: Cast, source: Source
) -> None:
    environment.put("BILLHOOK_ALLOW", "10.0.0.5:8080")
    policy.egress_policy.cache_clear()
    page = new_list(cast)
    page.fields["command-0-steps-0-url"] = "http://10.0.0.5:8080/invoices"
    try:
        text = send(page)
        assert "BILLHOOK_SHOW_PRIVATE_ANSWERS" in text
        assert used(page) == {}
        environment.put("BILLHOOK_SHOW_PRIVATE_ANSWERS", "true")
        send(page)
        assert used(page)["$.id"] == "id"
    finally:
        for name in ("BILLHOOK_ALLOW", "BILLHOOK_SHOW_PRIVATE_ANSWERS"):
            environment.put(name, "")
        policy.egress_policy.cache_clear()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        pytest.param((200, b"{}"), "The response has no list of rows.", id="nothing in it"),
        pytest.param((200, b""), "The response is empty", id="empty"),
        pytest.param((200, b"hello"), "neither JSON, nor XML", id="only text"),
        pytest.param((500, b"[]"), "", id="a failure"),
        pytest.param((200, b"[[[[["), "", id="broken JSON"),
        pytest.param((200, b"<a><b></a>"), "", id="broken XML"),
    ],
)
def test_a_response_without_rows_is_explained(
    cast: Cast, source: Source, answer: Any, sentence: str
) -> None:
    source.answer = answer
    page = new_list(cast)
    text = send(page)
    assert page.response.status_code == 200
    assert sentence in text
    assert "The form keeps everything" in text


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param({}, id="no sample"),
        pytest.param(
            {"sample-form": "json", "sample-field-0-texts": "[" * 9000}, id="broken texts"
        ),
        pytest.param({"sample-form": "x", "sample-field-x-use": "id"}, id="no fields"),
        pytest.param(
            {"sample-form": "json", "sample-field-0-use": "nothing", "sample-field-0-path": "$.a"},
            id="an unknown use",
        ),
    ],
)
@pytest.mark.parametrize("key", ["command-0", "command-9", "", "command", "variable-0"])
def test_a_made_up_sample_changes_nothing(cast: Cast, typed: dict[str, str], key: str) -> None:
    page = new_list(cast)
    before = {name: text for name, text in page.fields.items() if "-map-" in name}
    response = page.client.post(page.address, {**page.fields, **typed, "do": f"use-sample:{key}"})
    assert response.status_code == 200
    page._take(response)
    assert {name: text for name, text in page.fields.items() if "-map-" in name} == before


def test_a_viewer_cannot_try_a_list(cast: Cast) -> None:
    page = new_list(cast)
    response = signed_in(cast.vera).post(f"{page.address}/try", {**page.fields, "do": "try"})
    assert response.status_code == 403


def test_a_list_with_a_file_of_its_own_opens_in_the_form(cast: Cast) -> None:
    config = ListCommandConfig(name="ListInvoices", steps=(StepConfig(url=URL),))
    form: EditorForm = form_of(Draft(name="x", commands=(config,)))
    assert to_draft(form).commands == (replace(config),)
