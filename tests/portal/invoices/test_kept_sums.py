"""The kept sums of an organisation equal those of its invoices, whatever was written, and how."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from billhook.portal.invoices.access import invoices_for_member, open_sums
from billhook.portal.invoices.filters import balances, kept_balances
from billhook.portal.invoices.kept_sums import (
    compact_kept_sums,
    make_kept_sums,
    repair_kept_sums,
)
from billhook.portal.invoices.models import Invoice, InvoiceType, OpenSum, Status
from billhook.portal.invoices.services import remove_invoice, remove_invoices, save_invoices
from portal.cast import Cast, invoice

TODAY = timezone.localdate()


def assert_equal(cast: Cast) -> None:
    for member in (cast.alice, cast.charlie):
        real = balances(invoices_for_member(member), today=TODAY)
        assert kept_balances(open_sums(member), today=TODAY) == real


def any_invoice(cast: Cast, choose: random.Random, row: Invoice | None = None) -> Invoice:
    row = row or Invoice(number=f"R-{choose.random()}")
    row.customer = choose.choice([cast.acme, cast.bolt, cast.cedar])
    row.organisation_id = row.customer.organisation_id
    row.issued_on = TODAY
    row.due_on = choose.choice([None, TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=1)])
    row.amount = Decimal(choose.randrange(-5_000, 5_000)) / 100
    row.open_amount = choose.choice([row.amount, row.amount / 2, Decimal(0)])
    row.currency = choose.choice(["EUR", "USD"])
    row.status = choose.choice(Status.values)
    row.type = choose.choice(InvoiceType.values)
    row.hidden_at = choose.choice([None, None, timezone.now()])
    return row


def test_sums_follow_every_kind_of_change(cast: Cast) -> None:
    assert_equal(cast)
    invoice(cast.acme, "S-1", amount="0.10")
    invoice(cast.acme, "S-2", amount="0.20", due_in=None)
    assert_equal(cast)
    remove_invoice(invoice=cast.open)
    assert_equal(cast)
    Invoice.objects.filter(number="S-1").update(status=Status.PAID)
    assert_equal(cast)
    Invoice.objects.filter(number="S-2").update(hidden_at=timezone.now())
    assert_equal(cast)
    cast.northwind.delete()
    assert_equal(cast)


@pytest.mark.parametrize("seed", range(3))
def test_sums_follow_bulk_changes(cast: Cast, seed: int) -> None:
    choose = random.Random(seed)
    rows = [any_invoice(cast, choose) for _ in range(60)]
    save_invoices(invoices=rows)
    assert_equal(cast)
    changed = [any_invoice(cast, choose, row) for row in choose.sample(rows, 30)]
    save_invoices(invoices=[*changed, *(any_invoice(cast, choose) for _ in range(20))])
    assert_equal(cast)
    compact_kept_sums()
    assert_equal(cast)
    assert not repair_kept_sums()
    remove_invoices(ids=[row.id for row in choose.sample(rows, 40)])
    assert_equal(cast)
    assert not repair_kept_sums()


def test_a_sum_that_is_wrong_is_repaired(cast: Cast) -> None:
    OpenSum.objects.update(open_amount=1)
    OpenSum.objects.create(
        organisation_id=cast.harper.id, currency="XXX", open_amount=5, credit_amount=0
    )
    assert repair_kept_sums()
    assert_equal(cast)
    assert not repair_kept_sums()


def test_a_migration_that_loses_the_triggers_makes_them_again(cast: Cast) -> None:
    for statement in lost_triggers():
        with connection.cursor() as cursor:
            cursor.execute(statement)
    invoice(cast.acme, "S-1")
    make_kept_sums()
    assert_equal(cast)
    invoice(cast.acme, "S-2")
    assert_equal(cast)


def lost_triggers() -> list[Any]:
    events = ("insert", "update", "delete")
    if connection.vendor != "postgresql":
        return [f"DROP TRIGGER invoices_opensum_{name}" for name in events]
    dropping = [f"DROP TRIGGER invoices_opensum_{name} ON invoices_invoice" for name in events]
    return ["SET CONSTRAINTS ALL IMMEDIATE", *dropping]  # as after a transaction
