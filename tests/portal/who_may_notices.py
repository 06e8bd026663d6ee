"""Permissions of notices: the members' page, and a person's own choices."""

from __future__ import annotations

from django.utils import timezone

from billhook.portal.integrations.models import Integration
from billhook.portal.notices.models import NoticeMailing
from portal.who_may import EDITORS, NOBODY, SIGNED_IN, VIEWERS, Row, Target


def _organisation(target: Target) -> dict[str, object]:
    return {"organisation_id": target.organisation.id}


def _mailing(target: Target) -> dict[str, object]:
    mailing = NoticeMailing.objects.create(
        organisation=target.organisation, user=target.contact.user, due_at=timezone.now()
    )
    return {**_organisation(target), "mailing_id": mailing.id}


def _text(target: Target) -> dict[str, object]:
    return {**_organisation(target), "kind": "new", "code": "de"}


def _integration(target: Target) -> dict[str, object]:
    row, _ = Integration.objects.get_or_create(
        organisation=target.organisation, name="Checked", defaults={"commands": []}
    )
    return {**_organisation(target), "integration_id": row.id}


def _wrong_token(_target: Target) -> dict[str, object]:
    return {"token": "wrong"}


ROWS = {
    "backoffice:notices": Row(get=VIEWERS, post=EDITORS, given=_organisation),
    "backoffice:notice-again": Row(post=EDITORS, given=_mailing),
    "backoffice:integration-check": Row(get=EDITORS, post=EDITORS, given=_integration),
    "backoffice:notice-mine": Row(post=EDITORS, given=_organisation),
    "backoffice:notice-text": Row(get=EDITORS, post=EDITORS, given=_text),
    "choose-notices": Row(post=SIGNED_IN),
    "stop-notices": Row(get=NOBODY, post=NOBODY, given=_wrong_token, is_public=True),
}
