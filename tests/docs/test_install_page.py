"""docs/install.md is followed word for word, in a copy of this machine that is then dropped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tools.package import LOCK, make_release

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "install.md").read_text()
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
FOLLOW = Path(__file__).with_name("follow_page.sh")
is_possible = os.geteuid() == 0 and shutil.which("unshare") is not None


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    """The files of the release, and in ``libraries`` those that pip would download."""
    folder = tmp_path_factory.mktemp("follow") / "release"
    make_release(folder)
    environment = folder.parent / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    download = ["download", "--quiet", "--no-deps", "--require-hashes", "-r", LOCK]
    pip = environment / "bin" / "pip"
    subprocess.run([pip, *download, "-d", folder.parent / "libraries"], check=True)
    return folder


@pytest.mark.timeout(600)  # it downloads and installs every library
@pytest.mark.skipif(not is_possible, reason="only root can make a copy of the machine")
def test_its_commands_lead_from_the_release_to_a_running_service(release):
    followed = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", FOLLOW, release],
        input="".join(blocks("sh")),
        env={"PYTHON": sys.executable, "PATH": os.defpath + ":/usr/sbin:/sbin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert followed.returncode == 0, followed.stdout + followed.stderr
    for fact in (
        f"billhook {VERSION}",
        "ready",
        "systemctl enable --now billhook",
        "systemctl reload-or-restart caddy",
        "/var/lib/billhook-backups/billhook.backup: ",
        "600 billhook /var/lib/billhook/setup.code",
        "640 root billhook.env",
    ):
        assert fact in followed.stdout, followed.stdout


def test_it_names_the_files_of_this_release():
    named = set(re.findall(r"billhook-(\d+\.\d+\.\d+)", PAGE))

    assert named == {VERSION}
    assert f"`billhook {VERSION}`" in PAGE


def test_every_file_that_it_installs_or_shows_is_in_the_source():
    named = set(re.findall(r"deploy/[\w./-]+\w", PAGE))

    assert len(named) > 5
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_caddyfile_that_it_shows_is_the_one_that_it_installs():
    [shown] = blocks("caddyfile")
    lines = (ROOT / "deploy" / "Caddyfile").read_text().splitlines(keepends=True)

    assert shown == "".join(line for line in lines if not line.startswith("#"))


@pytest.mark.parametrize("block", blocks("sh") + blocks("bash"))
def test_every_block_of_commands_is_valid_shell(block):
    done = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
