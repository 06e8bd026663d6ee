"""Long work on the database goes in steps, rests between them, and ends when it has to."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from billhook.portal.accounts.models import CacheEntry
from billhook.portal.limits import pace as pace_module
from billhook.portal.limits.pace import Pace

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "CHUNK", 10)
    expires = timezone.now() + timedelta(days=1)
    CacheEntry.objects.bulk_create(
        CacheEntry(cache_key=str(number), value="", expires=expires) for number in range(35)
    )


def test_everything_is_deleted_in_steps(entries: None) -> None:
    assert Pace(rest=0.0).delete(CacheEntry.objects.all()) == 35
    assert not CacheEntry.objects.exists()


def test_a_step_ends_the_work_when_the_server_stops(entries: None) -> None:
    ended = threading.Event()
    pace = Pace(ended)
    ended.set()
    assert pace.delete(CacheEntry.objects.all()) == 0
    assert CacheEntry.objects.count() == 35


def test_a_rest_is_a_multiple_of_the_work_and_ends_with_the_server() -> None:
    ended = threading.Event()
    pace = Pace(ended, rest=3.0)
    began = time.monotonic()
    assert pace.rest_after(0.05)
    assert 0.15 <= time.monotonic() - began < 2
    threading.Timer(0.05, ended.set).start()
    began = time.monotonic()
    assert not pace.rest_after(60)
    assert time.monotonic() - began < 3
