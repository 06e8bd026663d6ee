"""``billhook doctor`` says what is wrong and what to do; only what is broken changes its status."""

from __future__ import annotations

import contextlib
import shutil
import socket  # noqa: TID251 - for a port that nobody listens on
import sqlite3
from typing import Any

import pytest

from cli.operator import Installation
from portal.smtp_server import smtp_server

QUIET = {
    "BILLHOOK_PUBLIC_URL": "https://invoices.example.com",
    "BILLHOOK_EMAIL_FROM": "invoices@acme.example",
    "BILLHOOK_ALLOW": "127.0.0.1:9",
}


@pytest.fixture
def keys(installation: Installation) -> Installation:
    """An installation whose server has been started, so that it has both keys."""
    (installation.folder / "signing.key").write_text("k" * 60)
    (installation.folder / "signing.key").chmod(0o600)
    return installation


def findings(report: dict[str, Any], level: str) -> dict[str, str]:
    """Return the messages of the findings of *level*, by code."""
    return {f["code"]: f["message"] for f in report["findings"] if f["level"] == level}


def broken(installation: Installation, **settings: str) -> dict[str, str]:
    report = installation.json("doctor", status=1, **{**QUIET, **settings})
    found = findings(report, "broken")
    assert report["ok"] is False
    assert report["error"]["code"] in found
    return found


def warnings(installation: Installation, **settings: str) -> dict[str, str]:
    report = installation.json("doctor", **{**QUIET, **settings})
    assert report["ok"] is True
    return findings(report, "warning")


def test_a_healthy_installation_has_no_warning(keys: Installation) -> None:
    with smtp_server() as server:
        done = keys.run(
            "doctor", **QUIET, BILLHOOK_EMAIL_URL=f"smtp+plain://127.0.0.1:{server.port}"
        )
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("\nAll is well.\n")
    assert "warning" not in done.stdout


def test_every_check_is_in_the_report(keys: Installation) -> None:
    report = keys.json("doctor", **QUIET)
    assert [*dict.fromkeys(f["check"] for f in report["findings"])] == [
        "settings",
        "data folder",
        "database",
        "public URL",
        "accounts",
        "keys",
        "nodes",
        "storage",
        "mail",
        "bounces",
        "clock",
        "disk",
        "open files",
        "egress policy",
        "sources",
        "pages",
        "backup",
    ]


def test_nothing_is_changed(keys: Installation) -> None:
    before = {path.name: path.read_bytes() for path in keys.folder.iterdir() if path.is_file()}
    keys.run("doctor", **QUIET)
    after = {path.name: path.read_bytes() for path in keys.folder.iterdir() if path.is_file()}
    assert {name for name in after if not name.endswith(("-wal", "-shm"))} == set(before)
    assert after["secrets.key"] == before["secrets.key"]


def test_an_invalid_setting_is_broken_and_shows_a_valid_value(keys: Installation) -> None:
    found = broken(keys, BILLHOOK_WORKERS="many")
    assert "BILLHOOK_WORKERS" in found["setting"]


def test_a_misspelled_setting_is_a_warning_with_the_right_name(keys: Installation) -> None:
    found = warnings(keys, BILLHOOK_PUBLIC_UR="https://x.example")
    assert "BILLHOOK_PUBLIC_URL" in found["unknown-setting"]


def test_unwise_settings_are_warnings(keys: Installation) -> None:
    found = warnings(
        keys,
        BILLHOOK_PUBLIC_URL="http://invoices.example.com",
        BILLHOOK_TRUSTED_PROXIES="0.0.0.0/0",
        BILLHOOK_BACKUP_DAYS="1",
        BILLHOOK_EMAIL_FROM="",
    )
    assert {"no-https", "every-proxy", "backup-overdue", "mail-not-set"} <= set(found)


def test_an_unavailable_database_is_broken_and_the_other_checks_still_run(
    keys: Installation,
) -> None:
    address = "postgresql://billhook:canary@127.0.0.1:9/billhook"
    report = keys.json("doctor", status=1, **QUIET, BILLHOOK_DATABASE_URL=address)
    assert "database-unavailable" in findings(report, "broken")
    assert "canary" not in str(report)
    assert {"mail", "disk", "pages"} <= {f["check"] for f in report["findings"]}


def test_a_damaged_database_is_broken(keys: Installation) -> None:
    path = keys.folder / "billhook.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as database:
        [(page,)] = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'runs_run'")
        [(size,)] = database.execute("PRAGMA page_size")
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    found = broken(keys)
    assert "billhook restore" in found["database-damaged"]


def test_a_database_that_another_program_has_locked_is_reported_as_not_writable(
    keys: Installation,
) -> None:
    with sqlite3.connect(keys.folder / "billhook.sqlite3", isolation_level=None) as locked:
        locked.execute("BEGIN IMMEDIATE")
        found = broken(keys)
    locked.close()
    assert "SQLITE_BUSY" in found["database-not-writable"]


def test_missing_keys_are_broken_and_are_not_created(keys: Installation) -> None:
    (keys.folder / "secrets.key").unlink()
    assert "backup" in broken(keys)["keys-missing"]
    assert not (keys.folder / "secrets.key").exists()


