"""Run the tests on the other supported Pythons of this machine: most of them on the newest.

Pages in a browser, the documentation, the checkout and the house rules depend on no Python, so
they are tested on one; ``make test PYTHON=3.13`` runs every test on another. Each Python gets an
environment of its own, from the same lock files. One line says which supported Pythons were left
out, and why.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.run_tests import ROOT, run_pytest

PARTS = ("engine", "gateway", "cli", "sample", "demo")
"""Folders of tests that run on every Python. The demo's shows one VIEW."""
NEWEST_PARTS = (*PARTS, "lab", "server", "portal")
"""Those that run on the newest, whose changes are the most likely to break something."""
MINOR_VERSION = "Programming Language :: Python :: 3."


def main(arguments: Sequence[str]) -> int:
    """Test on each Python that is found, and return the first exit status that isn't 0."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    others = [version for version in supported_versions() if version != running]
    found = {version: python for version in others if (python := find_python(version))}
    missing = [version for version in others if version not in found]
    if missing:
        print(f"Left out: Python {' and '.join(missing)}, since it isn't on this machine.")
    newest = max([*found, running], key=minor)
    statuses = [
        test_on(version, python, is_newest=version == newest, arguments=arguments)
        for version, python in found.items()
    ]
    return next((status for status in statuses if status != 0), 0)


def supported_versions() -> list[str]:
    """Return the Pythons that pyproject.toml names, the oldest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [one for one in project["classifiers"] if one.startswith(MINOR_VERSION)]
    return sorted((name.rpartition(" ")[2] for name in names), key=minor)


def minor(version: str) -> int:
    """Return 13 for 3.13."""
    return int(version.partition(".")[2])


def find_python(version: str) -> Path | None:
    """Return a Python of *version* that runs and can create environments."""
    return next((python for python in candidates(version) if is_usable(python, version)), None)


def candidates(version: str) -> Iterator[Path]:
    """Give the places where a Python of *version* may be: on the PATH, and with pyenv and uv."""
    name = f"python{version}"
    on_path = shutil.which(name)
    if on_path:
        yield Path(on_path)
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/{name}"), reverse=True)
    yield from sorted(home.glob(f".local/share/uv/python/cpython-{version}.*/bin/{name}"))


def is_usable(python: Path, version: str) -> bool:
    """Say whether *python* runs, is of *version*, and has ensurepip and SQLite."""
    program = "import ensurepip, sqlite3, ssl, sys; print('%d.%d' % sys.version_info[:2])"
    command = [python, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == version


def test_on(version: str, python: Path, *, is_newest: bool, arguments: Sequence[str]) -> int:
    """Set up an environment of *python* and run its parts of the tests there."""
    venv = ROOT / f".venv-{version}"
    made = subprocess.run(
        ["make", "--no-print-directory", "develop-ready", f"VENV={venv}", f"PYTHON={python}"],
        cwd=ROOT,
        check=False,
    )
    if made.returncode != 0:
        return made.returncode
    parts = NEWEST_PARTS if is_newest else PARTS
    print(f"Python {version}, {', '.join(parts)}:", flush=True)
    places = [f"tests/{part}" for part in parts]
    return run_pytest(places, arguments, python=venv / "bin" / "python")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
