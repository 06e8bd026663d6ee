"""Times on pages are in the time zone that the reader's browser says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from billhook.portal.runs.filters import narrow as narrow_runs
from billhook.portal.runs.filters import read_filter
from billhook.portal.runs.models import Run, RunKind
from billhook.portal.ui.tags import day, moment
from billhook.portal.ui.zone import COOKIE, zone_named
from portal.cast import Cast, signed_in

LATE = datetime(2026, 7, 31, 23, 5, 9, tzinfo=UTC)


def late_run(cast: Cast) -> Run:
    """Make a run that began just before midnight in UTC."""
    return Run.objects.create(
        id="0123456789ab",
        organisation=cast.harper,
        command="GetInvoiceImage",
        kind=RunKind.VIEW,
        outcome="ok",
        started_at=LATE,
        milliseconds=1,
    )


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Europe/Berlin", "1 Aug 2026, 01:05 CEST"),
        ("America/Sao_Paulo", "31 Jul 2026, 20:05 UTC-03"),
        ("America/Argentina/Buenos_Aires", "31 Jul 2026, 20:05 UTC-03"),
        ("", "31 Jul 2026, 23:05 UTC"),
        ("Mars/Olympus", "31 Jul 2026, 23:05 UTC"),
        ("Europe", "31 Jul 2026, 23:05 UTC"),
        ("../../etc/passwd", "31 Jul 2026, 23:05 UTC"),
        ("A" * 5000, "31 Jul 2026, 23:05 UTC"),
    ],
)
def test_a_time_is_shown_in_the_zone_with_its_name(zone: str, shown: str) -> None:
    with timezone.override(zone_named(zone)):
        assert moment(LATE) == f'<time datetime="2026-07-31T23:05:09+00:00">{shown}</time>'


def test_the_day_of_a_time_is_the_readers_day() -> None:
    with timezone.override(zone_named("Europe/Berlin")):
        assert day(LATE) == "1 Aug 2026"
        assert day(LATE.date()) == "31 Jul 2026"


def test_a_page_shows_the_time_of_a_run_in_the_zone_of_the_cookie(cast: Cast) -> None:
    run = late_run(cast)
    browser = signed_in(cast.alice)
    address = f"/backoffice/{cast.harper.id}/runs/{run.id}"
    assert "31 Jul 2026, 23:05:09 UTC" in browser.get(address).content.decode()
    browser.cookies[COOKIE] = "Asia/Tokyo"
    assert "1 Aug 2026, 08:05:09 JST" in browser.get(address).content.decode()


def test_the_days_of_a_filter_are_the_readers_days(cast: Cast) -> None:
    late_run(cast)
    first_of_august = read_filter({"since": "2026-08-01", "until": "2026-08-01"})
    assert not narrow_runs(cast.alice, first_of_august).rows.exists()
    with timezone.override(zone_named("Europe/Berlin")):
        assert narrow_runs(cast.alice, first_of_august).rows.exists()
