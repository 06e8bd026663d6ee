"""Changes: what is asked for, what is remembered, and that both sides become equal."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from billhook.engine.errors import BillhookError
from billhook.engine.listing.plan import ListMemory, ListPart, Slice, plan_list
from billhook.engine.listing.rules import newer_wins, next_watermark, remember, remember_slice
from engine.listing.mirror import NAME, Mirror, state_of
from lab.lists import PAGES, ListedSystem, list_file, open_lists, serve_lists

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


async def test_the_second_sync_asks_only_for_changes_and_finds_them(system):
    async with open_lists(system.origin, list_file(system.origin)) as (integration, source):
        mirror = Mirror()
        await mirror.sync(integration, source, now=system.clock)
        system.tick(3600)
        system.pay(7)
        system.pay(8, "5")
        system.void(9)
        system.add("c2")
        system.requests.clear()
        await mirror.sync(integration, source, now=system.tick(60))
    asked = URL(system.requests[0]).query["since"]
    assert datetime.fromisoformat(asked) == mirror.pages[0].began - timedelta(minutes=10)
    assert mirror.shown == state_of(system)
    assert mirror.parts[-1].kind == "changes"


async def test_a_deletion_is_seen_by_the_next_full_run(system):
    async with open_lists(system.origin, list_file(system.origin)) as (integration, source):
        mirror = Mirror()
        await mirror.sync(integration, source, now=system.clock)
        system.tick(HOUR.total_seconds())
        system.delete(3)
        await mirror.sync(integration, source, now=system.clock)
        assert "3" in mirror.shown
        await mirror.sync(integration, source, now=system.tick(DAY.total_seconds()))
    assert mirror.parts[-1].kind == "full"
    assert mirror.shown == state_of(system)


async def test_a_filter_that_the_source_ignores_is_remarked_on(system):
    system.ignores_since = True
    async with open_lists(system.origin, list_file(system.origin)) as (integration, source):
        mirror = Mirror()
        await mirror.sync(integration, source, now=system.clock)
        system.tick(3 * DAY.total_seconds())
        mirror.memory = remember(
            mirror.memory,
            integration.lists[NAME],
            ListPart(kind="changes"),
            newest=system.clock,
            began=system.clock,
            now=system.clock,
        )
        part = ListPart(kind="changes", slices=(Slice(since=system.clock),))
        pages = [page async for page in source.read_list(NAME, part)]
    assert [each.code for page in pages for each in page.remarks] == ["filter-ignored"]


async def test_a_source_without_a_date_counts_five_minutes_less(system):
    system.has_date = False
    async with open_lists(system.origin, list_file(system.origin)) as (integration, source):
        mirror = Mirror()
        before = datetime.now(UTC)
        await mirror.sync(integration, source, now=system.clock)
    assert abs(before - timedelta(minutes=5) - mirror.pages[0].began) < timedelta(minutes=1)


async def test_a_full_run_in_slices_reads_the_newest_first_and_what_moved_last(system):
    changes = (
        'changes = { kind = "changed", param = "since", until_param = "until", '
        'slice = "31 days", start = "2026-01-01" }'
    )
    text = list_file(system.origin, changes=changes)
    async with open_lists(system.origin, text) as (integration, source):
        mirror = Mirror()
        await mirror.sync(integration, source, now=system.clock)
    (part,) = mirror.parts
    assert part.slices[0] == Slice(since=system.clock - timedelta(days=31))
    assert part.slices[-1] == Slice(since=system.clock - timedelta(minutes=10))
    assert part.slices[-2].since == datetime(2026, 1, 1, tzinfo=UTC)
    assert [each.until for each in part.slices[1:-1]] == [each.since for each in part.slices[:-2]]
    assert mirror.shown == state_of(system)


async def test_further_passes_run_when_they_are_due(system):
    passes = """
    [[commands.ListInvoices.passes]]
    name = "Open"
    every = "1 hour"
    url = "{{BaseUrl}}/bills/number?state=open"
    changes = { kind = "none" }
    """
    system.tick(7200)
    system.change(20)  # so that the watermark is later than the others
    text = list_file(system.origin, commands=passes)
    async with open_lists(system.origin, text) as (integration, source):
        mirror = Mirror()
        await mirror.sync(integration, source, now=system.clock)
        assert [(part.kind, part.pass_name) for part in mirror.parts] == [("full", "")]
        old = system.bills[2].changed
        system.pay(2, "1")
        system.bills[2] = replace(system.bills[2], changed=old)
        await mirror.sync(integration, source, now=system.tick(1800))
        assert mirror.shown != state_of(system)  # the payment doesn't count as a change
        await mirror.sync(integration, source, now=system.tick(1900))
        assert mirror.parts[-1].pass_name == "Open"
    assert mirror.shown == state_of(system)


def test_a_watermark_never_passes_the_start_nor_goes_back():
    early, late = NOON - HOUR, NOON + HOUR
    assert next_watermark(None, newest=late, began=NOON, has_times=True) == NOON
    assert next_watermark(None, newest=early, began=NOON, has_times=True) == early
    assert next_watermark(NOON, newest=early, began=late, has_times=True) == NOON
    assert next_watermark(NOON, newest=None, began=late, has_times=True) == NOON
    assert next_watermark(early, newest=None, began=NOON, has_times=False) == NOON


def test_the_newer_row_wins_and_without_times_the_later_response():
    assert newer_wins(None, None)
    assert newer_wins(NOON, NOON)
    assert newer_wins(NOON, None)
    assert not newer_wins(NOON, NOON - HOUR)


@pytest.fixture
async def listing(system):
    changes = (
        'changes = { kind = "changed", param = "since", until_param = "until", slice = "1 day", '
        'retention = "30 days" }'
    )
    async with open_lists(system.origin, list_file(system.origin, changes=changes)) as (found, _):
        yield found.lists[NAME]


def memory_of(listing, **facts) -> ListMemory:
    known = {"fingerprint": listing.fingerprint, "watermark": NOON, "full_run_at": NOON}
    return ListMemory(**{**known, **facts})


async def test_a_full_run_is_due_for_every_reason_of_the_rules(listing):
    def kinds(memory, now=NOON + HOUR, **more):
        return [part.kind for part in plan_list(listing, memory, now=now, **more)]

    assert kinds(memory_of(listing)) == ["changes"]
    assert kinds(memory_of(listing), full=True) == ["full"]
    assert kinds(ListMemory()) == ["full"]
    assert kinds(memory_of(listing, fingerprint="another")) == ["full"]
    assert kinds(memory_of(listing), now=NOON + DAY) == ["full"]
    assert kinds(memory_of(listing, watermark=None)) == ["full"]
    late = NOON + 40 * DAY
    assert kinds(memory_of(listing, full_run_at=late, looked_at=NOON), now=late) == ["full"]
    assert kinds(memory_of(listing, full_run_at=late, looked_at=late), now=late) == ["changes"]


async def test_changes_over_a_long_time_come_in_slices_whose_last_is_open(listing):
    now = NOON + timedelta(hours=60)
    memory = memory_of(listing, full_run_at=now)
    (part,) = plan_list(listing, memory, now=now)
    since = NOON - timedelta(minutes=10)
    assert [each.since for each in part.slices] == [since, since + DAY, since + 2 * DAY]
    assert part.slices[-1].until is None
    assert remember_slice(memory, part, 0).watermark == since + DAY
    assert ListPart.from_json(part.to_json()) == part
    assert ListMemory.from_json(memory.to_json()) == memory
    assert ListMemory.from_json({}) == ListMemory()


OPERATIONS = st.sampled_from(["add", "pay", "part", "void", "delete", "touch"])


def do(system: ListedSystem, operation: str, chance: random.Random) -> None:
    """Do one thing that a person there does."""
    number = chance.choice(list(system.bills)) if system.bills else None
    if operation == "add" or number is None:
        system.add(f"c{chance.randrange(3)}")
    elif operation == "part":
        system.pay(number, str(system.bills[number].open / 2))
    elif operation == "touch":
        system.change(number, total=system.bills[number].total + 1)
    else:
        {"pay": system.pay, "void": system.void, "delete": system.delete}[operation](number)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    kind=st.sampled_from([kind for kind in PAGES if kind != "last-id"]),
    order=st.sampled_from(["changed", "id", "newest"]),
    border=st.booleans(),
    skew=st.sampled_from([-3600, -60, 0, 60, 3600]),
    between=st.lists(OPERATIONS, max_size=6),
    seed=st.integers(0, 2**16),
)
async def test_whatever_changes_during_a_sync_two_syncs_later_both_sides_are_equal(  # noqa: PLR0917
    kind, order, border, skew, between, seed
):
    chance = random.Random(seed)
    system = ListedSystem(skew=timedelta(seconds=skew), repeats_border=border)
    system.add_many(7)
    left = list(between)

    def meanwhile(listed: ListedSystem) -> None:
        listed.tick(chance.randrange(1, 300))
        if left:
            do(listed, left.pop(), chance)

    pages = PAGES[kind].replace("size = 7", "size = 3")
    async with (
        serve_lists(system) as origin,
        open_lists(origin, list_file(origin, kind=kind, pages=pages, query=f"?sort={order}")) as (
            integration,
            source,
        ),
    ):
        mirror = Mirror()
        system.between_pages = meanwhile
        with suppress(BillhookError):  # it may look as if the source repeats itself
            await mirror.sync(integration, source, now=system.clock)
        with suppress(BillhookError):
            await mirror.sync(integration, source, now=system.tick(900))
        system.between_pages = None
        await mirror.sync(integration, source, now=system.tick(900))
        await mirror.sync(integration, source, now=system.tick(DAY.total_seconds()))
    assert mirror.shown == state_of(system)
