"""The job of notices: one for each organisation, which looks around once a minute for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse
from django.utils import timezone

from billhook.portal.jobs.kind import JobKind
from billhook.portal.jobs.models import Job
from billhook.portal.jobs.services import unschedule
from billhook.portal.jobs.turn import Turn
from billhook.portal.notices.access import rules_to_work_on
from billhook.portal.notices.announce import announce, is_days_due, mail_daily, mute_waiting
from billhook.portal.notices.models import NoticeKind, NoticeRules
from billhook.portal.notices.sending import send_due
from billhook.portal.notices.services import (
    JOB,
    drop_waiting,
    note_interrupted,
    remember_scan,
)

LOOK_EVERY: Final = timedelta(minutes=1)
_TURNED_OFF: Final = "Notices were turned off before this mail was sent."


def notice_turn(turn: Turn) -> None:
    """Announce what is new or due, and send the mail for it."""
    rules = rules_to_work_on(turn.subject)
    if rules is None or not rules.is_on:
        _end(rules, turn)
        return
    with turn.saving():
        note_interrupted(rules=rules)
    now = timezone.now()
    is_more = _announce(rules, turn, now)
    is_more = send_due(rules, turn) or is_more
    turn.report(note=f"Looked at {now:%H:%M} UTC")
    turn.again(after=None if is_more else LOOK_EVERY)


def _announce(rules: NoticeRules, turn: Turn, now: datetime) -> bool:
    """Write what there is to announce; return whether there is more than fits into a turn."""
    days = is_days_due(rules, now=now)
    wanted = [
        (NoticeKind.NEW, rules.sends_new),
        (NoticeKind.DUE_SOON, rules.sends_due_soon and days),
        (NoticeKind.OVERDUE, rules.sends_overdue and days),
    ]
    for kind, is_wanted in wanted:
        while is_wanted and announce(rules, kind, now=now, saving=turn.saving):
            if not turn.goes_on:
                return True
            turn.rest()
    while mail_daily(rules, now=now, saving=turn.saving):
        if not turn.goes_on:
            return True
    with turn.saving():
        remember_scan(rules=rules, new_until=now, **({"days_at": now} if days else {}))
    return False


def _end(rules: NoticeRules | None, turn: Turn) -> None:
    """End the job: nothing is sent any more."""
    with turn.saving():
        if rules is not None:
            note_interrupted(rules=rules)
            mute_waiting(rules)
            drop_waiting(rules=rules, reason=_TURNED_OFF)
        unschedule(JOB, subject=turn.subject)
        turn.finish()


def _page(job: Job) -> str:
    return reverse("backoffice:notices", args=[job.organisation_id])


KINDS: Final = (JobKind(name=JOB, label="Notices by mail", work=notice_turn, page=_page),)
