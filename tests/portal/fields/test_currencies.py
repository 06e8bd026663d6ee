"""Amounts have the decimals of their currency."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from billhook.portal.documents.token_values import Click, invoice_tokens
from billhook.portal.fields.currencies import plain_amount, shown_amount
from billhook.portal.invoices.models import Invoice
from portal.cast import Cast, invoice, signed_in


@pytest.mark.parametrize(
    ("amount", "currency", "plain", "shown"),
    [
        ("1240", "EUR", "1240.00", "1,240.00 EUR"),
        ("1240.000", "EUR", "1240.00", "1,240.00 EUR"),
        ("1240.000", "JPY", "1240", "1,240 JPY"),
        ("1240.5", "KWD", "1240.500", "1,240.500 KWD"),
        ("-0.125", "BHD", "-0.125", "-0.125 BHD"),
        ("12.34", "ISK", "12.34", "12.34 ISK"),
        ("0.000", "EUR", "0.00", "0.00 EUR"),
        ("100000.000", "JPY", "100000", "100,000 JPY"),
    ],
)
def test_an_amount_is_written_with_the_decimals_of_its_currency(
    amount: str, currency: str, plain: str, shown: str
) -> None:
    assert plain_amount(Decimal(amount), currency) == plain
    assert shown_amount(Decimal(amount), currency) == shown


def test_an_amount_in_dinars_is_kept_shown_and_sent_with_three_decimals(cast: Cast) -> None:
    made = invoice(cast.acme, "INV-9", amount="1240.125", currency="KWD")
    kept = Invoice.objects.get(id=made.id)
    assert kept.amount == Decimal("1240.125")
    assert invoice_tokens(Click(invoice=kept, user=cast.sam), ["Amount"]) == {
        "Amount": Decimal("1240.125")
    }
    page = signed_in(cast.carla).get(reverse("invoice", args=[made.id]))
    assert "1,240.125 KWD" in page.content.decode()


def test_an_amount_is_sent_to_a_source_with_the_decimals_of_its_currency(cast: Cast) -> None:
    kept = Invoice.objects.get(id=cast.open.id)
    assert str(invoice_tokens(Click(invoice=kept, user=cast.sam), ["Amount"])["Amount"]) == (
        "1240.00"
    )


@pytest.mark.parametrize(
    ("amount", "currency", "problem"),
    [
        ("5.50", "JPY", "has decimals, and JPY has none"),
        ("5.125", "EUR", "more than the 2 decimals of EUR"),
    ],
)
def test_an_amount_with_too_many_decimals_is_a_problem_at_its_field(
    cast: Cast, amount: str, currency: str, problem: str
) -> None:
    client = signed_in(cast.bob)
    address = reverse("backoffice:invoice-edit", args=[cast.harper.id, cast.open.id])
    facts = {"customer": cast.acme.id, "number": "INV-1", "issued_on": "2026-01-01"}
    typed = facts | {"amount": amount, "currency": currency, "status": "open"}
    response = client.post(address, typed)
    assert problem in response.content.decode()
