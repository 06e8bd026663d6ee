"""Warnings about syncs: one that asks a member something, one that fails."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse

from billhook.portal.organisations.models import Member
from billhook.portal.sync.access import troubled_sources
from billhook.portal.sync.failures import TELLS_AFTER
from billhook.portal.sync.models import SyncSource
from billhook.portal.warnings.warning import Code, HomeWarning


def sync_warnings(member: Member) -> Iterator[HomeWarning]:
    """Give at most two warnings for each sync that is on: a failure, and a question."""
    for source, is_asking in troubled_sources(member, failures=TELLS_AFTER):
        address = reverse("backoffice:sync", args=[member.organisation_id, source.integration_id])
        if source.is_stopped or source.failures >= TELLS_AFTER:
            yield _fails(source, address)
        if is_asking:
            yield HomeWarning(
                code=Code.SYNC_ASKS,
                title=f"The sync of {source.integration.name} asks you something",
                text="It found something unusual. Until an owner or editor answers, the old list "
                "stays.",
                address=address,
                link="Look at it",
            )


def _fails(source: SyncSource, address: str) -> HomeWarning:
    return HomeWarning(
        code=Code.SYNC_FAILS,
        title=f"{source.integration.name} can't be synced",
        text=f"The list stays as it was. {source.reason}",
        address=address,
        link="Open the sync",
    )
