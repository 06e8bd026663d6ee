"""Django's settings: safe by default, and as the environment says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command


def settings_with(tmp_path: Path, *names: str, **environ: str) -> dict[str, Any]:
    """Return what *names* are in a process of its own with *environ*."""
    code = (
        "import json, sys\nfrom django.conf import settings\n"
        "print(json.dumps({n: getattr(settings, n) for n in sys.argv[1:]}, default=str))"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "billhook.portal.project.settings",
        "BILLHOOK_DATA_DIR": str(tmp_path / "data"),
        **environ,
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *names], env=environment, capture_output=True, check=True
    )
    values: dict[str, Any] = json.loads(done.stdout)
    return values


_COOKIES = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_NAME")


def test_under_https_cookies_are_bound_to_the_host_and_to_https(tmp_path: Path) -> None:
    values = settings_with(
        tmp_path,
        *_COOKIES,
        "SECURE_HSTS_SECONDS",
        "ALLOWED_HOSTS",
        BILLHOOK_PUBLIC_URL="https://invoices.example.com",
    )
    assert values["SESSION_COOKIE_SECURE"] is values["CSRF_COOKIE_SECURE"] is True
    assert values["SESSION_COOKIE_NAME"] == "__Host-billhook"
    assert values["SECURE_HSTS_SECONDS"] > 0
    assert values["ALLOWED_HOSTS"][0] == "invoices.example.com"


def test_on_this_machine_plain_http_works(tmp_path: Path) -> None:
    values = settings_with(tmp_path, *_COOKIES, "SECURE_HSTS_SECONDS", "DEBUG")
    assert values["SESSION_COOKIE_SECURE"] is values["CSRF_COOKIE_SECURE"] is False
    assert values["SECURE_HSTS_SECONDS"] == 0
    assert values["DEBUG"] is False


def test_reading_settings_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    settings_with(tmp_path, "DEBUG")
    assert list(tmp_path.iterdir()) == []


def test_every_process_signs_with_the_same_key_which_is_private(tmp_path: Path) -> None:
    keys = {settings_with(tmp_path, "SECRET_KEY")["SECRET_KEY"] for _ in range(2)}
    assert len(keys) == 1
    assert len(keys.pop()) > 50
    file = tmp_path / "data" / "signing.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_an_invalid_setting_stops_the_start_with_its_message(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as raised:
        settings_with(tmp_path, "DEBUG", BILLHOOK_ALLOW="nonsense")
    assert b"Write host:port or host:port=network" in raised.value.stderr


def test_the_models_and_the_migrations_agree(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_system_check_finds_nothing(db: None) -> None:
    call_command("check", fail_level="WARNING")


def test_sqlite_enforces_foreign_keys_and_uses_write_ahead_logging(tmp_path: Path) -> None:
    code = (
        "import django; django.setup()\nfrom django.db import connection\n"
        "with connection.cursor() as c:\n"
        "    for p in ('journal_mode', 'synchronous', 'foreign_keys'):\n"
        "        print(c.execute(f'PRAGMA {p}').fetchone()[0])"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "billhook.portal.project.settings",
        "BILLHOOK_DATA_DIR": str(tmp_path / "deep" / "data"),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"wal", b"1", b"1"]
