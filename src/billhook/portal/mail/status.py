"""The state of mail: checked from time to time, so that a failure is known before it matters.

Pages for strangers show this state and never the result of one mail, which would reveal whose
address is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

import structlog
from django.conf import settings
from django.utils import timezone

from billhook.portal.mail.access import last_check
from billhook.portal.mail.check import check_mail_server, is_mail_sent
from billhook.portal.mail.failure import MailFailed, MailFailure
from billhook.portal.mail.services import claim_check, plan_check, record_check

log = structlog.get_logger("billhook.mail")

_WHILE_IT_WORKS: Final = timedelta(minutes=15)
_WHILE_IT_FAILS: Final = timedelta(minutes=2)


class Mail(Enum):
    """The states of mail."""

    WORKS = "works"
    FAILS = "fails"
    PRINTED = "printed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailStatus:
    """The state of mail, and the reason and beginning of a failure."""

    state: Mail
    reason: str = ""
    since: datetime | None = None

    @property
    def works(self) -> bool:
        """Whether mail is sent, as far as is known."""
        return self.state is Mail.WORKS

    @property
    def is_printed(self) -> bool:
        """Whether no mail server is set, so that mail is printed instead of sent."""
        return self.state is Mail.PRINTED


def mail_status() -> MailStatus:
    """Return whether mail is sent, as of the last check."""
    if not is_mail_sent():
        return MailStatus(state=Mail.PRINTED)
    check = last_check()
    if check is None or check.failing_since is None:
        return MailStatus(state=Mail.WORKS)
    return MailStatus(state=Mail.FAILS, reason=check.reason, since=check.failing_since)


def check_mail_soon() -> None:
    """Have the mail server checked at the next opportunity: its settings may be new."""
    if is_mail_sent():
        plan_check(at=timezone.now())


def check_mail_if_due() -> None:
    """Check the mail server, if that is due and no other process does it."""
    if is_mail_sent() and claim_check():
        try:
            check_mail_server()
        except MailFailed as failed:
            note_check(failed.failure)
        else:
            note_check(None)


def note_check(failure: MailFailure | None) -> None:
    """Remember that the mail server works, or how it failed just now."""
    worked = mail_status().works
    delay = _WHILE_IT_FAILS if failure else _WHILE_IT_WORKS
    record_check(failure=failure, next_check_at=timezone.now() + delay)
    if failure and worked:
        log.warning("mail-server-fails", reason=failure.code, **_server())
    elif not failure and not worked:
        log.info("mail-server-works", **_server())


def _server() -> dict[str, object]:
    return {"host": settings.EMAIL_HOST, "port": settings.EMAIL_PORT}
