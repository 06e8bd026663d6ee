"""The job that reads the mailbox for bounces: one for the whole installation."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

import structlog
from django.utils import timezone

from billhook.portal.installation import environment
from billhook.portal.jobs.kind import JobKind
from billhook.portal.jobs.services import schedule, unschedule
from billhook.portal.jobs.turn import Turn
from billhook.portal.limits.pace import AT_ONCE, Pace
from billhook.portal.mail.access import bounce_mailbox
from billhook.portal.mail.failure import MailFailed, MailFailure
from billhook.portal.mail.imap import Mailbox, open_mailbox
from billhook.portal.mail.server import MailboxAddress, mailbox_address
from billhook.portal.mail.services import record_mailbox, remember_message
from billhook.portal.notices.bounces.bounce import TakenBounce, examine_message, take_examined

log = structlog.get_logger("billhook.notices")

JOB: Final = "read-bounces"
EVERY: Final = timedelta(minutes=5)
LOOKS_BACK: Final = timedelta(days=14)
"""Messages that came earlier are left alone: at first, and after a long pause."""
_WAIT_SHARE: Final = 0.1
"""The share of a job's lease that each response may take: 6 seconds of 60."""
_SHARE: Final = 0.4
"""The share of a job's lease that a turn may take: 24 seconds of 60."""
_FOR_NOBODY: Final = frozenset({TakenBounce.BOUNCED, TakenBounce.KNOWN, TakenBounce.DELAYED})
"""Messages that are marked as read, since no person has to look at them."""


def begin_reading(_pace: Pace = AT_ONCE) -> None:
    """Have the mailbox read from now on, if the operator has named one."""
    if environment.current().bounce_mailbox:
        schedule(JOB, every=EVERY, title="Read bounces")
    else:
        unschedule(JOB)


def read_turn(turn: Turn) -> None:
    """Read the new messages, as long as the turn goes on. The next turn begins after the last."""
    address = mailbox_address(environment.current().bounce_mailbox)
    if address is None:
        turn.finish()
        return
    lease = environment.current().job_lease_seconds
    limits = {"wait_seconds": lease * _WAIT_SHARE, "seconds": lease * _SHARE}
    taken: Counter[str] = Counter()
    failure = None
    try:
        with open_mailbox(address, **limits) as mailbox:
            if _read(address, mailbox, turn, taken):
                turn.again()
    except MailFailed as failed:
        failure = failed.failure
    if taken:
        log.info("bounces-read", messages=taken.total(), bounced=taken[TakenBounce.BOUNCED])
    turn.report(note=failure.message[:200] if failure else "")
    with turn.saving():
        _note(address, failure)


def _read(address: MailboxAddress, mailbox: Mailbox, turn: Turn, taken: Counter[str]) -> bool:
    """Take each message once; return whether there are more."""
    last = bounce_mailbox().last_number(place=address.place, validity=mailbox.validity)
    since = (timezone.now() - LOOKS_BACK).date()
    for number in mailbox.numbers_after(last, since=since):
        if not turn.goes_on:
            return True
        examined = examine_message(mailbox.read(number))
        with turn.saving():
            result = take_examined(examined)
            remember_message(place=address.place, validity=mailbox.validity, number=number)
        taken[result] += 1
        if result in _FOR_NOBODY:
            mailbox.mark_read(number)
        turn.rest()
    return False


def _note(address: MailboxAddress, failure: MailFailure | None) -> None:
    """Remember the result, and log it where it is another than the last time."""
    failed = bounce_mailbox().failing_since is not None
    record_mailbox(failure=failure)
    where = {"host": address.host, "port": address.port}
    if failure and not failed:
        log.warning("bounce-mailbox-fails", reason=failure.code, **where)
    elif failed and not failure:
        log.info("bounce-mailbox-works", **where)


KINDS: Final = (JobKind(name=JOB, label="Read bounces", work=read_turn),)
