"""Mail to owners and editors about a source that gives nothing until one of them fixes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from billhook.engine.record import RunRecord
from billhook.engine.tokens.catalogue import PAYMENT_COMMAND, STATEMENT_COMMAND
from billhook.portal.integrations.access import enabled_integration
from billhook.portal.integrations.models import Integration
from billhook.portal.mail.background import writing_background
from billhook.portal.mail.models import MailKind
from billhook.portal.mail.outbox import post_mail
from billhook.portal.organisations.access import who_may_fix
from billhook.portal.organisations.models import Member
from billhook.portal.runs.models import RunKind
from billhook.portal.runs.outcomes import needs_member, sentence_of

SILENCE: Final = timedelta(days=1)
"""Time after a mail about an integration in which there is no other, unless it was changed."""
_THINGS: Final = {PAYMENT_COMMAND: "payment link", STATEMENT_COMMAND: "statement"}
"""The thing that a command gives, where that isn't the document of an invoice."""


def alert_members(runs: Iterable[RunRecord]) -> None:
    """Have mail sent about the sources of *runs* that need a member, in the background."""
    needy = {
        run.integration_id: run
        for run in runs
        if run.integration_id and needs_member(run.outcome, run.reason) and run.kind != RunKind.TRY
    }
    for run in needy.values():
        writing_background().run(partial(mail_members, run))


def mail_members(run: RunRecord) -> None:
    """Send owners and editors one mail about the source of *run*, unless they have one already.

    A failure before the last change of the integration says nothing about what it is now.
    """
    integration = enabled_integration(run.integration_id or "")
    if integration is None or run.started_at < integration.changed_at:
        return
    if not cache.add(_about(integration), run.id, timeout=SILENCE.total_seconds()):
        return
    for member in who_may_fix(integration.organisation):
        _mail(member, integration, run)


def forget_alert(integration: Integration) -> None:
    """Mail members at once if *integration* needs them again: they have read that it works."""
    cache.delete(_about(integration))


def _about(integration: Integration) -> str:
    return f"source-alert:{integration.id}:{integration.changed_at.isoformat()}"


def _mail(member: Member, integration: Integration, run: RunRecord) -> None:
    name = " ".join(integration.name.split())
    thing = _THINGS.get(run.command, "document")
    context = {
        "member": member,
        "integration": integration,
        "sentence": sentence_of(run.outcome, run.reason),
        "run": run,
        "thing": thing,
        "button": "Pay" if run.command == PAYMENT_COMMAND else "VIEW",
        "run_page": _address("backoffice:run", run.organisation_id, run.id),
        "page": _address("backoffice:integration", run.organisation_id, integration.id),
    }
    message = EmailMessage(
        subject=f"{name} gives no {thing}s",
        body=render_to_string("backoffice/mail/source.txt", context),
        to=[member.user.email],
    )
    post_mail(
        message=message,
        kind=MailKind.SOURCE,
        user=member.user,
        organisation=integration.organisation,
    )


def _address(name: str, *ids: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=ids)}"
