"""Permissions of the pages of syncs."""

from __future__ import annotations

from billhook.portal.integrations.models import Integration
from portal.who_may import EDITORS, NOBODY, VIEWERS, Row, Target


def _organisation(target: Target) -> dict[str, object]:
    return {"organisation_id": target.organisation.id}


def _sync(target: Target) -> dict[str, object]:
    row, _ = Integration.objects.get_or_create(
        organisation=target.organisation,
        name="Lists",
        defaults={"commands": [{"name": "ListInvoices"}]},
    )
    return {**_organisation(target), "integration_id": row.id}


def _nudge(target: Target) -> dict[str, object]:
    return {"integration_id": _sync(target)["integration_id"], "secret": "wrong"}


ROWS = {
    "backoffice:sync": Row(get=VIEWERS, given=_sync),
    "backoffice:sync-start": Row(post=EDITORS, given=_sync),
    "backoffice:sync-stop": Row(post=EDITORS, given=_sync),
    "backoffice:sync-now": Row(post=EDITORS, given=_sync),
    "backoffice:sync-answer": Row(post=EDITORS, given=_sync),
    "backoffice:sync-dry-run": Row(get=EDITORS, post=EDITORS, given=_sync),
    "backoffice:sync-nudge": Row(post=EDITORS, given=_sync),
    "backoffice:unassigned": Row(get=VIEWERS, given=_organisation),
    "backoffice:hidden": Row(get=VIEWERS, given=_organisation),
    "nudge": Row(get=NOBODY, post=NOBODY, given=_nudge, is_public=True),
}
