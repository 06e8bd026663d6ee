"""Warnings about the installation: mail, its public address, backups."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.urls import reverse
from django.utils import timezone

from billhook.portal.backups.access import is_backup_overdue, last_backup
from billhook.portal.installation import environment
from billhook.portal.jobs.dispatch import is_work_late
from billhook.portal.mail.access import bounce_mailbox, unsent_mail_for_member
from billhook.portal.mail.status import Mail, mail_status
from billhook.portal.nodes.access import works_on_jobs
from billhook.portal.organisations.models import Member
from billhook.portal.warnings.warning import Code, HomeWarning

_JOBS_LATE: Final = timedelta(minutes=1)
_BOUNCES_UNREAD: Final = timedelta(minutes=15)


def installation_warnings(member: Member) -> Iterator[HomeWarning]:
    """Give the warnings about mail, the public address and backups."""
    settings = reverse("backoffice:settings", args=[member.organisation_id])
    yield from _mail(f"{settings}#mail")
    yield from _unsent_mail(member, f"{settings}#unsent")
    yield from _bounces(f"{settings}#installation")
    yield from _address(f"{settings}#installation")
    yield from _jobs(reverse("backoffice:jobs", args=[member.organisation_id]))
    yield from _backup(f"{settings}#installation")


def _mail(address: str) -> Iterator[HomeWarning]:
    status = mail_status()
    if status.state is Mail.PRINTED:
        yield HomeWarning(
            code=Code.MAIL_NOT_SET,
            title="No mail server is set",
            text="Invitations and codes to sign in aren't sent, only printed in Billhook's log. "
            "Set BILLHOOK_EMAIL_URL and restart Billhook.",
            address=address,
            link="Mail settings",
        )
    elif status.state is Mail.FAILS:
        yield HomeWarning(
            code=Code.MAIL_FAILS,
            title="Mail can't be sent",
            text=status.reason,
            address=address,
            link="Send a test mail",
        )


def _unsent_mail(member: Member, address: str) -> Iterator[HomeWarning]:
    unsent = unsent_mail_for_member(member)
    count, last = unsent.count(), unsent.first()
    if last is not None:
        yield HomeWarning(
            code=Code.MAIL_UNSENT,
            title="One mail wasn't sent" if count == 1 else f"{count} mails weren't sent",
            text=last.reason,
            address=address,
            link="See which, and send again",
        )


def _bounces(address: str) -> Iterator[HomeWarning]:
    mailbox = bounce_mailbox()
    since = mailbox.failing_since
    if since is None or not environment.current().bounce_mailbox:
        return
    if timezone.now() - since > _BOUNCES_UNREAD:
        yield HomeWarning(
            code=Code.BOUNCES_UNREAD,
            title="Mail that comes back isn't noticed",
            text=mailbox.reason,
            address=address,
            link="This installation",
        )


def _address(address: str) -> Iterator[HomeWarning]:
    settings = environment.current()
    if not settings.is_https and not _is_this_machine(settings.host):
        yield HomeWarning(
            code=Code.NO_HTTPS,
            title="People reach Billhook without https",
            text=f"Codes, passwords and invoices cross the network readable by others. Put a proxy "
            f"with a certificate in front of Billhook, and set BILLHOOK_PUBLIC_URL to "
            f"https://{settings.host}.",
            address=address,
            link="This installation",
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _jobs(address: str) -> Iterator[HomeWarning]:
    if is_work_late(_JOBS_LATE) and not works_on_jobs():
        yield HomeWarning(
            code=Code.JOBS_WAIT,
            title="Jobs wait, and nothing works on them",
            text="Syncs, imports and downloads don't go on. Start billhook work, or set "
            "BILLHOOK_JOB_PROCESSES to 1 or more and restart Billhook. If it should be running, "
            "its log says why it isn't.",
            address=address,
            link="Show the jobs",
        )


def _backup(address: str) -> Iterator[HomeWarning]:
    now = timezone.now()
    if not is_backup_overdue(now=now):
        return
    last, days = last_backup(), environment.current().backup_days
    age = (now - last.made_at).days if last else 0
    yield HomeWarning(
        code=Code.BACKUP_OVERDUE,
        title=f"The last backup is {age} days old" if last else "There is no backup yet",
        text=f"A backup at least every {days} days is expected (BILLHOOK_BACKUP_DAYS). Run "
        "billhook backup FILE on the server, best from a timer.",
        address=address,
        link="This installation",
    )
