"""The warnings that a member sees on Home."""

from __future__ import annotations

from itertools import chain

from billhook.portal.organisations.access import may
from billhook.portal.organisations.models import Member, Role
from billhook.portal.warnings.installation import installation_warnings
from billhook.portal.warnings.sources import source_warnings
from billhook.portal.warnings.syncs import sync_warnings
from billhook.portal.warnings.warning import HomeWarning
from billhook.portal.warnings.webhooks import webhook_warnings


def warnings_for_member(member: Member) -> list[HomeWarning]:
    """Return the warnings that *member* can act on, urgent ones first; none for a viewer."""
    if not may(member, Role.EDITOR):
        return []
    is_owner = may(member, Role.OWNER)
    found = chain(
        source_warnings(member),
        sync_warnings(member),
        webhook_warnings(member),
        installation_warnings(member) if is_owner else (),
    )
    visible = [warning for warning in found if may(member, warning.code.least_role)]
    return sorted(visible, key=lambda warning: not warning.code.is_urgent)
