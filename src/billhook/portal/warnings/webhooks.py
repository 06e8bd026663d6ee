"""Warnings about endpoints of events that Billhook has given up."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse

from billhook.portal.events.access import disabled_endpoints
from billhook.portal.organisations.models import Member
from billhook.portal.warnings.warning import Code, HomeWarning


def webhook_warnings(member: Member) -> Iterator[HomeWarning]:
    """Yield a warning for each endpoint of *member*'s organisation that gets no events any more."""
    for endpoint in disabled_endpoints(member):
        yield HomeWarning(
            code=Code.WEBHOOK_DISABLED,
            title="A webhook is switched off",
            text=f"The receiver {endpoint.url} has taken no event for days, so Billhook sends it "
            "none. Repair the receiver, then resume: what it missed can be sent again.",
            address=reverse("backoffice:webhook", args=[member.organisation_id, endpoint.id]),
            link="Open the webhook",
        )
