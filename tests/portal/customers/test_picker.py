"""One customer among very many is chosen by words, with JavaScript and without."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from billhook.portal.customers.models import Customer
from billhook.portal.customers.services import create_customers
from billhook.portal.invoices.models import Invoice
from portal.cast import Cast, signed_in


@pytest.fixture
def many(cast: Cast) -> Cast:
    """The cast, with so many customers that a list of them would be too long."""
    names = {f"N-{at}": f"Birch {at}" for at in range(60)} | {"W-1": "Willow", "W-2": "Willow"}
    create_customers(organisation=cast.harper, names=names)
    return cast


def page(cast: Cast, **query: str) -> str:
    address = reverse("backoffice:invoices", args=[cast.harper.id])
    return signed_in(cast.vera).get(address, query).content.decode()


def listed(html: str) -> list[str]:
    return re.findall(r'<th scope="row"[^>]*><a [^>]*><bdi>([^<]+)</bdi>', html)


def test_a_page_carries_no_list_of_all_customers(many: Cast) -> None:
    html = page(many)
    assert "Birch" not in html
    assert 'name="customer_words"' in html


@pytest.mark.parametrize(
    "words",
    ["Bolt", "bolt", "C-2", "Bolt (C-2)", "olt"],
    ids=["name", "any case", "number", "label", "part"],
)
def test_words_that_fit_one_customer_choose_it(many: Cast, words: str) -> None:
    html = page(many, customer_words=words)
    assert listed(html) == ["INV-5"]
    assert 'value="Bolt (C-2)"' in html


def test_words_that_fit_several_list_the_matches_to_choose(many: Cast) -> None:
    html = page(many, customer_words="willow")
    assert "2 customers match “willow”. Choose one of them, or type more." in html
    offered = re.findall(r'<option value="(\w{12})">([^<]+)</option>', html)
    assert sorted(label for _, label in offered) == ["Willow (W-1)", "Willow (W-2)"]
    chosen = page(many, customer_words="willow", customer=offered[0][0])
    assert listed(chosen) == []
    assert f'value="{offered[0][1]}"' in chosen


def test_very_many_matches_are_not_all_listed(many: Cast) -> None:
    html = page(many, customer_words="birch")
    assert "More than 20 customers match" in html
    assert html.count(">Birch ") == 20


def test_words_that_fit_none_say_so(many: Cast) -> None:
    html = page(many, customer_words="<b>oak")
    assert "No customer has “&lt;b&gt;oak” in its name or number." in html


@pytest.mark.parametrize("words", ["", "  "], ids=["nothing", "blanks"])
def test_no_words_choose_no_customer_even_if_an_id_was_left(many: Cast, words: str) -> None:
    html = page(many, customer_words=words, customer=many.bolt.id)
    assert len(listed(html)) == 5


def test_an_id_that_was_picked_before_does_not_count_for_other_words(many: Cast) -> None:
    html = page(many, customer_words="Acme (C-1)", customer=many.bolt.id)
    assert "INV-5" not in listed(html)


def test_a_link_with_an_id_alone_chooses_the_customer(many: Cast) -> None:
    html = page(many, customer=many.bolt.id)
    assert listed(html) == ["INV-5"]
    assert 'value="Bolt (C-2)"' in html


def test_the_form_of_an_invoice_takes_a_typed_customer(many: Cast) -> None:
    address = reverse("backoffice:invoice-new", args=[many.harper.id])
    form = {
        "customer_words": "Bolt (C-2)",
        "number": "INV-9",
        "issued_on": "2026-05-31",
        "amount": "10",
        "currency": "EUR",
        "status": "open",
    }
    refused = signed_in(many.bob).post(address, form | {"customer_words": "willow"})
    assert 'href="#id_customer"' in refused.content.decode()
    refused = signed_in(many.bob).post(address, form | {"customer_words": ""})
    assert "Customer is missing. Choose one." in refused.content.decode()
    signed_in(many.bob).post(address, form)
    assert Invoice.objects.get(number="INV-9").customer == many.bolt


def test_the_form_of_an_invoice_shows_its_customer(many: Cast) -> None:
    address = reverse("backoffice:invoice-edit", args=[many.harper.id, many.of_bolt.id])
    html = signed_in(many.bob).get(address).content.decode()
    assert 'value="Bolt (C-2)"' in html
    assert f'name="customer" value="{many.bolt.id}"' in html


def found(cast: Cast, words: str) -> dict[str, Any]:
    address = reverse("backoffice:customer-search", args=[cast.harper.id])
    answer: dict[str, Any] = signed_in(cast.vera).get(address, {"q": words}).json()
    return answer


def test_a_script_gets_the_first_matches(many: Cast) -> None:
    one = found(many, "bolt")
    assert [each["label"] for each in one["customers"]] == ["Bolt (C-2)"]
    assert one["words"] == "1 customer matches."
    several = found(many, "birch")
    assert (len(several["customers"]), several["is_more"]) == (20, True)
    assert found(many, "cedar")["customers"] == []
    assert Customer.objects.get(name="Cedar").organisation == many.northwind
