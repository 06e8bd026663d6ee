"""Packages that `make demo` and `make test` install: exactly the locked ones."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.set_up import Place, fingerprint, fingerprint_of_billhook, identity, usable_state

from checkout.package_index import NEWER, SET_UP_TOOLS, Index, locked_here, serving

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with serving(Index(LOCKS, ("build", "runtime", "develop"))) as index:
        yield index


@pytest.fixture
def locks(index, tmp_path) -> Path:
    return index.locks_for(LOCKS, tmp_path / "locks")


@pytest.fixture
def venv(tmp_path) -> Path:
    return tmp_path / "venv"


def make(target: str, *, venv: Path, locks: Path) -> list[str]:
    return [
        "make",
        "--no-print-directory",
        "-C",
        str(ROOT),
        target,
        f"VENV={venv}",
        f"LOCKS={locks}",
        f"PYTHON={sys.executable}",
    ]


def set_up(target: str, *, venv: Path, locks: Path, index: Index) -> str:
    command = make(target, venv=venv, locks=locks)
    done = subprocess.run(
        command, env=index.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(venv: Path, *arguments: str, index: Index) -> subprocess.CompletedProcess[str]:
    command = [venv / "bin/python", "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(
        command, env=index.environment, capture_output=True, text=True, check=False
    )


def installed(venv: Path, *, index: Index) -> dict[str, str]:
    listed = json.loads(pip(venv, "list", "--format=json", index=index).stdout)
    names = {re.sub(r"[-_.]+", "-", one["name"]).lower(): one["version"] for one in listed}
    assert names.pop("billhook")
    return {name: version for name, version in names.items() if name not in SET_UP_TOOLS}


def test_demo_and_then_test_install_exactly_their_locks(index, locks, venv):
    set_up("runtime-ready", venv=venv, locks=locks, index=index)
    runtime = locked_here(LOCKS / "build.txt") | locked_here(LOCKS / "runtime.txt")
    assert installed(venv, index=index) == runtime
    assert "pytest" not in runtime
    set_up("develop-ready", venv=venv, locks=locks, index=index)
    assert installed(venv, index=index) == runtime | locked_here(LOCKS / "develop.txt")
    assert set_up("runtime-ready", venv=venv, locks=locks, index=index) == ""
    resolved = pip(venv, "install", "--no-deps", "--upgrade", "coverage[toml]", index=index)
    assert f"coverage-{NEWER}" in resolved.stdout, (
        "the index has a newer release that pip would take"
    )


def test_an_interrupted_set_up_is_repeated(index, locks, venv):
    index.stalls_at = "django-"
    command = make("runtime-ready", venv=venv, locks=locks)
    make_process = subprocess.Popen(
        command, env=index.environment, start_new_session=True, stdout=subprocess.DEVNULL
    )
    try:
        assert index.stalled.wait(60)
    finally:
        os.killpg(make_process.pid, signal.SIGKILL)
        make_process.wait()
        index.stalls_at = ""
        index.goes_on.set()
    package = next(venv.glob("lib/python*/site-packages")) / "django-5.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: django\nVersion: 5.0\n")
    set_up("runtime-ready", venv=venv, locks=locks, index=index)
    assert installed(venv, index=index)["django"] == locked_here(LOCKS / "runtime.txt")["django"]


@pytest.fixture
def ready(locks, venv) -> Place:
    """A place whose state file says that everything is installed."""
    place = Place(venv=venv, locks=locks)
    place.venv.mkdir()
    names = {name: fingerprint(place.lock(name)) for name in ("build", "runtime")}
    place.state_file.write_text(
        json.dumps({"made": identity(place), "locks": names, "billhook": fingerprint_of_billhook()})
    )
    return place


def test_an_environment_is_usable_until_its_lock_changes(ready):
    assert usable_state(ready) is not None
    with ready.lock("runtime").open("a") as lock:
        lock.write("# changed\n")
    assert usable_state(ready) is None


def test_a_lock_that_was_not_installed_may_change(ready):
    ready.lock("develop").write_text("changed")
    assert usable_state(ready) is not None


def test_an_environment_that_was_moved_is_not_usable(ready, tmp_path):
    moved = Path(shutil.move(ready.venv, tmp_path / "moved"))
    assert usable_state(Place(venv=moved, locks=ready.locks)) is None


@pytest.mark.parametrize("key", ["python", "base"])
def test_an_environment_of_another_python_is_not_usable(ready, key):
    state = json.loads(ready.state_file.read_text())
    state["made"][key] = "another"
    ready.state_file.write_text(json.dumps(state))
    assert usable_state(ready) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_damaged_state_file_makes_an_environment_unusable(ready, text):
    ready.state_file.write_text(text)
    assert usable_state(ready) is None


def test_a_failure_is_explained(index, locks, venv):
    lock = locks / "build.txt"
    lock.write_text(lock.read_text().replace("--hash=sha256:", "--hash=sha256:00", 1))
    command = make("runtime-ready", venv=venv, locks=locks)
    done = subprocess.run(
        command, env=index.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Failed at installing" in done.stderr
    assert "then run make again" in done.stderr
    assert "Traceback" not in done.stderr