def test_keys_of_another_installation_are_reported_with_the_secrets_that_they_cannot_decrypt(
    keys: Installation,
) -> None:
    (keys.folder / "secrets.key").write_text("A" * 43 + "=\n")
    found = broken(keys)
    assert "ApiKey of the integration Acme billing" in found["secrets-unreadable"]


def test_files_that_others_can_read_are_broken(keys: Installation) -> None:
    keys.folder.chmod(0o755)
    (keys.folder / "secrets.key").chmod(0o644)
    report = keys.json("doctor", status=1, **QUIET)
    assert "secrets.key" in findings(report, "broken")["files-readable"]
    assert f"chmod 700 {keys.folder}" in findings(report, "warning")["folder-readable"]


def test_a_mail_server_that_refuses_is_broken(keys: Installation) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        found = broken(keys, BILLHOOK_EMAIL_URL=f"smtp+plain://a:canary@127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in found["mail-unreachable"]
    assert "canary" not in str(found)


def test_a_mailbox_for_bounces_that_cannot_be_opened_is_broken(keys: Installation) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        found = broken(keys, BILLHOOK_BOUNCE_MAILBOX=f"imaps://a:canary@127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in found["bounces-unreachable"]
    assert "canary" not in str(found)


def test_a_mailbox_that_is_opened_without_tls_is_a_warning(keys: Installation) -> None:
    url = "imap+plain://a:canary@nowhere.invalid"
    report = keys.json("doctor", status=1, BILLHOOK_BOUNCE_MAILBOX=url)
    found = {finding["code"]: finding["message"] for finding in report["findings"]}
    assert "nowhere.invalid without TLS" in found["bounces-unencrypted"]
    assert "nowhere.invalid:143 can't be found" in found["bounces-host-unknown"]
    assert "canary" not in str(report)


def test_a_source_that_the_policy_denies_is_shown_with_the_line_that_would_allow_it(
    keys: Installation,
) -> None:
    found = warnings(keys, BILLHOOK_ALLOW="10.1.2.3:443")
    assert "http://127.0.0.1:9" in found["source-denied"]
    assert "BILLHOOK_ALLOW=10.1.2.3:443,127.0.0.1:9" in found["source-denied"]


def test_an_allowed_name_that_does_not_resolve_is_a_warning(keys: Installation) -> None:
    found = warnings(keys, BILLHOOK_ALLOW="127.0.0.1:9,erp.invalid:443")
    assert "erp.invalid:443" in found["allowed-name-unknown"]


def test_an_allowed_name_without_its_network_is_shown_with_a_narrower_line(
    keys: Installation,
) -> None:
    found = warnings(keys, BILLHOOK_ALLOW="127.0.0.1:9,localhost:9000")
    assert "localhost:9000=" in found["allowed-wide"]


def test_an_allowance_for_an_organisation_that_does_not_exist_is_a_warning(
    keys: Installation,
) -> None:
    found = warnings(keys, BILLHOOK_ALLOW="127.0.0.1:9@abcdefghjkmn")
    assert "127.0.0.1:9@abcdefghjkmn" in found["allowed-for-nobody"]
    assert "http://127.0.0.1:9" in found["source-denied"]


def test_an_allowance_in_a_closed_network_is_a_warning(keys: Installation) -> None:
    found = warnings(keys, BILLHOOK_DENY="127.0.0.0/8")
    assert "BILLHOOK_DENY" in found["allowed-and-denied"]


def test_a_clock_behind_the_stored_times_is_broken(keys: Installation) -> None:
    with sqlite3.connect(keys.folder / "billhook.sqlite3") as database:
        database.execute("UPDATE accounts_user SET created_at = '2099-01-01 00:00:00'")
    database.close()
    assert "NTP" in broken(keys)["clock-behind"]


def test_an_older_database_is_a_warning(keys: Installation) -> None:
    with sqlite3.connect(keys.folder / "billhook.sqlite3") as database:
        database.execute("DELETE FROM django_migrations WHERE app = 'backups'")
        database.execute("DROP TABLE backups_lastbackup")
    database.close()
    assert "database-older" in warnings(keys)


def test_a_newer_database_is_broken(keys: Installation) -> None:
    with sqlite3.connect(keys.folder / "billhook.sqlite3") as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('runs', '9999_later', '2030-01-01')"
        )
    database.close()
    assert "newer version" in broken(keys)["database-newer"]


def test_a_machine_with_few_open_files_is_broken(keys: Installation) -> None:
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        pytest.skip("prlimit isn't here")
    done = keys.run("doctor", **QUIET, before=(prlimit, "--nofile=500:500"))
    assert done.returncode == 1
    assert "LimitNOFILE=65536" in done.stdout


def test_a_bucket_that_cannot_be_used_is_reported(keys: Installation) -> None:
    storage = "s3://KEY:secret-word@bucket?endpoint=http://127.0.0.1:1"
    report = keys.json("doctor", status=1, **QUIET, BILLHOOK_STORAGE=storage)
    assert "The bucket that BILLHOOK_STORAGE names" in findings(report, "broken")["storage-away"]
    assert "secret-word" not in str(report)
