"""The arrows of the house are the only imports, and the built wheel is whole."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_arrows_of_the_house_are_the_only_imports():
    lint = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    result = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-c", f"import hatchling.build as b; b.build_wheel({str(folder)!r})"]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_contains_every_file_of_the_package(wheel):
    listed = ["git", "ls-files", "src/billhook"]
    tracked = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    expected = {line.removeprefix("src/") for line in tracked.split("\n") if line}
    present = {name for name in expected if (ROOT / "src" / name).exists()}
    assert present - set(wheel.namelist()) == set()


def test_the_wheel_brings_the_command_line_and_its_types(wheel):
    names = wheel.namelist()
    entry = next(name for name in names if name.endswith("entry_points.txt"))
    assert b"billhook = billhook.__main__:main" in wheel.read(entry)
    assert "billhook/py.typed" in names


def test_the_lock_files_have_hashes_and_no_host_names():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "--hash=sha256:" in text, path.name
        assert "://" not in text, path.name
        assert "--index" not in text, path.name
