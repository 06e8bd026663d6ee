"""A database that is away is a 503 and one log line, not a trace for each page."""

from __future__ import annotations

import sqlite3

import pytest
import structlog
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.test import Client

from billhook.portal.installation.logs import Seldom
from billhook.portal.project import errors
from billhook.portal.project.errors import is_away


def caused(kind: type[Exception], name: str) -> Exception:
    cause = sqlite3.OperationalError("secret-value")
    cause.sqlite_errorname = name
    error = kind("secret-value")
    error.__cause__ = cause
    return error


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """A list whose last error is raised by each look for a session."""
    raised: list[Exception] = []

    def fail(*_: object) -> None:
        raise raised[-1]

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)
    monkeypatch.setattr(errors, "_say", Seldom(30))
    return raised


AWAY = [
    pytest.param(OperationalError("server closed the connection"), id="connection"),
    pytest.param(InterfaceError("the connection is closed"), id="closed"),
    pytest.param(caused(OperationalError, "SQLITE_BUSY"), id="locked"),
    pytest.param(caused(OperationalError, "SQLITE_FULL"), id="full"),
    pytest.param(caused(OperationalError, "SQLITE_IOERR_READ"), id="disk"),
]


@pytest.mark.parametrize("error", AWAY)
def test_pages_respond_with_503_and_log_one_line(
    failing: list[Exception], caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    failing.append(error)
    browser = Client(raise_request_exception=False)
    browser.cookies["billhook"] = "a-session"
    with structlog.testing.capture_logs() as lines:
        responses = [browser.get("/invoices/0123456789ab/document") for _ in range(20)]
    assert {response.status_code for response in responses} == {503}
    assert responses[0].headers["Retry-After"] == "10"
    assert "the database doesn't respond" in responses[0].content.decode()
    assert [line["event"] for line in lines] == ["database-away"]
    assert caplog.records == []
    assert "secret-value" not in f"{lines}{responses[0].content.decode()}"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(caused(OperationalError, "SQLITE_ERROR"), id="no-such-table"),
        pytest.param(ProgrammingError("no such column"), id="mistake"),
        pytest.param(RuntimeError("other"), id="other"),
    ],
)
def test_faults_of_ours_are_no_database_that_is_away(error: Exception) -> None:
    assert not is_away(error)
