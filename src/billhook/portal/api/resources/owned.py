"""Rows that come from an integration: its sync would undo a change made here."""

from __future__ import annotations

from billhook.portal.api.calling_key import CallingKey
from billhook.portal.api.problems import ApiProblem
from billhook.portal.integrations.access import integration_behind
from billhook.portal.integrations.models import Integration


def owner_of(key: CallingKey, integration_id: str | None) -> Integration | None:
    """Return the integration that a row comes from, if there is one and it still exists."""
    return integration_behind(key.member, integration_id)


def keep_from_integration(what: str) -> ApiProblem:
    """Return the refusal to change *what*, such as ``Invoice INV-7``."""
    return ApiProblem(
        "comes-from-integration", f"{what} comes from an integration. Change it in its system."
    )
