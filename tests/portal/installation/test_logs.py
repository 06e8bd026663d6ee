"""Log lines: constant keys, and no text of an exception."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from typing import Any

import django.db
import pytest
from django.db import connection, transaction

from billhook.portal.installation.logs import name_of

_CODE = """
import logging, structlog
from billhook.portal.installation.logs import configure
configure({"log_format": FORMAT, "log_level": "info"})
try:
    try:
        raise ConnectionError("https://billing.example/?key=canary")
    except ConnectionError as error:
        raise RuntimeError("canary again") from error
except RuntimeError as error:
    logging.getLogger("django.request").error("Internal Server Error: %s", "/x", exc_info=True)
    structlog.get_logger("billhook.test").error("it_failed", run="abc", exc_info=error)
logging.getLogger("x").debug("never")
"""


def lines(log_format: str) -> list[str]:
    """Return what is logged in a process of its own."""
    code = _CODE.replace("FORMAT", repr(log_format))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b""
    return done.stderr.decode().splitlines()


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_text_of_an_exception_is_logged(log_format: str) -> None:
    assert "canary" not in "\n".join(lines(log_format))
    assert "never" not in "\n".join(lines(log_format))


def test_json_lines_have_constant_keys_and_say_where_it_failed() -> None:
    theirs, ours = (json.loads(line) for line in lines("json"))
    common = {"event", "level", "logger", "timestamp", "error", "trace"}
    assert theirs.keys() == common
    assert ours.keys() == common | {"run"}
    assert (ours["event"], ours["error"], ours["run"]) == ("it_failed", "RuntimeError", "abc")
    assert any("<string>" in place for place in _places(ours))


def _places(line: dict[str, Any]) -> list[str]:
    return [str(place) for place in line["trace"]]


def test_an_error_of_the_database_is_named_with_its_own_code() -> None:
    full = sqlite3.OperationalError("database or disk is full: canary")
    full.sqlite_errorname = "SQLITE_FULL"
    wrapped = django.db.OperationalError("canary")
    wrapped.__cause__ = full

    assert name_of(wrapped) == "OperationalError (SQLITE_FULL)"
    assert name_of(django.db.OperationalError("canary")) == "OperationalError"


@pytest.mark.django_db
def test_a_real_error_of_the_database_has_a_code() -> None:
    with pytest.raises(django.db.DatabaseError) as raised, transaction.atomic():
        connection.cursor().execute("SELECT * FROM canary")

    assert name_of(raised.value) in {
        "OperationalError (SQLITE_ERROR)",
        "ProgrammingError (42P01)",
    }


_TWICE = """
import structlog
from billhook.portal.installation.logs import configure
log = structlog.get_logger("billhook.test")
for log_format in ("text", "json"):
    configure({"log_format": log_format, "log_level": "info"})
    log.info("used")
"""


def test_a_second_configuration_reaches_a_logger_that_was_used_before() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TWICE], env={}, capture_output=True, text=True, check=True
    )
    as_text, as_json = done.stderr.splitlines()
    assert "used" in as_text
    assert not as_text.startswith("{")
    assert json.loads(as_json)["event"] == "used"


@pytest.mark.parametrize("times", [1, 2])
def test_lines_can_be_captured_after_any_configuration(times: int) -> None:
    code = f"""
import structlog.testing
{_TWICE}
for _ in range({times}):
    configure({{"log_format": "json", "log_level": "info"}})
with structlog.testing.capture_logs() as lines:
    log.info("captured")
print([line["event"] for line in lines])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "['captured']\n"
