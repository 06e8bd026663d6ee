"""Every command for operators works on an installation that exists, and never makes one."""

from __future__ import annotations

import pytest

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


def test_a_folder_of_something_else_is_refused_and_left_as_it_is(command, tmp_path):
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
    assert "SQLITE_NOTADB" in refused["message"]


def test_an_invalid_setting_is_reported_by_name(opening, installation):
    refused = installation.refused(*opening, BILLHOOK_WORKERS="many")
    assert "BILLHOOK_WORKERS" in refused["message"]
