"""The unit for systemd is right, hardened, and agrees with the server."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from billhook.cli.operations.backup import backup as backup_command
from billhook.portal.installation import environment
from billhook.server.errors import CANNOT_START
from server.serving_process import BILLHOOK

SYSTEMD = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
INSTALL_PAGE = SYSTEMD.parents[1] / "docs" / "install.md"
NAMES = {setting.name for setting in environment.SETTINGS}

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd isn't installed here"
)


class _Unit(RawConfigParser):
    """Reads a unit file; the last of several lines of one name wins, as nothing here needs more."""

    def __init__(self, name: str) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",))
        self.optionxform = str
        self.read(SYSTEMD / name)


def service() -> dict[str, str]:
    return dict(_Unit("billhook.service")["Service"])


def assignments(text: str) -> dict[str, str]:
    """Return the settings of an environment file, those in comments, too."""
    found = re.findall(r"^#?(BILLHOOK_\w+)='([^'\n]*)'$", text, re.MULTILINE)
    return dict(found)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_systemd
@pytest.mark.parametrize(
    "name", ["billhook.service", "billhook-backup.service", "billhook-backup.timer"]
)
def test_systemd_finds_nothing_wrong_with_a_unit(tmp_path, name):
    for unit in SYSTEMD.glob("billhook*.*"):
        text = unit.read_text().replace("/opt/billhook/bin/billhook", BILLHOOK)
        (tmp_path / unit.name).write_text(text)

    done = analyze("verify", "--man=no", tmp_path / name)

    assert [line for line in done.stderr.splitlines() if "billhook" in line] == []


@needs_systemd
def test_the_exposure_is_not_above_the_one_that_the_install_page_names():
    done = analyze("security", "--offline=true", SYSTEMD / "billhook.service")
    measured = float(re.search(r"Overall exposure level.*: ([\d.]+)", done.stdout)[1])
    named = float(re.search(r"exposure level of ([\d.]+)", INSTALL_PAGE.read_text())[1])

    assert measured <= named


def test_the_unit_waits_until_the_server_reports_and_is_watched():
    assert service()["Type"] == "notify"
    assert int(service()["WatchdogSec"]) > 0


def test_the_unit_gives_the_server_more_time_to_stop_than_its_runs():
    assert int(service()["TimeoutStopSec"]) > environment.read({}).stop_seconds + 10


def test_the_unit_does_not_restart_a_server_that_cannot_start():
    assert service()["RestartPreventExitStatus"] == str(CANNOT_START)


def test_unit_script_and_page_name_the_same_data_folder_and_settings():
    folder = f"/var/lib/{service()['StateDirectory'].split()[0]}"
    script = (SYSTEMD / "billhook").read_text()

    assert service()["Environment"] == f"BILLHOOK_DATA_DIR={folder}"
    assert f"BILLHOOK_DATA_DIR={folder}\n" in script
    assert f"settings={service()['EnvironmentFile']}\n" in script


def test_the_backup_runs_as_the_service_with_the_same_settings_and_restrictions():
    unit, backup = service(), dict(_Unit("billhook-backup.service")["Service"])
    same = {name for name in unit if name.startswith(("Protect", "Private", "Restrict", "No"))}
    same |= {"User", "Environment", "EnvironmentFile", "CapabilityBoundingSet", "UMask"}
    same.discard("RestartPreventExitStatus")

    assert len(same) > 15
    assert {name: backup.get(name) for name in same} == {name: unit[name] for name in same}


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "with a passphrase"])
def test_the_backup_uses_a_command_that_exists(tmp_path, is_encrypted):
    passphrase = tmp_path / "passphrase"
    if is_encrypted:
        passphrase.write_text("a long passphrase")
    line = dict(_Unit("billhook-backup.service")["Service"])["ExecStart"]
    command = shlex.split(line.replace("$$", "$").replace("%%", "%"))
    script = command[2].replace("/etc/billhook/backup.passphrase", str(passphrase))
    script = script.replace("/opt/billhook/bin/billhook", "printf '%s\\n'")
    done = subprocess.run([*command[:2], script], capture_output=True, text=True, check=True)
    name, *arguments = done.stdout.splitlines()
    given = backup_command.make_context("backup", arguments).params

    assert name == "backup"
    assert given["replace"] is True
    assert re.search(r"^/var/lib/billhook-backups/billhook-[\d-]{10}\.backup$", str(given["file"]))
    assert given["passphrase"] == (f"file:{passphrase}" if is_encrypted else None)


def test_every_line_of_the_sample_settings_is_a_setting_with_a_valid_value():
    given = assignments((SYSTEMD / "billhook.env").read_text())

    assert given.keys() <= NAMES
    assert environment.read(given).public_url == given["BILLHOOK_PUBLIC_URL"]


@pytest.fixture
def script(tmp_path) -> str:
    """The script, with settings of a test, and a program that prints what it gets."""
    program, settings = tmp_path / "print-all", tmp_path / "billhook.env"
    program.write_text('#!/bin/sh\nprintf "%s|" "$BILLHOOK_EMAIL_URL" "$BILLHOOK_DATA_DIR" "$@"\n')
    program.chmod(0o755)
    settings.write_text("# a comment\nBILLHOOK_EMAIL_URL='smtp://a:$HOME%20\"`x`\\n@mail'\n")
    text = (SYSTEMD / "billhook").read_text()
    for old, new in (
        ("/etc/billhook/billhook.env", str(settings)),
        ("/opt/billhook/bin/billhook", str(program)),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.skipif(os.geteuid() != 0, reason="the script is for root")
def test_the_script_runs_with_the_settings_of_the_service_exactly_as_they_are_written(script):
    command = ["sh", "-c", script, "billhook", "mail test", "$x"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == 'smtp://a:$HOME%20"`x`\\n@mail|/var/lib/billhook|mail test|$x|'


@pytest.mark.skipif(os.geteuid() != 0, reason="the script is for root")
def test_the_script_leaves_the_server_to_the_service(script):
    command = ["sh", "-c", script, "billhook", "serve"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "systemctl start billhook" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_script_refuses_everyone_except_root_with_a_clear_message():
    script = (SYSTEMD / "billhook").read_text()
    command = ["setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("Run billhook as root here")
