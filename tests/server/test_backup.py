"""A backup is restored anywhere: same rows, readable secrets, on either database."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import forked
from billhook.portal.installation import environment
from cli.operator import Installation
from cli.operator import environment as clean_environment
from migrated import put_tables

ROWS = Path(__file__).with_name("backup_rows.py")
POSTGRESQL = environment.current().database_url
PASSPHRASE = "correct horse battery staple"
KIND = "postgresql" if POSTGRESQL else "sqlite"
DIRECTIONS = [("sqlite", KIND), (KIND, "sqlite")] if POSTGRESQL else [("sqlite", "sqlite")]
on_both = pytest.mark.usefixtures("postgresql")
on_postgresql = pytest.mark.skipif(not POSTGRESQL, reason="needs PostgreSQL")


class World:
    """Makes installations and databases for one test, and removes the databases in the end."""

    def __init__(self, folder: Path, original: Installation) -> None:
        self.folder = folder
        self._original = original
        self._databases: list[str] = []

    def place(self, kind: str, name: str = "") -> Installation:
        """Return where an installation could be: nothing is there yet."""
        name = name or f"data-{secrets.token_hex(4)}"
        settings = () if kind == "sqlite" else (("BILLHOOK_DATABASE_URL", self._new_database()),)
        return Installation(self.folder / name, settings)

    def filled(self, kind: str) -> Installation:
        place = self.place(kind)
        if kind == "sqlite":
            return self._original.copy(place.folder)
        script(place, "fill")
        return place

    def _new_database(self) -> str:
        name = f"billhook_{secrets.token_hex(6)}"
        with psycopg.connect(POSTGRESQL, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        self._databases.append(name)
        return f"{POSTGRESQL.rpartition('/')[0]}/{name}"

    def close(self) -> None:
        for name in self._databases:
            with psycopg.connect(POSTGRESQL, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql() -> str:
    """The database server of this round, or an empty text: a test that asks runs in both."""
    return POSTGRESQL


@pytest.fixture
def world(tmp_path: Path, original: Installation) -> Iterator[World]:
    made = World(tmp_path, original)
    yield made
    made.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation on SQLite that tests only read."""
    made = Installation(tmp_path_factory.mktemp("original") / "data")
    put_tables(made.folder)
    script(made, "fill")
    return made


@pytest.fixture(scope="module")
def everything(original: Installation) -> Any:
    """All of its rows and secrets."""
    return script(original, "dump")


