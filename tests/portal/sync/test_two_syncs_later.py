"""Whatever changes at the source during a sync, two syncs later both sides are equal."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from billhook.portal.sync.models import Question, SyncSource
from portal.sync.billing import Billing
from portal.sync.syncing import ours, synced

Facts = dict[str, tuple[str, str, Decimal, Decimal, str]]


def theirs(billing: Billing) -> Facts:
    return {
        id_: (
            row["number"],
            row["customer"],
            Decimal(row["total"]),
            Decimal(row["open"]),
            row["status"],
        )
        for id_, row in billing.invoices.items()
    }


def shown(source: SyncSource) -> Facts:
    return {
        row.source_id: (
            row.number,
            row.customer.source_id,
            row.amount,
            row.open_amount,
            row.status,
        )
        for row in ours(source)
        if row.hidden_at is None
    }


def do_something(billing: Billing, random: Random) -> None:
    """Do what people at the billing system do, at any moment."""
    ids = list(billing.invoices)
    match random.choice(["add", "pay", "void", "amount", "delete", "stamp", "twice", "nothing"]):
        case "add":
            billing.add(customer=random.choice("12"))
        case "pay":
            billing.pay(random.choice(ids))
        case "void":
            billing.change(random.choice(ids), status="void", open="0.00")
        case "amount":
            billing.change(random.choice(ids), total="7.00", open="7.00", status="open")
        case "delete" if len(ids) > 20:
            del billing.invoices[random.choice(ids)]
        case "stamp":  # an older row moves to the end of the list
            id_ = random.choice(ids)
            billing.invoices[id_] = billing.invoices.pop(id_)
        case "twice":  # a number is used again
            billing.add(number=billing.invoices[random.choice(ids)]["number"])
        case _:
            billing.tick(1)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_changes_during_a_sync_two_syncs_later_both_sides_are_equal(
    billing: Billing, source: SyncSource, seed: int
) -> None:
    random = Random(seed)
    billing.customer("2", "Bolt Ltd")
    billing.size = random.choice([3, 5, 7])
    for _ in range(25):
        billing.add(customer=random.choice("12"))
    billing.between_pages = lambda: do_something(billing, random)
    synced(source, full=random.random() < 0.5)
    synced(source)
    billing.between_pages = lambda: None
    synced(source)
    run = synced(source, full=True)
    assert run.question == Question.NONE
    assert shown(source) == theirs(billing)
