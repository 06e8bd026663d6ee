"""Mail to owners and editors about the sync of one source."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from billhook.portal.mail.models import MailKind
from billhook.portal.mail.outbox import post_mail
from billhook.portal.organisations.access import who_may_fix
from billhook.portal.sync.models import SyncSource


def mail_members(
    source: SyncSource, *, subject: str, template: str, doubts: Sequence[str] = ()
) -> None:
    """Post mail to all who may fix the sync of *source*.

    ``{name}`` in *subject* is the integration's. *doubts* are the reasons for a question.
    """
    integration = source.integration
    name = " ".join(integration.name.split())
    page = reverse("backoffice:sync", args=[integration.organisation_id, integration.id])
    for member in who_may_fix(integration.organisation):
        context = {
            "member": member,
            "integration": integration,
            "source": source,
            "doubts": doubts,
            "page": f"{settings.PUBLIC_URL}{page}",
        }
        message = EmailMessage(
            subject=subject.format(name=name),
            body=render_to_string(f"backoffice/mail/{template}", context),
            to=[member.user.email],
        )
        post_mail(
            message=message,
            kind=MailKind.SOURCE,
            user=member.user,
            organisation=member.organisation,
        )
