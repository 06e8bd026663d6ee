"""The wait for PostgreSQL has limits: to connect, for a statement, and for a silent server."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection

from billhook.portal.project.postgresql.limits import TimeLimits

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="only where PostgreSQL is used"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server process that waits a second for a statement."""
    connection.close()
    monkeypatch.setattr(TimeLimits, "statement", 1.0)
    yield
    connection.close()


def ask(statement: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def test_a_statement_that_takes_too_long_is_ended_by_the_server(limit: None) -> None:
    with pytest.raises(OperationalError):
        ask("SELECT pg_sleep(60)")
    assert ask("SELECT 1") == 1


def test_a_server_that_is_silent_is_given_up_and_the_connection_closed(
    limit: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billhook.portal.project.postgresql.base._MORE", -0.5)
    ask("SELECT set_config('statement_timeout', '0', false)")
    began = time.monotonic()
    with pytest.raises(OperationalError):
        ask("SELECT pg_sleep(4)")
    assert time.monotonic() - began < 3
    connection.close_if_unusable_or_obsolete()
    monkeypatch.setattr("billhook.portal.project.postgresql.base._MORE", 3.0)
    assert ask("SELECT 1") == 1


def test_a_process_without_a_limit_sets_none() -> None:
    connection.close()
    assert ask("SHOW statement_timeout") == "0"


def test_the_connection_itself_has_limits() -> None:
    connection.ensure_connection()
    parameters = connection.connection.info.get_parameters()
    assert parameters["connect_timeout"] == "5"
    assert parameters["tcp_user_timeout"] == "20000"
    assert parameters["keepalives_idle"] == "15"


def test_options_in_the_address_count_more(monkeypatch: pytest.MonkeyPatch, limit: None) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "connect_timeout", 2)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "options", "-c statement_timeout=7s")
    parameters = connection.get_connection_params()
    assert (parameters["connect_timeout"], parameters["options"]) == (2, "-c statement_timeout=7s")
