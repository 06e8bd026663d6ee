"""The position in a source's list, encrypted: it may hold a token or an address of the source."""

from __future__ import annotations

import json

from billhook.engine.listing.position import ListPosition
from billhook.engine.secret import Secret
from billhook.portal.integrations.crypto import SecretPlace, SecretUnreadableError
from billhook.portal.integrations.vault import key_ring
from billhook.portal.sync.models import SyncRun, SyncSource


def seal_position(source: SyncSource, position: ListPosition) -> bytes:
    """Return *position* encrypted for its source alone."""
    text = json.dumps(position.to_json())
    return key_ring().encrypt(Secret(text), _place(source))


def open_position(source: SyncSource, run: SyncRun) -> ListPosition | None:
    """Return the position of *run*; None at the beginning, or if its key is gone."""
    if not run.position:
        return None
    try:
        text = key_ring().decrypt(bytes(run.position), _place(source)).reveal()
    except SecretUnreadableError:
        return None
    return ListPosition.from_json(json.loads(text))


def _place(source: SyncSource) -> SecretPlace:
    return SecretPlace(
        organisation_id=source.integration.organisation_id,
        integration_id=source.integration_id,
        name="the position of",  # no secret has a name with a space
    )
