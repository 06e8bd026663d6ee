"""Every command for operators works on an installation that exists, and never makes one."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import OperationalError

from billhook.portal.installation import environment
from billhook.server.operations.installation import refusal_of_database
from cli.operator import Installation

OPENING = [
    ("rotate-secrets",),
    ("backup", "refused.backup"),
    ("mail", "test", "me@acme.example"),
    ("organisations", "list"),
    ("members", "disable", "owner@acme.example"),
    ("sessions", "end", "--all"),
]
"""The commands that need an installation in order; the doctor examines one that isn't."""
COMMANDS = [*OPENING, ("doctor",)]


@pytest.fixture(params=COMMANDS, ids=" ".join)
def command(request) -> tuple[str, ...]:
    return request.param


@pytest.fixture(params=OPENING, ids=" ".join)
def opening(request) -> tuple[str, ...]:
    return request.param


def test_a_folder_that_does_not_exist_is_refused_and_not_created(command, tmp_path):
    nowhere = Installation(tmp_path / "nowhere")
    refused = nowhere.refused(*command)
    assert (refused["code"], refused["where"]) == ("no-data-folder", "--data-dir")
    assert str(nowhere.folder) in refused["message"]
    assert not nowhere.folder.exists()


def test_a_folder_of_something_else_is_refused_and_left_unchanged(command, tmp_path):
    (tmp_path / "holiday.jpg").touch()
    refused = Installation(tmp_path).refused(*command)
    assert refused["code"] == "not-a-data-folder"
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_file_instead_of_a_folder_is_refused(command, tmp_path):
    (tmp_path / "data").touch()
    assert Installation(tmp_path / "data").refused(*command)["code"] == "no-data-folder"


def test_a_folder_without_its_database_is_refused(command, installation):
    (installation.folder / "billhook.sqlite3").unlink()
    refused = installation.refused(*command)
    assert refused["code"] == "no-database"
    assert "BILLHOOK_DATABASE_URL" in refused["message"]
    assert not (installation.folder / "billhook.sqlite3").exists()


def test_an_unavailable_database_is_named_without_its_password(opening, installation):
    address = "postgresql://billhook:canary@127.0.0.1:9/billhook"
    refused = installation.refused(*opening, BILLHOOK_DATABASE_URL=address)
    assert refused["code"] == "database"
    assert "BILLHOOK_DATABASE_URL" in refused["message"]
    assert "canary" not in str(refused)


def test_a_damaged_database_is_named(opening, installation):
    (installation.folder / "billhook.sqlite3").write_bytes(b"no database at all" * 1000)
    refused = installation.refused(*opening)
    assert refused["code"] == "database"
    assert "(DatabaseError (SQLITE_NOTADB)): it is damaged." in refused["message"]


def test_an_invalid_setting_is_reported_by_name(opening, installation):
    refused = installation.refused(*opening, BILLHOOK_WORKERS="many")
    assert "BILLHOOK_WORKERS" in refused["message"]


def test_a_wrong_setting_is_named_once(installation: Installation) -> None:
    done = installation.run("members", "list", BILLHOOK_WORKERS="many")
    expected = "BILLHOOK_WORKERS: expected a whole number from 1 to 64, got many.\n"
    assert (done.returncode, done.stderr) == (2, expected)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("SQLITE_FULL", "its disk is full. Make room there."),
        ("SQLITE_IOERR_SHMSIZE", "its disk is full, or fails."),
        ("SQLITE_BUSY_SNAPSHOT", "another program keeps it locked. Try again"),
        ("SQLITE_READONLY_DIRECTORY", "Run this as the user that runs the server."),
        ("SQLITE_ERROR", "it is damaged, its disk is full, or another program keeps it locked."),
    ],
)
def test_the_reason_that_sqlite_gives_decides_the_advice(
    name: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "current", lambda: SimpleNamespace(database_url=""))
    cause = sqlite3.OperationalError("canary")
    cause.sqlite_errorname = name
    error = OperationalError("canary")
    error.__cause__ = cause
    message = str(refusal_of_database(error))
    assert advice in message
    assert "canary" not in message


def test_a_backup_to_standard_output_is_refused(installation: Installation, tmp_path: Path) -> None:
    done = installation.run("backup", "-")
    assert (done.returncode, done.stdout) == (2, "")
    assert "only to a file. Name a file." in done.stderr
