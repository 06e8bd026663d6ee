"""Checks of the machine: its clock, and how many files a process may open."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from billhook.portal.accounts.models import User
from billhook.portal.backups.access import last_backup
from billhook.portal.runs.models import Run
from billhook.server.doctor.finding import Finding, Findings

_DIFFERENCE: Final = timedelta(seconds=10)
_FEW: Final = 1024
_ENOUGH: Final = 8192


def check_clock() -> Iterator[Finding]:
    """Compare this machine's clock with the database's, and with the newest thing stored."""
    findings = Findings(check="clock")
    now = timezone.now()
    difference = abs(_time_of_database() - now)
    if difference > _DIFFERENCE:
        yield findings.broken(
            "clock-differs",
            f"The clocks of this machine and of the database differ by {_seconds(difference)}. "
            "Let NTP set both (timedatectl set-ntp true).",
        )
    newest = _newest_timestamp()
    if newest is not None and newest - now > _DIFFERENCE:
        yield findings.broken(
            "clock-behind",
            f"The database holds something from {newest:%Y-%m-%d %H:%M:%S} UTC, but here it is "
            f"{now:%Y-%m-%d %H:%M:%S} UTC. Let NTP set the clock (timedatectl set-ntp true): "
            "sessions, codes and tokens depend on it.",
        )
    elif difference <= _DIFFERENCE:
        yield findings.ok(f"It is {now:%Y-%m-%d %H:%M:%S} UTC.")


def _time_of_database() -> datetime:
    if connection.vendor != "postgresql":
        return timezone.now()  # SQLite has this machine's clock
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


def _newest_timestamp() -> datetime | None:
    backup = last_backup()
    stored = (
        Run.objects.aggregate(newest=Max("started_at"))["newest"],
        User.objects.aggregate(newest=Max("created_at"))["newest"],
        backup.made_at if backup else None,
    )
    return max((each for each in stored if each is not None), default=None)


def _seconds(difference: timedelta) -> str:
    return f"{difference.total_seconds():,.0f} seconds"


def check_open_files() -> Iterator[Finding]:
    """Check how many files, and so connections, a process of this user may have."""
    findings = Findings(check="open files")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _FEW:
        yield findings.broken("few-open-files", _few(hard))
    elif hard != resource.RLIM_INFINITY and hard < _ENOUGH:
        yield findings.warning("few-open-files", _few(hard))
    else:
        number = "any number of" if hard == resource.RLIM_INFINITY else f"{hard:,}"
        yield findings.ok(f"A process of this user may have {number} open files.")


def _few(hard: int) -> str:
    return (
        f"A process of this user may have only {hard:,} open files, and each run takes two. Raise "
        "the hard limit to 65536: LimitNOFILE=65536 in a systemd unit, --ulimit nofile=65536 for "
        "a container. (A service may have another limit than this shell.)"
    )
