"""The end of a run for its source: good, or a failure that members read about."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from billhook.engine.errors import AuthenticationFailed, BillhookError, SourceRefused
from billhook.portal.events.facts import note_failing_sync
from billhook.portal.sync.member_mail import mail_members
from billhook.portal.sync.models import Reported, SyncRun, SyncSource

TELLS_AFTER: Final = 3
"""Failures in a row after which owners and editors get a mail, once."""
CALM: Final = timedelta(minutes=30)
"""Time without a failure after which a sync that works has recovered."""
_SLOW: Final = "A page of the list took too long. Ask for fewer rows on each page (pages.size)."


def has_succeeded(source: SyncSource, run: SyncRun, *, is_full: bool) -> None:
    """Note that *run* ended well: the list is as of its beginning."""
    source.good_at = run.started_at
    source.full_at = run.started_at if is_full else source.full_at
    source.failures, source.code, source.reason, source.stopped_at = 0, "", "", ""
    source.save(update_fields=["good_at", "full_at", "failures", "code", "reason", "stopped_at"])
    if source.reported and (source.failed_at is None or source.failed_at < timezone.now() - CALM):
        _note_reported(source, Reported.NOTHING)
        mail_members(source, subject="{name} is synced again", template="sync_works.txt")


def has_failed(source: SyncSource, run: SyncRun, error: Exception) -> str:
    """Note that *run* failed, and return the sentence for members.

    Where the source refuses our credentials, the schedule stops until somebody has changed them.
    """
    run.code, run.reason = reason_of(error)
    run.save(update_fields=["code", "reason"])
    source.failures += 1
    source.failed_at = timezone.now()
    source.code, source.reason = run.code, run.reason
    is_refused = isinstance(error, SourceRefused | AuthenticationFailed)
    source.stopped_at = source.stamp if is_refused else ""
    source.save(update_fields=["failures", "failed_at", "code", "reason", "stopped_at"])
    reported = Reported.REFUSED if is_refused else Reported.FAILS
    if _is_news(source, reported):
        _note_reported(source, reported)
        mail_members(source, subject="{name} can't be synced", template="sync.txt")
        note_failing_sync(
            organisation_id=source.integration.organisation_id,
            integration_id=source.integration_id,
            run_id=str(run.pk),
            code=run.code,
        )
    return run.reason


def _is_news(source: SyncSource, reported: Reported) -> bool:
    """Return whether members haven't heard of the last failure.

    One that works once between two failures hasn't recovered, so that is known. A refusal stops the
    schedule, so it is always news unless it follows another one.
    """
    if reported == Reported.REFUSED:
        return source.failures == 1 or source.reported != Reported.REFUSED
    return source.failures >= TELLS_AFTER and not source.reported


def _note_reported(source: SyncSource, reported: Reported) -> None:
    source.reported = reported
    source.save(update_fields=["reported"])


def reason_of(error: Exception) -> tuple[str, str]:
    """Return the code of *error*, and a sentence that holds no value and no address."""
    if isinstance(error, BillhookError):
        return error.code, error.public_message[:500]
    return "page-too-slow", _SLOW