@pytest.fixture(scope="module")
def backup(original: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its backup, not encrypted."""
    file = tmp_path_factory.mktemp("backup") / "backup"
    assert original.run("backup", file).returncode == 0
    return file


def script(place: Installation, name: str) -> Any:
    """Run a function of :mod:`backup_rows` on an installation, and return its result."""
    done = forked.run(command(name), env=variables(place))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null")


def command(name: str) -> list[str]:
    return [sys.executable, str(ROWS), name]


def variables(place: Installation) -> dict[str, str]:
    tests = str(Path(__file__).parents[1])
    return clean_environment(
        BILLHOOK_DATA_DIR=str(place.folder), PYTHONPATH=tests, **dict(place.settings)
    )


@on_both
@pytest.mark.parametrize(("of", "to"), DIRECTIONS)
def test_a_restored_installation_is_the_same(world: World, of: str, to: str) -> None:
    original, new = world.filled(of), world.place(to)
    made = original.json("backup", world.folder / "backup")
    assert made["backup"]["rows"]["runs.run"] == 50
    restored = new.json("restore", world.folder / "backup")
    assert restored["restored"]["rows"] == made["backup"]["rows"]
    before, after = script(original, "dump"), script(new, "dump")
    assert after == before
    assert after["secrets"] == {"ApiKey": "canary-secret"}
    script(new, "go_on")  # numbers that the database gives go on after the restored ones
    assert new.run("rotate-secrets").returncode == 0


@on_both
def test_a_backup_under_load_is_a_consistent_snapshot(world: World) -> None:
    original, new = world.filled(KIND), world.place("sqlite")
    with forked.start(
        command("write"), env=variables(original), stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        try:
            time.sleep(0.3)
            done = original.run("backup", world.folder / "backup")
            assert done.returncode == 0, done.stderr
            assert writer.poll() is None
        finally:
            writer.kill()
    assert new.run("restore", world.folder / "backup").returncode == 0
    written = script(new, "written")
    assert written["invoices"] == [f"W-{number:06}" for number in range(len(written["invoices"]))]
    assert written["customers"] == written["invoices"]
    assert len(written["invoices"]) > 0
    later = script(original, "written")["invoices"]
    assert later[: len(written["invoices"])] == written["invoices"]


def test_an_encrypted_backup_contains_nothing_readable(
    original: Installation, everything: Any, tmp_path: Path
) -> None:
    file, new = tmp_path / "backup", Installation(tmp_path / "new")
    passphrase = {"PASSPHRASE": PASSPHRASE}
    made = original.json("backup", file, "--passphrase", "env:PASSPHRASE", **passphrase)
    assert made["backup"]["encrypted"]
    content = file.read_bytes()
    assert b"rows/" not in content
    assert b"\x1f\x8b\x08" not in content[:64]
    new.json("restore", file, "--passphrase", "env:PASSPHRASE", **passphrase)
    assert script(new, "dump") == everything


def test_a_wrong_or_missing_passphrase_changes_nothing(
    original: Installation, tmp_path: Path, backup: Path
) -> None:
    file, new = tmp_path / "backup", Installation(tmp_path / "new")
    (tmp_path / "right").write_text(PASSPHRASE + "\n")
    (tmp_path / "wrong").write_text("wrong horse battery staple\n")
    right, wrong = f"file:{tmp_path / 'right'}", f"file:{tmp_path / 'wrong'}"
    assert original.run("backup", file, "--passphrase", right).returncode == 0
    refusals = {
        "wrong-passphrase": new.refused("restore", file, "--passphrase", wrong),
        "passphrase-needed": new.refused("restore", file),
        "not-encrypted": new.refused("restore", backup, "--passphrase", right),
    }
    assert {code: error["code"] for code, error in refusals.items()} == {c: c for c in refusals}
    assert not new.folder.exists()


def test_a_passphrase_is_never_an_argument_and_never_short(
    original: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    refused = original.refused("backup", file, "--passphrase", PASSPHRASE)
    assert PASSPHRASE not in str(refused)
    assert "file:PATH" in refused["message"]
    short = original.refused("backup", file, "--passphrase", "env:SHORT", SHORT="short")
    assert short["code"] == "too-short"
    assert original.refused("backup", file, "--passphrase", "prompt")["code"] == "no-terminal"
    assert list(tmp_path.iterdir()) == []


def test_a_backup_is_readable_by_its_owner_only_and_leaves_no_temporary_file(
    original: Installation, tmp_path: Path
) -> None:
    assert original.run("backup", tmp_path / "backup").returncode == 0
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_everything_restored_is_readable_by_its_owner_only(backup: Path, tmp_path: Path) -> None:
    new = Installation(tmp_path / "new")
    assert new.run("restore", backup, BILLHOOK_EMAIL_URL="smtp://mail.example").returncode == 0
    assert stat.S_IMODE(new.folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in new.folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert set(modes) == {"billhook.sqlite3", "secrets.key", "signing.key", "start.lock"}


def test_the_settings_of_the_old_machine_are_kept_for_reading(
    original: Installation, tmp_path: Path
) -> None:
    file, new = tmp_path / "backup", Installation(tmp_path / "new")
    settings = {
        "BILLHOOK_EMAIL_FROM": "Zoë's <a@b.example>",
        "BILLHOOK_SIGNING_KEY": "s" * 50,
        "BILLHOOK_WORKERS": "2",
    }
    assert original.run("backup", file, **settings).returncode == 0
    done = new.run("restore", file)
    assert "restored-settings.env" in done.stderr
    shown = subprocess.run(
        ["/bin/sh", "-c", f'. {new.folder}/restored-settings.env; echo "$BILLHOOK_EMAIL_FROM"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "Zoë's <a@b.example>\n"
    text = (new.folder / "restored-settings.env").read_text()
    assert text.splitlines()[1:] == ["BILLHOOK_WORKERS=2"]
    assert (new.folder / "signing.key").read_text().strip() == "s" * 50


def test_a_file_that_exists_is_replaced_only_on_demand(
    original: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    file.write_text("precious")
    assert original.refused("backup", file)["code"] == "file-exists"
    assert file.read_text() == "precious"
    assert original.run("backup", file, "--replace").returncode == 0
    assert file.read_bytes().startswith(b"\x1f\x8b")


@pytest.mark.parametrize("name", ["nowhere/backup", ".", "x" * 300])
def test_a_name_that_cannot_be_a_file_is_refused(
    original: Installation, tmp_path: Path, name: str
) -> None:
    refused = original.refused("backup", tmp_path / name, "--replace")
    assert (refused["code"], refused["where"]) == ("file-unwritable", "FILE")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(original: Installation, tmp_path: Path) -> None:
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        pytest.skip("prlimit isn't here")
    with contextlib.closing(sqlite3.connect(original.folder / "billhook.sqlite3")) as in_use:
        in_use.execute("SELECT count(*) FROM accounts_user")  # SQLite's own files are there now
        limit = (prlimit, "--fsize=2000")
        done = original.run("backup", tmp_path / "backup", "--json", before=limit)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] in {"file-unwritable", "no-room"}
    assert list(tmp_path.iterdir()) == []


def test_an_ended_backup_leaves_nothing_behind(original: Installation, tmp_path: Path) -> None:
    fifo = tmp_path / "passphrase"
    os.mkfifo(fifo)
    arguments = ["backup", str(tmp_path / "backup"), "--passphrase", f"file:{fifo}"]
    process = forked.start(
        [*forked.BILLHOOK, *arguments, "--data-dir", str(original.folder)],
        env=clean_environment(),
        stderr=subprocess.PIPE,
    )
    with fifo.open("w"):  # it is running, and waits for the passphrase
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == [fifo]


@on_both
def test_the_last_backup_is_recorded(world: World) -> None:
    original = world.place(KIND)
    script(original, "fill")
    settings = {"BILLHOOK_BACKUP_DAYS": "1"}
    before = original.json("doctor", **settings)
    assert "backup-overdue" in {finding["code"] for finding in before["findings"]}
    assert original.run("backup", world.folder / "backup").returncode == 0
    after = original.json("doctor", **settings)
    assert "backup-overdue" not in {finding["code"] for finding in after["findings"]}


def test_an_installation_is_never_overwritten(
    original: Installation, everything: Any, backup: Path, tmp_path: Path
) -> None:
    assert original.refused("restore", backup)["code"] == "installation-exists"
    assert script(original, "dump") == everything
    (tmp_path / "letter.txt").touch()
    assert Installation(tmp_path).refused("restore", backup)["code"] == "folder-not-empty"
    file = Installation(tmp_path / "letter.txt")
    assert file.refused("restore", backup)["code"] == "no-data-folder"
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_an_empty_folder_is_accepted(backup: Path, everything: Any, tmp_path: Path) -> None:
    new = Installation(tmp_path / "empty")
    new.folder.mkdir()
    assert new.run("restore", backup).returncode == 0
    assert script(new, "dump") == everything


@on_both
@on_postgresql
def test_a_database_with_tables_is_never_overwritten(world: World, backup: Path) -> None:
    original = world.filled("postgresql")
    before = script(original, "dump")
    other = Installation(world.folder / "other", original.settings)
    assert other.refused("restore", backup)["code"] == "database-not-empty"
    assert script(original, "dump") == before
    assert not other.folder.exists()


@on_both
def test_keys_of_another_installation_are_refused_and_leave_nothing(
    world: World, backup: Path
) -> None:
    new = world.place(KIND)
    other = {"BILLHOOK_SECRETS_KEYS": "A" * 43 + "="}
    assert new.refused("restore", backup, **other)["code"] == "keys-differ"
    assert not new.folder.exists()
    assert new.run("restore", backup).returncode == 0  # the database is empty as before


def test_the_same_keys_in_the_environment_are_not_written_to_a_file(
    original: Installation, backup: Path, tmp_path: Path
) -> None:
    lines = (original.folder / "secrets.key").read_text().split()
    keys = {"BILLHOOK_SECRETS_KEYS": lines[-1]}
    new = Installation(tmp_path / "new", tuple(keys.items()))
    assert new.run("restore", backup).returncode == 0
    assert not (new.folder / "secrets.key").exists()
    assert script(new, "dump")["secrets"] == {"ApiKey": "canary-secret"}


@on_both
def test_a_backup_of_an_older_version_is_migrated(world: World) -> None:
    older, new = world.filled(KIND), world.place(KIND)
    before = script(older, "dump")
    script(older, "migrate_back")
    assert older.refused("rotate-secrets")["code"] == "database-older"
    assert older.run("backup", world.folder / "backup").returncode == 0
    assert new.run("restore", world.folder / "backup").returncode == 0
    assert script(new, "dump") == before


def test_secrets_that_could_not_be_read_before_are_noted(world: World) -> None:
    original, new = world.filled("sqlite"), world.place("sqlite")
    (original.folder / "secrets.key").write_text("A" * 43 + "=\n")
    made = original.json("backup", world.folder / "backup")
    assert "1 of the stored secrets" in str(made["notes"])
    assert "1 stored secret" in str(new.json("restore", world.folder / "backup")["notes"])


def test_a_backup_without_its_keys_is_refused(world: World) -> None:
    original = world.filled("sqlite")
    (original.folder / "secrets.key").unlink()
    refused = original.refused("backup", world.folder / "backup")
    assert "secrets.key" in refused["message"]
    assert "Traceback" not in original.run("backup", world.folder / "backup").stderr
    assert not (original.folder / "secrets.key").exists()
    assert not (world.folder / "backup").exists()


def test_a_restore_that_was_killed_can_be_started_again(
    backup: Path, everything: Any, tmp_path: Path
) -> None:
    new = Installation(tmp_path / "new")
    new.folder.mkdir()
    for name in ("start.lock", "restoring.sqlite3", "restoring.sqlite3-wal"):
        (new.folder / name).write_text("half of it")
    assert new.run("restore", backup).returncode == 0
    assert script(new, "dump") == everything


def test_two_concurrent_restores_create_one_installation(
    backup: Path, everything: Any, tmp_path: Path
) -> None:
    new = Installation(tmp_path / "new")
    arguments = ["restore", str(backup), "--json", "--data-dir", str(new.folder)]
    both = [
        forked.start(
            [*forked.BILLHOOK, *arguments],
            env=clean_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    results = [json.loads(process.communicate(timeout=100)[0]) for process in both]
    assert sorted(result["ok"] for result in results) == [False, True]
    refused = next(result["error"] for result in results if not result["ok"])
    assert refused["code"] in {"busy", "installation-exists", "folder-not-empty"}
    assert script(new, "dump") == everything


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_root_leaves_nothing_in_the_data_folder_that_the_server_cannot_open(
    original: Installation,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # as /var/lib is, and pytest's own folders are not
        other = original.copy(folder / "data")
        script(other, "back_up_as_root")
        owners = {path.name: path.stat().st_uid for path in other.folder.iterdir()}
        assert set(owners.values()) == {other.folder.stat().st_uid} != {0}, owners
        assert "billhook.sqlite3" in owners
        assert {path.stat().st_uid for path in folder.glob("backup-*")} == {0}
