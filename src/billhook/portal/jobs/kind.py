"""The kinds of jobs, which the rooms above register with one line in the settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from billhook.portal.jobs.models import Job
from billhook.portal.jobs.turn import Turn


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """A kind of job.

    ``work`` does one turn: see :mod:`billhook.portal.jobs.turn`. ``ended`` is called in the
    transaction in which a job ends, with its last state. ``page`` returns the path of the page that
    shows what the job works on. ``pause_until`` returns the time before which a turn does nothing,
    as when the source asks for a pause: nobody can make it run sooner.
    """

    name: str
    label: str
    work: Callable[[Turn], None]
    is_urgent: bool = False
    """Whether somebody waits for it at a page: it goes before others then."""
    most_attempts: int = 8
    """The failed turns in a row after which a job has failed."""
    can_be_retried: bool = True
    """Whether a job that failed, or was stopped, can go on from where it ended."""
    page: Callable[[Job], str] | None = None
    pause_until: Callable[[Job], datetime | None] | None = None
    ended: Callable[[Job], None] | None = None


class UnknownJobKind(Exception):
    """A kind that this version doesn't have, as in rows of a newer one."""


def job_kind(name: str) -> JobKind:
    """Return the kind with this name.

    Raises:
        UnknownJobKind: if no room registers it.
    """
    try:
        return _kinds(tuple(settings.JOB_KINDS))[name]
    except KeyError:
        raise UnknownJobKind(name) from None


def load_job_kinds() -> None:
    """Import all kinds, so that processes forked after this share them."""
    _kinds(tuple(settings.JOB_KINDS))


@functools.cache
def _kinds(places: tuple[str, ...]) -> dict[str, JobKind]:
    registered: list[JobKind] = [kind for place in places for kind in import_string(place)]
    return {kind.name: kind for kind in registered}
