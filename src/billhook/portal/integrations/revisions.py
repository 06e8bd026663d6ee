"""Reports to every running process that a configuration or a key has changed."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.db.models import F

from billhook.portal.integrations.models import Change, Revision
from billhook.portal.integrations.store import get_store

KEPT: Final = 10_000
"""The changes that are kept. A process that has missed more looks at everything again."""
_DELETE_EVERY: Final = 100


def announce_change(*, organisation_id: str, integration_id: str = "", key_id: str = "") -> None:
    """Let the stores of all processes learn of the change that the current transaction makes.

    Call this first in the transaction: the row is then a lock, too, and changes come one by one.
    """
    number = _next_number()
    Change.objects.create(
        number=number, organisation_id=organisation_id, integration_id=integration_id, key_id=key_id
    )
    if number % _DELETE_EVERY == 0:
        Change.objects.filter(number__lte=number - KEPT).delete()
    transaction.on_commit(get_store().notice_change, robust=True)


def _next_number() -> int:
    row = Revision.objects.filter(pk=1)
    if not row.update(number=F("number") + 1):
        Revision.objects.get_or_create(pk=1)
        row.update(number=F("number") + 1)
    return row.values_list("number", flat=True).get()
