"""The release is whole: the wheel works away from the checkout, and the sdist builds the same."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from pathlib import Path

import pytest
from tools.package import build, write_checksums
from tools.try_installed import try_installed

ROOT = Path(__file__).resolve().parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the sdist; building them compares the wheel with the one from the sdist."""
    return build(tmp_path_factory.mktemp("release") / "dist")


@pytest.fixture
def programs(tmp_path, built):
    """The programs of an environment with the wheel, whose libraries are those of the tests."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    [site_packages] = environment.glob("lib/python*/site-packages")
    (site_packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    pip = [environment / "bin" / "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", built[0]], check=True)
    return environment / "bin"


def test_the_installed_wheel_checks_fills_serves_and_runs_the_demo(programs, tmp_path, capsys):
    try_installed(programs, tmp_path, version=VERSION)

    assert capsys.readouterr().out == "The installed package works.\n"


def test_testing_a_package_of_another_version_ends_with_a_clear_message(programs, tmp_path):
    with pytest.raises(SystemExit, match="--version prints another one"):
        try_installed(programs, tmp_path, version="9.9.9")


def test_a_wheel_without_static_files_is_refused(programs, tmp_path):
    [styles] = programs.parent.rglob("billhook/billhook.css")
    styles.unlink()

    with pytest.raises(OSError, match="404"):
        try_installed(programs, tmp_path, version=VERSION)


def test_the_sdist_contains_everything_needed_to_build_test_and_run_it(built):
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    needed = {"README.md", "LICENSE", "CHANGELOG.md", "Makefile", "requirements/runtime.txt"}
    assert needed - names == set()
    assert {name.partition("/")[0] for name in names} >= {"docs", "src", "tests", "tools"}
    assert not any(name.startswith((".venv", "dist", "data")) for name in names)


def test_the_checksums_are_those_of_the_files(built, tmp_path):
    write_checksums(tmp_path, built)

    listed = dict(
        reversed(line.split("  ")) for line in (tmp_path / "SHA256SUMS").read_text().splitlines()
    )
    assert listed == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in built}


def test_the_newest_release_of_the_changelog_is_this_version_and_has_a_date():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    newest = next(heading for heading in headings if heading != "Unreleased")

    assert re.fullmatch(rf"{re.escape(VERSION)} \(\d{{4}}-\d\d-\d\d\)", newest)
