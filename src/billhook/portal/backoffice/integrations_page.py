"""The content of the list of integrations: one page of it, with last runs and states."""

from __future__ import annotations

from typing import Any

from billhook.portal.backoffice.pages import ROWS_ON_A_PAGE
from billhook.portal.integrations import access
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.status import status_of
from billhook.portal.organisations.models import Member
from billhook.portal.paging.count import count_up_to
from billhook.portal.paging.page import page_of
from billhook.portal.runs.access import last_runs
from billhook.portal.sync.access import is_synced
from billhook.portal.sync.scope import INVOICES


def list_of_integrations(member: Member, *, search: str, address: str) -> dict[str, Any]:
    """Return one page of the integrations of *member*'s organisation, or of those found."""
    found = (
        access.integrations_named(member, search)
        if search
        else access.integrations_for_member(member)
    )
    page = page_of(found, access.IN_ORDER, address, size=ROWS_ON_A_PAGE)
    runs = last_runs(page.rows)
    first = access.number_in_order(page.rows[0]) if page.rows and not search else 1
    return {
        "search": search,
        "page": page,
        "count": count_up_to(found),
        "is_short": page.is_whole and not search,
        "rows": [
            {
                "integration": row,
                "last_run": runs.get(row.id),
                "status": status_of(row),
                "number": number,
            }
            for number, row in enumerate(page.rows, start=first)
        ],
        "plain_rendering": member.organisation.plain_rendering,
    }


def saved_message(integration: Integration) -> str:
    """Return what to say when *integration* was saved."""
    if not integration.enabled:
        return f"{integration.name} is saved. It is switched off."
    if INVOICES in integration.command_names and not is_synced(integration):
        return f"{integration.name} is saved. Press Sync to look at its list and to start syncing."
    return f"{integration.name} is saved. It is used from now on."
