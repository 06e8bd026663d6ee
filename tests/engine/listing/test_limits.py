"""Limits: the rate, throttling, parking, and that waiting for a list doesn't pause documents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from billhook.engine.errors import ListParked, SourceStatus
from billhook.engine.http.breaker import State
from billhook.engine.listing.listing import ListLimits
from billhook.engine.listing.pace import ListPace
from billhook.engine.listing.plan import ListMemory, plan_list
from engine.listing.mirror import NAME, Mirror, state_of
from lab.lists import ListedSystem, list_file, open_lists

MINUTE = timedelta(minutes=1)


class Clock:
    """A clock that only moves when something sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def now(self) -> datetime:
        return datetime(2026, 3, 31, 23, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)


def pace_of(limits: ListLimits, clock: Clock, **more) -> ListPace:
    return ListPace(limits, sleep=clock.sleep, clock=clock, now=clock.now, **more)


async def test_no_more_requests_go_in_a_period_than_the_rate_allows():
    clock = Clock()
    pace = pace_of(ListLimits(count=3, period=MINUTE), clock)
    sent = []
    for _ in range(8):
        await pace.take_turn()
        sent.append(clock.seconds)
        clock.seconds += 1
    for first, fourth in zip(sent, sent[3:], strict=False):
        assert fourth - first >= 60


async def test_a_pause_is_between_any_two_requests():
    clock = Clock()
    pace = pace_of(ListLimits(count=100, period=MINUTE, pause=timedelta(seconds=2)), clock)
    for _ in range(3):
        await pace.take_turn()
    assert clock.slept == [2, 2]


async def test_a_used_up_day_parks_until_midnight():
    clock = Clock()
    pace = pace_of(ListLimits(count=100, period=MINUTE, per_day=2), clock, used_today=1)
    await pace.take_turn()
    with pytest.raises(ListParked) as parked:
        await pace.take_turn()
    assert parked.value.seconds == 3600
    clock.seconds += 3601
    await pace.take_turn()
    assert pace.used_today == 1


async def read(system: ListedSystem, clock: Clock, *, more: str = "") -> tuple[Mirror, State]:
    """Sync with a pace that doesn't really sleep."""
    mirror = Mirror()
    async with open_lists(system.origin, list_file(system.origin, more=more)) as (found, source):
        pace = pace_of(found.lists[NAME].limits, clock)
        try:
            await mirror.sync(found, source, now=system.clock, pace=pace)
        finally:
            state = source.state.state
    return mirror, state


async def test_a_throttled_list_waits_as_long_as_it_is_asked_to(system):
    system.trouble = [(429, {"Retry-After": "30"}), (503, {"Retry-After": "5"})]
    clock = Clock()
    mirror, state = await read(system, clock)
    assert mirror.shown == state_of(system)
    waits = [each for each in clock.slept if each >= 5]
    assert [int(each) for each in waits] == [30, 5]
    assert state is State.CLOSED


async def test_without_a_time_the_pauses_grow_and_the_breaker_stays_closed(system):
    system.trouble = [(429, {})] * 5
    clock = Clock()
    mirror, state = await read(system, clock)
    assert mirror.shown == state_of(system)
    for wait, longest in zip(clock.slept, (2, 4, 8, 16, 32), strict=False):
        assert longest / 2 <= wait <= longest
    assert state is State.CLOSED


async def test_a_source_that_asks_for_more_than_the_longest_wait_parks_the_run(system):
    system.trouble = [(429, {"Retry-After": "7200"})]
    with pytest.raises(ListParked) as parked:
        await read(system, Clock())
    assert parked.value.seconds == 7200
    system.trouble = [(429, {})] * 6
    with pytest.raises(ListParked):
        await read(system, Clock())


async def test_trouble_that_lasts_ends_the_run(system):
    system.trouble = [(502, {})] * 6
    with pytest.raises(SourceStatus):
        await read(system, Clock())


async def test_the_reserve_is_kept_for_documents(system):
    system.extra_headers = {"X-Left": "5"}
    limits = 'limits = { rate = "1000/second", remaining = { header = "X-Left", reserve = 5 } }'
    text = list_file(system.origin).replace('limits = { rate = "100000/minute" }', limits)
    async with open_lists(system.origin, text) as (found, source):
        (part,) = plan_list(found.lists[NAME], ListMemory(), now=system.clock)
        reading = source.read_list(NAME, part)
        pages = [await anext(reading)]
        with pytest.raises(ListParked):
            await anext(reading)
        rest = source.read_list(NAME, part, position=pages[-1].position)
        system.extra_headers = {"X-Left": "100"}
        ids = [row.id async for page in rest for row in page.rows]
    assert len(pages) == 1
    assert pages[0].remaining == 5
    assert len({*ids, *(row.id for row in pages[0].rows)}) == 20


async def test_nothing_new_is_a_304_and_hides_nothing(system):
    rows = 'rows = { csv = { delimiter = ";", encoding = "windows-1252" } }\nconditional = true'
    mapping = """
[commands.ListInvoices.map]
id = { column = "No" }
number = { column = "No" }
customer = { column = "Customer" }
amount = { column = "Gross", decimal = ",", group = "." }
currency = { value = "EUR" }
"""
    text = list_file(system.origin, kind="none", changes="", mapping=mapping)
    text = text.replace('rows = "$.data[*]"', rows).replace("/bills/none?sort=changed", "/csv")
    async with open_lists(system.origin, text) as (found, source):
        mirror = Mirror()
        await mirror.sync(found, source, now=system.clock)
        assert len(mirror.shown) == 20
        await mirror.sync(found, source, now=system.clock)
        assert mirror.pages[-1].not_modified
        assert not mirror.pages[-1].complete
        assert len(mirror.shown) == 20
        await mirror.sync(found, source, now=system.clock, full=True)
        assert not mirror.pages[-1].not_modified
        system.delete(1)
        await mirror.sync(found, source, now=system.clock)
    assert len(mirror.shown) == 19


async def test_conditions_may_say_that_there_are_no_rows(system):
    system.trouble = [(404, {})]
    mirror, _ = await read(system, Clock(), more="empty_when = [{ status = [404] }]")
    assert mirror.pages[0].is_last
    assert mirror.pages[0].complete
    assert mirror.shown == {}
    system.trouble = [(404, {})]
    with pytest.raises(SourceStatus):
        await read(system, Clock())
