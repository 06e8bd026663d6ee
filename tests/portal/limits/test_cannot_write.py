"""If the database accepts nothing, nothing passes uncounted, and the true reason is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from billhook.portal.installation.logs import Seldom
from billhook.portal.limits import counters
from billhook.portal.limits.counters import CannotWrite
from portal.cast import Cast, signed_in


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "_say", Seldom(30))


@contextmanager
def read_only() -> Iterator[None]:
    """Let the database refuse each write, as a full one does."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            _execute("SET TRANSACTION READ ONLY")
            yield
            transaction.set_rollback(True)  # undoes it
        return
    _execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        _execute("PRAGMA query_only = OFF")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def asking(page: str, cast: Cast) -> Callable[[], Any]:
    match page:
        case "code":
            return lambda: Client().post("/sign-in", {"email": "carla@acme.example"})
        case "password":
            typed = {"login": "carla@acme.example", "password": "a wrong one"}
            return lambda: Client().post("/sign-in/password", typed)
        case _:
            browser = signed_in(cast.alice)
            address = reverse("backoffice:integration-new-try", args=[cast.harper.id])
            return lambda: browser.post(address, {"name": "Acme"})


@pytest.mark.parametrize("page", ["code", "password", "try"])
def test_a_limited_request_is_refused_with_the_true_reason(cast: Cast, page: str) -> None:
    ask = asking(page, cast)
    with read_only(), structlog.testing.capture_logs() as lines:
        response = ask()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "60")
    said = response.content.decode()
    assert "The portal can't write at the moment" in said
    assert "Too many" not in said
    assert [line["event"] for line in lines] == ["tries-not-counted"]


def test_many_refusals_leave_one_log_line(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    ask = asking("password", cast)
    with read_only(), structlog.testing.capture_logs() as lines:
        for _ in range(5):
            ask()
    assert [line["event"] for line in lines] == ["tries-not-counted"]
    assert caplog.records == []


def test_earlier_counts_are_still_there(db: None) -> None:
    cache.set("tries", 3)
    with read_only():
        for write in (
            lambda: cache.add("other", 1),
            lambda: cache.set("tries", 4),
            lambda: cache.touch("tries", 5),
            lambda: cache.delete("tries"),
        ):
            with pytest.raises(CannotWrite), transaction.atomic():
                write()
        assert cache.get("tries") == 3


def test_only_the_first_creates_an_entry(db: None) -> None:
    assert cache.add("lock", 1)
    assert not cache.add("lock", 2)
    assert cache.get("lock") == 1
    assert not cache.touch("nothing")
