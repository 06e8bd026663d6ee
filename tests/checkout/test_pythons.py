"""Pythons that `make test-pythons` finds and uses."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from tools import test_pythons as pythons

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def runs(monkeypatch) -> list[tuple[str, bool]]:
    """The Pythons on which tests would run, and whether as the newest."""
    runs: list[tuple[str, bool]] = []

    def test_on(version, python, *, is_newest, arguments):
        runs.append((version, is_newest))
        return 0

    monkeypatch.setattr(pythons, "test_on", test_on)
    return runs


def here(monkeypatch, *versions: str) -> None:
    found = {version: Path(sys.executable) for version in versions}
    monkeypatch.setattr(pythons, "find_python", found.get)


def test_the_oldest_supported_python_is_the_one_that_the_package_requires():
    root = Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert f">={pythons.supported_versions()[0]}" == project["requires-python"]


def test_the_newest_python_runs_more_than_the_others(monkeypatch, runs):
    others = [version for version in pythons.supported_versions() if version != RUNNING]
    here(monkeypatch, *others)
    assert pythons.main([]) == 0
    newest = pythons.supported_versions()[-1]
    assert runs == [(version, version == newest) for version in others]


def test_a_python_that_is_not_installed_is_skipped_with_one_line(monkeypatch, runs, capsys):
    here(monkeypatch)
    assert pythons.main([]) == 0
    assert runs == []
    [line] = capsys.readouterr().out.splitlines()
    for version in pythons.supported_versions():
        assert (version in line) == (version != RUNNING)


def test_a_failure_on_one_python_is_the_exit_status(monkeypatch):
    others = [version for version in pythons.supported_versions() if version != RUNNING]
    here(monkeypatch, *others)
    statuses = iter([3, 0, 0])
    monkeypatch.setattr(pythons, "test_on", lambda *_, **__: next(statuses))
    assert pythons.main([]) == 3


def test_a_python_is_usable_if_it_runs_and_has_the_right_version(tmp_path):
    shim = tmp_path / "python"
    shim.write_text("#!/bin/sh\necho 'version is not installed' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert pythons.is_usable(Path(sys.executable), RUNNING)
    assert not pythons.is_usable(Path(sys.executable), "3.10")
    assert not pythons.is_usable(shim, RUNNING)
