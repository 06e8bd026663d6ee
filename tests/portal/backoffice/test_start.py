"""The first steps: one's own document by an address and a key, and the built-in sample."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from billhook.engine.secret import Secret
from billhook.portal.accounts.models import User
from billhook.portal.backoffice.start.form import FirstDocumentForm
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.documents.response import opened
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Member
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, signed_in
from portal.integration_cast import Source
from portal.integration_cast import integration as another

KEY = "canary-first-key"
FIELDS = {
    "number": "A/7",
    "address": "https://billing.acme.example/invoices/A%2F7/pdf",
    "key": f"X-Api-Key: {KEY}",
}
WHO = {"customer": "Echo", "email": "Eve@echo.example"}


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture(autouse=True)
def recorder() -> Iterator[None]:
    before = get_store(), get_recorder()
    set_store(CommandStore())
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


def page_of(cast: Cast, name: str = "start") -> str:
    return reverse(f"backoffice:{name}", args=[cast.harper.id])


def home(who: Member) -> str:
    get_recorder().flush()
    address = reverse("backoffice:home", args=[who.organisation_id])
    return signed_in(who).get(address).content.decode()


def post(browser: Client, cast: Cast, **fields: str) -> Any:
    return opened(browser.post(page_of(cast), fields))


@pytest.mark.parametrize(
    ("typed", "header", "value"),
    [
        ("abc", ("Authorization", "Bearer {{ApiKey}}"), "abc"),
        ("Basic YTpi", ("Authorization", "Basic {{ApiKey}}"), "YTpi"),
        ("X-Api-Key: abc", ("X-Api-Key", "{{ApiKey}}"), "abc"),
        ("Authorization: token a:b", ("Authorization", "token {{ApiKey}}"), "a:b"),
    ],
    ids=["bare", "with a scheme", "with a header", "with both"],
)
def test_one_field_for_a_key_makes_header_and_secret(
    typed: str, header: tuple[str, str], value: str
) -> None:
    form = FirstDocumentForm({**FIELDS, "key": typed})
    assert form.is_valid(), form.errors
    draft = form.draft(Secret(typed), taken=frozenset({"billing.acme.example"}))
    (step,) = draft.commands[0].steps
    assert step.headers == (header,)
    assert step.url == "https://billing.acme.example/invoices/{{InvoiceNumber}}/pdf"
    assert draft.secrets[0].value is not None
    assert draft.secrets[0].value.reveal() == value
    assert draft.name == "billing.acme.example 2"


def test_an_address_without_the_number_is_refused_with_what_to_do() -> None:
    form = FirstDocumentForm({**FIELDS, "address": "https://billing.acme.example/pdf"})
    assert not form.is_valid()
    assert "The number A/7 isn't in this address" in form.errors["address"][0]


def test_the_document_is_fetched_before_anything_is_saved(cast: Cast, source: Source) -> None:
    set_store(CommandStore(open_source=lambda _: source))
    page = post(signed_in(cast.bob), cast, **FIELDS, do="fetch").content.decode()
    assert "Save and view as contact" in page
    assert KEY not in page
    assert source.requests[0].url == "https://billing.acme.example/invoices/A%2F7/pdf"
    assert ("X-Api-Key", KEY) in source.requests[0].headers
    assert not Integration.objects.exists()


def test_a_failure_offers_no_save(cast: Cast, source: Source) -> None:
    set_store(CommandStore(open_source=lambda _: source))
    source.answer = (401, b"no")
    page = post(signed_in(cast.bob), cast, **FIELDS, do="fetch").content.decode()
    assert "Save and view as contact" not in page
    assert "401" in page


@pytest.mark.parametrize(
    ("answer", "field"), [((401, b"no"), "id_key"), ((404, b"no"), "id_address")]
)
def test_a_failure_leads_to_a_field_of_this_page(
    cast: Cast, source: Source, answer: tuple[int, bytes], field: str
) -> None:
    set_store(CommandStore(open_source=lambda _: source))
    source.answer = answer
    page = post(signed_in(cast.bob), cast, **FIELDS, do="fetch").content.decode()
    main = page.partition("<main")[2]
    linked = re.findall(r'<a href="#([^"]+)"', main)
    assert all(f'id="{each}"' in main for each in linked)
    assert linked == [field]


def test_saving_makes_integration_customer_contact_and_invoice(cast: Cast, source: Source) -> None:
    set_store(CommandStore(open_source=lambda _: source))
    browser = signed_in(cast.bob)
    fetched = post(browser, cast, **FIELDS, do="fetch").content.decode()
    (held,) = re.findall(r'name="key-held" value="([^"]+)"', fetched)
    fields = {**FIELDS, **WHO, "key": "", "key-held": held, "do": "save"}
    response = browser.post(page_of(cast), fields)
    contact = Contact.objects.get(customer__name="Echo")
    assert response.headers["Location"] == reverse("as:home", args=[contact.id])
    assert contact.user.email == "eve@echo.example"
    invoice = Invoice.objects.get(number="A/7")
    assert (invoice.customer.name, invoice.amount) == ("Echo", 0)
    assert Integration.objects.get().stored_secrets.get().name == "ApiKey"


def test_an_invoice_that_is_there_keeps_its_customer(cast: Cast) -> None:
    fields = {**FIELDS, **WHO, "number": "INV-1", "do": "save"}
    fields["address"] = "https://billing.acme.example/INV-1"
    signed_in(cast.bob).post(page_of(cast), fields)
    assert Contact.objects.get(user__email="eve@echo.example").customer == cast.acme
    assert not Customer.objects.filter(name="Echo").exists()


def test_a_missing_contact_is_asked_for_and_nothing_is_saved(cast: Cast) -> None:
    response = post(signed_in(cast.bob), cast, **FIELDS, do="save")
    assert response.status_code == 422
    assert "Save and view as contact" in response.content.decode()
    assert not Integration.objects.exists()


def add_sample(cast: Cast) -> Contact:
    signed_in(cast.bob).post(page_of(cast, "sample"), {"to": "add"})
    get_store().refresh()
    return Contact.objects.get(user__email__endswith=".invalid")


def pages_of(cast: Cast, contact: Contact, number: str) -> Any:
    invoice = Invoice.objects.get(number=number)
    address = reverse("as:pages", args=[contact.id, invoice.id])
    return opened(signed_in(cast.bob).get(address))


def test_the_sample_gives_a_document_and_a_failure_without_any_network(cast: Cast) -> None:
    contact = add_sample(cast)
    shown = pages_of(cast, contact, "SAMPLE-1")
    assert shown.status_code == 200
    assert 'alt="Page 1 of' in shown.content.decode()
    failed = pages_of(cast, contact, "SAMPLE-3")
    assert failed.status_code == 502
    get_recorder().flush()
    assert set(Run.objects.values_list("kind", flat=True)) == {"view-as"}


def test_the_sample_is_added_once_and_removed_as_a_whole(cast: Cast) -> None:
    before = Invoice.objects.count(), Customer.objects.count(), User.objects.count()
    add_sample(cast)
    add_sample(cast)
    assert Invoice.objects.count() == before[0] + 3
    signed_in(cast.bob).post(page_of(cast, "sample"), {"to": "remove"})
    after = Invoice.objects.count(), Customer.objects.count(), User.objects.count()
    assert after == before
    assert not Integration.objects.exists()


def test_the_sample_of_one_organisation_is_not_removed_by_another(cast: Cast) -> None:
    add_sample(cast)
    address = reverse("backoffice:sample", args=[cast.northwind.id])
    signed_in(cast.charlie).post(address, {"to": "remove"})
    assert Integration.objects.get().organisation == cast.harper


def test_the_set_up_list_shows_its_state_and_ends_when_a_view_has_worked(
    cast: Cast, source: Source
) -> None:
    assert "Until the first VIEW" in home(cast.bob)
    assert "See one of your PDFs</a>" in home(cast.bob)
    contact = add_sample(cast)
    pages_of(cast, contact, "SAMPLE-1")
    assert "See one of your PDFs</a>" in home(cast.bob)  # the sample's isn't one of theirs
    tried = Run.objects.filter(outcome="ok").latest("started_at")
    tried.id, tried.integration, tried.command = "0" * 12, another(cast.harper), "ListInvoices"
    tried.save(force_insert=True)
    assert "See one of your PDFs</a>" in home(cast.bob)  # a list has none
    set_store(CommandStore(open_source=lambda _: source))
    browser = signed_in(cast.bob)
    browser.post(page_of(cast), {**FIELDS, **WHO, "do": "save"})
    assert "Until the first VIEW" in home(cast.bob)
    signed_in(cast.bob).post(page_of(cast, "sample"), {"to": "remove"})
    get_store().refresh()
    pages_of(cast, Contact.objects.get(customer__name="Echo"), "A/7")
    assert "Until the first VIEW" not in home(cast.bob)


def test_a_viewer_gets_no_set_up_list(cast: Cast) -> None:
    assert "Until the first VIEW" not in home(cast.vera)
