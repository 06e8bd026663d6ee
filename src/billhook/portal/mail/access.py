"""The only door to the rows of mail: each function says who asks."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from billhook.portal.mail.models import BounceMailbox, MailCheck, MailState, OutgoingMail
from billhook.portal.organisations.models import Member


def unsent_mail_for_member(member: Member) -> QuerySet[OutgoingMail]:
    """Return the mail of *member*'s organisation that failed at least once, newest first.

    Codes to sign in count where they were for a contact or member of the organisation.
    """
    organisation = member.organisation_id
    codes = Q(organisation=None) & (
        Q(user__memberships__organisation_id=organisation)
        | Q(user__contacts__customer__organisation_id=organisation)
    )
    theirs = OutgoingMail.objects.filter(codes | Q(organisation_id=organisation))
    return theirs.exclude(failure="").select_related("user").distinct()


def unsent_invitations(member: Member, user_ids: Iterable[str]) -> dict[str, OutgoingMail]:
    """Return the newest invitation of each user that *member*'s organisation couldn't send yet."""
    rows = OutgoingMail.objects.filter(
        organisation_id=member.organisation_id, user_id__in=list(user_ids)
    )
    return {row.user_id: row for row in rows.exclude(failure="").order_by("created_at")}


def mail_for_member(member: Member, mail_id: str) -> OutgoingMail:
    """Return a mail of the organisation that *member* is of, or raise Http404."""
    rows = OutgoingMail.objects.filter(organisation_id=member.organisation_id)
    found = rows.select_related("user").filter(id=mail_id).first()
    if found is None:
        raise Http404
    return found


def mail_state(mail_id: str) -> OutgoingMail | None:
    """Return a mail that the caller has posted, or None if it has been sent."""
    return OutgoingMail.objects.filter(id=mail_id).first()


def due_mail(*, most: int) -> list[str]:
    """Return the ids of mail that is due, oldest first: for the part that sends it."""
    due = OutgoingMail.objects.filter(state=MailState.WAITING, next_attempt_at__lte=timezone.now())
    return list(due.order_by("next_attempt_at").values_list("id", flat=True)[:most])


def last_check() -> MailCheck | None:
    """Return the result of the last check of the mail server, which is nobody's secret."""
    return MailCheck.objects.filter(id=1).first()


def bounce_mailbox() -> BounceMailbox:
    """Return what is known about the mailbox for bounces; an unsaved row at first."""
    return BounceMailbox.objects.filter(id=1).first() or BounceMailbox()
