"""The lists of presets against their systems: whatever changes during a sync, both sides agree."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from billhook.engine.errors import BillhookError
from billhook.engine.integration import compile_integration
from billhook.portal.sync.effects import Tally
from billhook.portal.sync.rows.invoices import is_usable
from engine.listing.mirror import Mirror, state_of
from lab.listed import LISTED, ListedSystem
from lab.listed_credit_notes import LISTED_CREDIT_NOTES
from lab.world import PRESETS, open_world, read_preset

TYPES = {"ListInvoices": "invoice", "ListCreditNotes": "credit-note"}
DAY = timedelta(days=1)
each_listed = pytest.mark.parametrize(
    "kind", [*LISTED, *LISTED_CREDIT_NOTES], ids=lambda kind: f"{kind.preset}-{kind.command}"
)
NO_OPEN_AMOUNT = {
    ("autotask", "ListInvoices"),
    ("whmcs", "ListInvoices"),
    ("business-central", "ListCreditNotes"),
}
NUMBER_IS_ID = {"chargebee", "erpnext", "sage-intacct"}


def do(system: ListedSystem, operation: str, chance: random.Random) -> None:
    """Do one thing that a person there does."""
    number = chance.choice(list(system.bills))
    if operation == "add":
        system.add(f"c{chance.randrange(3)}", "45.50")
    elif operation == "part":
        system.pay(number, str(system.bills[number].open / 2))
    elif operation == "touch":
        system.change(number, total=system.bills[number].total + 1)
    else:
        {"pay": system.pay, "void": system.void, "delete": system.delete}[operation](number)


def expected(kind, system):
    """Return what should be shown, without what the system's list doesn't have."""
    shown = state_of(system)
    if (kind.preset, kind.command) in NO_OPEN_AMOUNT:
        shown = {
            id_: (*row[:3], None, row[4].replace("part-paid", "open")) for id_, row in shown.items()
        }
    if kind.preset in NUMBER_IS_ID:
        shown = {id_: (id_, *row[1:]) for id_, row in shown.items()}
    return shown


@each_listed
async def test_whatever_changes_during_a_sync_both_sides_are_equal_after_two_more(kind):
    """Rows change between pages, some come twice, and the two clocks are hours apart."""
    chance = random.Random(kind.preset)
    skew = timedelta(hours=chance.choice((-3, 3)))
    async with open_world(kind) as world:
        if world.config.authentication and "code" in world.config.authentication.scheme:
            await world.connect()
        stand_in, system = world.stand_in, world.stand_in.system
        system.add_many(7)
        system.repeats_border = True
        left = list(kind.operations)

        def meanwhile(listed: ListedSystem) -> None:
            listed.tick(30)
            if left:
                do(listed, left.pop(), chance)

        integration, mirror = compile_integration(world.config), Mirror(name=kind.command)

        async def sync() -> None:
            await mirror.sync(integration, world.source, now=system.clock + skew)

        system.between_pages = meanwhile
        with suppress(BillhookError):  # it may look as if the source repeats itself
            await sync()
        left = list(kind.operations)
        system.tick(900)
        with suppress(BillhookError):
            await sync()
        system.between_pages = None
        for seconds in (4000, 8 * DAY.total_seconds()):
            system.tick(seconds)
            await sync()
        assert stand_in.refusals == []
    assert mirror.shown == expected(kind, system)
    rows = mirror.rows.values()
    assert all(row.currency == "EUR" for row in rows if not row.is_removed)
    assert {row.type for row in rows} == {TYPES[kind.command]}
    assert [page.stops for page in mirror.pages if page.stops] == []
    tally = Tally()
    assert [row for page in mirror.pages for row in page.rows if not is_usable(row, tally)] == []
    assert any(row.amount != int(row.amount) for row in rows)
    assert all(isinstance(row.amount, Decimal) for row in rows)


@each_listed
async def test_an_incremental_sync_sees_a_payment_or_the_next_full_one_does(kind):
    async with open_world(kind) as world:
        if world.config.authentication and "code" in world.config.authentication.scheme:
            await world.connect()
        system = world.stand_in.system
        system.add_many(4)
        integration, mirror = compile_integration(world.config), Mirror(name=kind.command)
        await mirror.sync(integration, world.source, now=system.clock)
        system.tick(7200)
        system.pay(2)
        full = kind.preset == "autotask"  # it can only be asked what was created
        await mirror.sync(integration, world.source, now=system.clock, full=full)
    assert mirror.shown == expected(kind, system)


def test_the_presets_that_list_are_those_with_a_system():
    listing = {
        (path.stem, each.name)
        for path in PRESETS.glob("*.toml")
        for each in read_preset(path.stem).config.commands
        if each.name in TYPES
    }
    assert listing == {(kind.preset, kind.command) for kind in (*LISTED, *LISTED_CREDIT_NOTES)}
    assert len(LISTED) >= 22
