"""One warning on Home."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from billhook.portal.organisations.models import Role


class Code(Enum):
    """The kinds of warnings, as docs/warnings.md lists them."""

    MAIL_NOT_SET = "mail-not-set"
    MAIL_FAILS = "mail-fails"
    MAIL_UNSENT = "mail-unsent"
    BOUNCES_UNREAD = "bounces-unread"
    SOURCE_REFUSED = "source-refused"
    SOURCE_PAUSED = "source-paused"
    SOURCE_FAILS = "source-fails"
    SYNC_FAILS = "sync-fails"
    SYNC_ASKS = "sync-asks"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_EXPIRES = "certificate-expires"
    SERVER_CERTIFICATE_EXPIRES = "server-certificate-expires"
    WEBHOOK_DISABLED = "webhook-disabled"
    NO_HTTPS = "no-https"
    JOBS_WAIT = "jobs-wait"
    BACKUP_OVERDUE = "backup-overdue"

    @property
    def is_urgent(self) -> bool:
        """Whether something doesn't work now, rather than soon."""
        return self not in _NOT_URGENT

    @property
    def least_role(self) -> Role:
        """The role that can fix it, and so sees it. Owners see everything."""
        return Role.EDITOR if self in _FOR_EDITORS else Role.OWNER


_NOT_URGENT = frozenset(
    {
        Code.CERTIFICATE_EXPIRES,
        Code.SERVER_CERTIFICATE_EXPIRES,
        Code.BACKUP_OVERDUE,
        Code.MAIL_NOT_SET,
        Code.BOUNCES_UNREAD,
    }
)
_FOR_EDITORS = frozenset(
    {
        Code.SOURCE_REFUSED,
        Code.SOURCE_PAUSED,
        Code.SOURCE_FAILS,
        Code.SYNC_FAILS,
        Code.SYNC_ASKS,
        Code.CERTIFICATE_EXPIRED,
        Code.CERTIFICATE_EXPIRES,
        Code.SERVER_CERTIFICATE_EXPIRES,
        Code.WEBHOOK_DISABLED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeWarning:
    """A warning: what is wrong, what to do, and the page for it with the words of the link."""

    code: Code
    title: str
    text: str
    address: str
    link: str

    @property
    def kind(self) -> str:
        """The look of the notice."""
        return "bad" if self.code.is_urgent else "warn"
