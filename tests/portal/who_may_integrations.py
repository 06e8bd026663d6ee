"""Permissions for integrations, runs and API keys."""

from __future__ import annotations

from datetime import UTC, datetime

from billhook.portal.fields.ids import new_id
from billhook.portal.integrations.models import ApiKey, Integration
from billhook.portal.runs.models import Run, RunKind
from portal.who_may import EDITORS, SIGNED_IN, VIEWERS, Row, Target


def _organisation(target: Target) -> dict[str, object]:
    return {"organisation_id": target.organisation.id}


def _preset(target: Target) -> dict[str, object]:
    return {**_organisation(target), "preset_name": "erpnext"}


def _integration(target: Target) -> dict[str, object]:
    row = Integration.objects.create(organisation=target.organisation, name=f"Billing {new_id()}")
    return {**_organisation(target), "integration_id": row.id}


def _run(target: Target) -> dict[str, object]:
    row = Run.objects.create(
        organisation=target.organisation,
        command="GetInvoiceImage",
        kind=RunKind.VIEW,
        outcome="ok",
        started_at=datetime(2026, 3, 31, tzinfo=UTC),
        milliseconds=1.0,
    )
    return {**_organisation(target), "run_id": row.id}


def _key(target: Target) -> dict[str, object]:
    row = ApiKey.objects.create(
        organisation=target.organisation,
        name="Shop",
        hint="bhk_…abcd",
        digest=new_id(),
    )
    return {**_organisation(target), "key_id": row.id}


ROWS = {
    "backoffice:integrations": Row(get=VIEWERS, given=_organisation),
    "backoffice:integration-add": Row(get=EDITORS, given=_organisation),
    "backoffice:integration-preset": Row(get=EDITORS, post=EDITORS, given=_preset),
    "backoffice:integration-new": Row(get=EDITORS, post=EDITORS, given=_organisation),
    "backoffice:integration-new-preview": Row(post=EDITORS, given=_organisation),
    "backoffice:integration-new-try": Row(post=EDITORS, given=_organisation),
    "backoffice:integration-import": Row(get=EDITORS, post=EDITORS, given=_organisation),
    "backoffice:integration": Row(get=VIEWERS, post=EDITORS, given=_integration),
    "backoffice:integration-preview": Row(post=EDITORS, given=_integration),
    "backoffice:integration-try": Row(post=EDITORS, given=_integration),
    "backoffice:integration-delete": Row(get=EDITORS, post=EDITORS, given=_integration),
    "backoffice:integration-switch": Row(post=EDITORS, given=_integration),
    "backoffice:integration-move": Row(post=EDITORS, given=_integration),
    "backoffice:integration-connect": Row(post=EDITORS, given=_integration),
    "backoffice:integration-disconnect": Row(get=EDITORS, post=EDITORS, given=_integration),
    "oauth-callback": Row(get=SIGNED_IN),
    "backoffice:integration-export": Row(get=EDITORS, given=_integration),
    "backoffice:runs": Row(get=VIEWERS, given=_organisation),
    "backoffice:run": Row(get=VIEWERS, given=_run),
    "backoffice:keys": Row(get=EDITORS, post=EDITORS, given=_organisation),
    "backoffice:key-change": Row(get=EDITORS, post=EDITORS, given=_key),
    "backoffice:key-revoke": Row(get=EDITORS, post=EDITORS, given=_key),
}
