"""The made-up company's books."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billhook.sample.ledger import CUSTOMERS, ODDITIES, Oddity, make_ledger


def test_the_ledger_has_200_invoices_with_consecutive_numbers(ledger):
    assert [invoice.number for invoice in ledger] == [f"INV{n:07}" for n in range(1, 201)]


def test_the_same_day_gives_the_same_ledger():
    assert make_ledger(date(2026, 1, 2)) == make_ledger(date(2026, 1, 2))


def test_another_day_moves_the_dates_and_leaves_the_lines(ledger):
    later = make_ledger(date(2026, 7, 21))
    assert (later[0].issued_on - ledger[0].issued_on).days == 1
    assert [invoice.lines for invoice in later] == [invoice.lines for invoice in ledger]


def test_each_customer_has_a_third_of_the_invoices(ledger):
    counts = [sum(i.customer == customer for i in ledger) for customer in CUSTOMERS]
    assert counts == [67, 67, 66]


def test_every_status_occurs(ledger):
    found = {invoice.status for invoice in ledger}
    assert found == {"draft", "open", "part_paid", "paid", "credited"}


def test_open_amounts_agree_with_the_status(ledger):
    for invoice in ledger:
        match invoice.status:
            case "paid" | "credited":
                assert invoice.due == 0
            case "part_paid":
                assert 0 < invoice.due < invoice.total
            case _:
                assert invoice.due == invoice.total


def test_amounts_are_in_whole_cents(ledger):
    assert all(i.total == i.total.quantize(Decimal("0.01")) for i in ledger)


def test_each_oddity_has_an_invoice_of_the_first_customer_that_is_not_a_draft(ledger):
    odd = [invoice for invoice in ledger if invoice.number in ODDITIES]
    assert set(ODDITIES.values()) == set(Oddity)
    assert len(odd) == len(Oddity)
    assert all(i.customer == CUSTOMERS[0] and i.status != "draft" for i in odd)


def test_a_quantity_above_one_has_its_unit_in_the_plural(ledger):
    measures = {line.measure for invoice in ledger for line in invoice.lines}
    assert {"1 server", "2 servers", "1 TB", "2 TB"} <= measures
    assert not any(m.endswith(("boxs", "persons")) for m in measures)
