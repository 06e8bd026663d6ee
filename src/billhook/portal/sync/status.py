"""The state of a sync as members read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from billhook.portal.jobs.access import latest_job, next_scheduled
from billhook.portal.jobs.models import Job, JobState
from billhook.portal.sync.access import pause_ends_at
from billhook.portal.sync.effects import SyncEffect
from billhook.portal.sync.models import SyncRun, SyncSource
from billhook.portal.sync.services import DRY_RUN, EVERY, SYNC

LATE: Final = 3 * EVERY
"""The age at which a list is late."""
_ORDER: Final = [effect.value for effect in SyncEffect]
_WITHIN: Final = "contacts "


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStanding:
    """A word for the state of a sync, its icon, and the kind that decides its colour.

    ``until`` is when a run that waits for the source asks it again.
    """

    word: str
    icon: str
    kind: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLine:
    """One line of a run's counts: a list, and how many of its rows had which effect."""

    label: str
    effects: tuple[tuple[str, int], ...]
    fields: tuple[tuple[str, int], ...] = ()


def standing_of(source: SyncSource, job: Job | None, *, is_asking: bool) -> SyncStanding:
    """Return the state of *source* in a word; *job* is the open one that works on it, if any.

    *is_asking* says whether a member is asked about its list.
    """
    if not source.is_on or not source.integration.enabled:
        return SyncStanding(word="Off" if source.is_on else "Not started", icon="minus")
    if source.is_stopped:
        return SyncStanding(word="Stopped", icon="warning", kind="bad")
    now = timezone.now()
    if job is None or (job.state == JobState.WAITING and job.due_at > now):
        return _standing_between_runs(source, now, is_asking=is_asking)
    until = pause_ends_at(source)
    if until is not None:
        return SyncStanding(word="Waits for the source", icon="clock", kind="warn", until=until)
    if job.state == JobState.RUNNING:
        return SyncStanding(word="Syncing", icon="refresh", kind="info")
    return SyncStanding(word="Begins soon", icon="clock", kind="info")


def _standing_between_runs(source: SyncSource, now: datetime, *, is_asking: bool) -> SyncStanding:
    if source.failures:
        return SyncStanding(word="Failed", icon="warning", kind="bad")
    if is_asking:
        return SyncStanding(word="Waits for an answer", icon="warning", kind="warn")
    if source.good_at is None:
        return SyncStanding(word="Waiting", icon="clock", kind="info")
    if now - source.good_at > LATE:
        return SyncStanding(word="Late", icon="clock", kind="warn")
    return SyncStanding(word="Up to date", icon="check", kind="good")


def next_run_at(source: SyncSource) -> datetime | None:
    """Return when the schedule begins the next run of *source*; None if it has none."""
    return next_scheduled(SYNC, source.integration_id) if source.is_on else None


def open_job(source: SyncSource, *, is_dry: bool = False) -> Job | None:
    """Return the job that works on *source*, or will soon."""
    job = latest_job(DRY_RUN if is_dry else SYNC, source.integration_id)
    return job if job is not None and job.is_open else None


def count_lines(run: SyncRun) -> list[CountLine]:
    """Return the counts of *run*, list by list; contacts within another list on their own line."""
    lines = []
    for command, counted in run.counts.items():
        effects, fields = counted.get("effects", {}), counted.get("fields", {})
        own = {name: n for name, n in effects.items() if not name.startswith(_WITHIN)}
        within = {
            name.removeprefix(_WITHIN): n for name, n in effects.items() if name.startswith(_WITHIN)
        }
        if any(own.values()):
            lines.append(_line(command, own, fields))
        if any(within.values()):
            label = command if command == "ListContacts" else f"{command}: contacts"
            lines.append(_line(label, within, {}))
    return lines


def _line(label: str, effects: dict[str, int], fields: dict[str, int]) -> CountLine:
    known = sorted((name for name, n in effects.items() if n), key=_ORDER.index)
    return CountLine(
        label=label,
        effects=tuple((name, effects[name]) for name in known),
        fields=tuple(sorted(fields.items(), key=lambda each: -each[1])),
    )


def oldest_time(sources: list[SyncSource]) -> datetime | None:
    """Return the time as of which all *sources* are shown; None if one has never been read."""
    times = [source.good_at for source in sources if source.is_on]
    known = [each for each in times if each is not None]
    return min(known) if known and len(known) == len(times) else None
