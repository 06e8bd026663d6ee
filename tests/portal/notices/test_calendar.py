"""Whatever days the job runs on or misses, each invoice is announced at most once, in its days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from billhook.portal.notices.calendar import (
    OVERDUE_CAUGHT_UP,
    DueDates,
    due_soon,
    last_daily_time,
    overdue,
    zone_of,
)

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")
days = st.dates(date(2024, 1, 1), date(2027, 12, 31))
times = st.integers(0, 4 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
zones = st.sampled_from(ZONES)


@given(due=days, lead=st.integers(0, 60), ran=st.sets(st.integers(-90, 90)))
def test_due_soon_comes_on_the_first_day_that_ran_from_its_first_day_to_the_due_date(
    due: date, lead: int, ran: set[int]
) -> None:
    looked = sorted(due + timedelta(days=offset) for offset in ran)
    fits = [day for day in looked if _holds(due, due_soon(day, days_before=lead))]
    assert fits == [day for day in looked if due - timedelta(days=lead) <= day <= due]


@given(due=days, lag=st.integers(1, 60), ran=st.sets(st.integers(-90, 90)))
def test_overdue_comes_on_the_first_day_that_ran_from_its_day_on(
    due: date, lag: int, ran: set[int]
) -> None:
    looked = sorted(due + timedelta(days=offset) for offset in ran)
    fits = [day for day in looked if _holds(due, overdue(day, days_after=lag))]
    first = due + timedelta(days=lag)
    last = first + timedelta(days=OVERDUE_CAUGHT_UP)
    assert fits == [day for day in looked if first <= day <= last]


@given(day=days, lead=st.integers(0, 60), lag=st.integers(1, 60))
def test_no_invoice_is_due_soon_and_overdue_on_one_day(day: date, lead: int, lag: int) -> None:
    assert overdue(day, days_after=lag).last < due_soon(day, days_before=lead).first


@given(now=times, hour=st.integers(0, 23), zone=zones)
def test_the_daily_time_is_the_last_one_of_that_hour(now: datetime, hour: int, zone: str) -> None:
    found = last_daily_time(now, hour=hour, zone=ZoneInfo(zone))
    assert now - timedelta(hours=50) < found <= now  # Apia skipped a day once; clocks an hour
    local = found.astimezone(ZoneInfo(zone))
    named = datetime.combine(local.date(), time(hour), tzinfo=ZoneInfo(zone))
    assert named.astimezone(UTC) == found


@given(now=times, later=st.timedeltas(timedelta(), timedelta(days=9)), zone=zones)
def test_daily_times_go_forward_and_come_once_a_day(
    now: datetime, later: timedelta, zone: str
) -> None:
    place = ZoneInfo(zone)
    first = last_daily_time(now, hour=8, zone=place)
    second = last_daily_time(now + later, hour=8, zone=place)
    assert first <= second
    if first != second:
        assert second - first >= timedelta(hours=23)


def test_an_hour_that_a_change_of_the_clock_skips_is_the_next_one() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    noon = datetime(2026, 3, 29, 12, tzinfo=UTC)  # 02:00 doesn't exist on that day
    assert last_daily_time(noon, hour=2, zone=berlin) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_an_unknown_zone_is_utc() -> None:
    assert zone_of("Mars/Base") == ZoneInfo("UTC")


def _holds(due: date, dates: DueDates) -> bool:
    return dates.first <= due <= dates.last
