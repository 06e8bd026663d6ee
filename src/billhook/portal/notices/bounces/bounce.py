"""Takes one message that may be a bounce, and notes at its mail that it came back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

import structlog

from billhook.portal.mail.returned import (
    MOST_BYTES,
    ReturnedKind,
    ReturnedMail,
    decoded_parts,
    parse,
    read_returned,
)
from billhook.portal.notices.access import mailing_of_mark
from billhook.portal.notices.bounces.mark import FoundMark, find_mark
from billhook.portal.notices.models import NoticeMailing
from billhook.portal.notices.services import record_bounce

log = structlog.get_logger("billhook.notices")


class TakenBounce(StrEnum):
    """The results of taking a message. All but the first change nothing."""

    BOUNCED = "bounced"
    KNOWN = "known"
    """The mail isn't one that was sent: its bounce was noted before, or it was sent again later."""
    DELAYED = "delayed"
    AUTOMATIC_REPLY = "automatic-reply"
    NO_REPORT = "no-report"
    """It has a mark, but reports no failure."""
    NO_MARK = "no-mark"
    FORGED = "forged"
    FORGOTTEN = "forgotten"
    """The mail was deleted, as after 400 days."""
    UNREADABLE = "unreadable"

    @property
    def sentence(self) -> str:
        """The result for the operator who looks at it."""
        return _SENTENCES[self]


_SENTENCES: Final = {
    TakenBounce.BOUNCED: "The notice is now shown as one that came back.",
    TakenBounce.KNOWN: "Ignored: the notice has come back before, or was sent again later.",
    TakenBounce.DELAYED: "Ignored: the notice is only delayed.",
    TakenBounce.AUTOMATIC_REPLY: "Ignored: this is an automatic reply.",
    TakenBounce.NO_REPORT: "Ignored: this reports no failure of a notice.",
    TakenBounce.NO_MARK: "Ignored: this has nothing to do with a notice of this installation.",
    TakenBounce.FORGED: "Ignored: the notice isn't signed with this installation's key.",
    TakenBounce.FORGOTTEN: "Ignored: the notice that came back doesn't exist any more.",
    TakenBounce.UNREADABLE: "Ignored: this message can't be read.",
}

_CLOCKS: Final = timedelta(hours=1)
"""Clocks of mail systems may differ by so much."""
_TAKEN: Final = {
    ReturnedKind.FAILED: TakenBounce.BOUNCED,
    ReturnedKind.DELAYED: TakenBounce.DELAYED,
    ReturnedKind.AUTOMATIC_REPLY: TakenBounce.AUTOMATIC_REPLY,
    ReturnedKind.OTHER: TakenBounce.NO_REPORT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedMessage:
    """A message and its mail, if it has one; ``taken`` is BOUNCED where that is still to note."""

    taken: TakenBounce
    mailing: NoticeMailing | None = None
    returned: ReturnedMail | None = None


def take_message(content: bytes) -> TakenBounce:
    """Note the bounce that *content* reports, if it is one; return what it was."""
    return take_examined(examine_message(content))


def examine_message(content: bytes) -> ExaminedMessage:
    """Return what *content* is, of which only the beginning is read. Nothing is written."""
    try:
        return _examine(content[:MOST_BYTES])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # the email package raises these for some messages that are broken on purpose
        return ExaminedMessage(taken=TakenBounce.UNREADABLE)


def take_examined(message: ExaminedMessage) -> TakenBounce:
    """Note the bounce, if it is one, and log the result; return it."""
    taken, mailing, returned = message.taken, message.mailing, message.returned
    if taken is TakenBounce.BOUNCED and mailing is not None and returned is not None:
        if record_bounce(mailing=mailing, failure=returned.failure):
            log.info("notice-bounced", mailing=mailing.id, status=returned.status)
            return taken
        taken = TakenBounce.KNOWN
    if taken is not TakenBounce.NO_MARK:
        facts = {"mailing": mailing.id} if mailing is not None else {}
        log.info("bounce-ignored", reason=taken.value, **facts)
    return taken


def _examine(content: bytes) -> ExaminedMessage:
    message = parse(content)
    mark = find_mark(content) or _mark_in_parts(message)
    if mark is None:
        return ExaminedMessage(taken=TakenBounce.NO_MARK)
    if not mark.is_genuine:
        return ExaminedMessage(taken=TakenBounce.FORGED)
    mailing = mailing_of_mark(mark.mailing_id)
    if mailing is None:
        return ExaminedMessage(taken=TakenBounce.FORGOTTEN)
    if _is_older(message, mailing):
        return ExaminedMessage(taken=TakenBounce.KNOWN, mailing=mailing)
    returned = read_returned(message, sent_to=mailing.to)
    return ExaminedMessage(taken=_TAKEN[returned.kind], mailing=mailing, returned=returned)


def _is_older(message: Message, mailing: NoticeMailing) -> bool:
    """Return whether *message* is from before a member had the mail sent again.

    The mailbox may be read a second time, as after it was moved to another server.
    """
    try:
        written = parsedate_to_datetime(str(message["Date"]))
    except (ValueError, OverflowError):
        return False
    if written.tzinfo is None:  # "-0000", as qmail writes
        written = written.replace(tzinfo=UTC)
    return written < mailing.created_at - _CLOCKS


def _mark_in_parts(message: Message) -> FoundMark | None:
    marks = filter(None, map(find_mark, decoded_parts(message)))
    return next(marks, None)
