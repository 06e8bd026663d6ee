"""Reports to every running process that a configuration or a key has changed."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from billhook.portal.integrations.models import Revision
from billhook.portal.integrations.store import get_store


def announce_change() -> None:
    """Let the stores of all processes learn of the change that the current transaction makes.

    Call this first in the transaction: the row is then a lock, too, and changes come one by one.
    """
    if not Revision.objects.filter(pk=1).update(number=F("number") + 1):
        Revision.objects.get_or_create(pk=1, defaults={"number": 1})
    transaction.on_commit(get_store().refresh, robust=True)
