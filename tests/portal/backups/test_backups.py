"""The record of the last backup, and when it is too old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from billhook.portal.backups.access import is_backup_overdue, last_backup
from billhook.portal.backups.services import record_backup
from billhook.portal.installation import environment

pytestmark = pytest.mark.django_db


@pytest.fixture
def weekly() -> Iterator[None]:
    """An operator who wants a backup every week."""
    environment.put("BILLHOOK_BACKUP_DAYS", "7")
    yield
    environment.put("BILLHOOK_BACKUP_DAYS", "")


def record(made_at: datetime) -> None:
    record_backup(made_at=made_at, size=1000, is_encrypted=True)


def test_a_later_backup_replaces_the_previous_one() -> None:
    now = timezone.now()
    assert last_backup() is None
    record(now - timedelta(days=1))
    record(now)
    last = last_backup()
    assert last is not None
    assert (last.made_at, last.bytes, last.is_encrypted) == (now, 1000, True)


def test_a_backup_is_overdue_after_the_configured_number_of_days(weekly: None) -> None:
    now = timezone.now()
    assert is_backup_overdue(now=now)
    record(now - timedelta(days=8))
    assert is_backup_overdue(now=now)
    record(now - timedelta(days=6))
    assert not is_backup_overdue(now=now)


def test_without_the_setting_no_backup_is_overdue() -> None:
    assert not is_backup_overdue(now=timezone.now())
