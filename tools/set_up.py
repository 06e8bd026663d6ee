"""Set up a virtual environment that holds exactly the packages of the lock files.

pip resolves nothing (``--no-deps``) and builds nothing (``--only-binary``): it installs the locked
versions by their hashes, whatever newer releases the index has. An environment is made again when
its set-up was interrupted, when a lock file changed, and for another Python.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "runtime": ("build", "runtime"),
    "develop": ("build", "runtime", "develop"),
    "bench": ("build", "runtime", "bench"),
    "lab": ("lab",),
}
"""The lock files that each use needs, in the order in which they are installed."""
MEANINGS = {
    "build": "that installing Billhook needs",
    "runtime": "that Billhook needs",
    "develop": "that the checks and tests need",
    "bench": "that the benchmark needs",
    "lab": "that the tests against real systems need",
}
WITHOUT_BILLHOOK = frozenset({"lab"})
"""Uses whose environment has other packages than Billhook, which may contradict its own."""
QUIET = ["--quiet", "--disable-pip-version-check", "--no-input"]
LAST_LINES = 25


class SetUpFailed(Exception):
    """A step failed; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """The environment's folder, and the folder of the lock files."""

    venv: Path
    locks: Path

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.venv / "bin" / "python"

    @property
    def state_file(self) -> Path:
        """Says what has been installed completely. It is missing while something is installed."""
        return self.venv / "set-up.json"

    def lock(self, name: str) -> Path:
        """Return the lock file *name*."""
        return self.locks / f"{name}.txt"


def main(arguments: Sequence[str]) -> int:
    """Set up what *arguments* ask for, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("use", choices=LOCKS)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--locks", type=Path, default=ROOT / "requirements")
    given = parser.parse_args(arguments)
    place = Place(venv=given.venv.absolute(), locks=given.locks.absolute())
    try:
        with one_at_a_time(place.venv.parent):
            set_up(place, given.use)
    except SetUpFailed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSetting up was interrupted. The next `make` starts it again.", file=sys.stderr)
        return 130
    return 0


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait for another set-up in *folder*: two at a time would spoil each other's environment."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def set_up(place: Place, use: str) -> None:
    """Install what *use* needs and the environment doesn't have yet."""
    state = usable_state(place)
    missing = [name for name in LOCKS[use] if state is None or name not in state["locks"]]
    billhook = "" if use in WITHOUT_BILLHOOK else fingerprint_of_billhook()
    if state is not None and not missing and state["billhook"] == billhook:
        return
    began = time.monotonic()
    print(f"Setting up {shown(place.venv)} with Python {platform.python_version()}:", flush=True)
    if state is None:
        state = create(place)
    place.state_file.unlink(missing_ok=True)
    for name in missing:
        install(place, name)
    if use not in WITHOUT_BILLHOOK:
        install_billhook(place)
    check(place)
    state["locks"] |= {name: fingerprint(place.lock(name)) for name in missing}
    state["billhook"] = billhook
    place.state_file.write_text(json.dumps(state, indent=2))
    print(f"  Ready after {time.monotonic() - began:.0f} seconds.", flush=True)


def usable_state(place: Place) -> dict[str, Any] | None:
    """Return what is installed, or None where the environment must be made (again)."""
    try:
        state: dict[str, Any] = json.loads(place.state_file.read_text())
        fits = state["made"] == identity(place) and all(
            fingerprint(place.lock(name)) == known for name, known in state["locks"].items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return state if fits else None


def identity(place: Place) -> dict[str, str]:
    """Return what an environment can't outlive: its folder and its Python."""
    return {"venv": str(place.venv), "python": platform.python_version(), "base": sys.base_prefix}


def fingerprint(file: Path) -> str:
    """Return the hash of the content of *file*."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def fingerprint_of_billhook() -> str:
    """Return the hash of the file that says how Billhook itself is installed."""
    return fingerprint(ROOT / "pyproject.toml")


def create(place: Place) -> dict[str, Any]:
    """Make an empty environment, in place of any that is there, and return its state."""
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetUpFailed(
            f"{sys.executable} can't create virtual environments, since it has no ensurepip. "
            f"On Debian and Ubuntu, install it: apt install python{version}-venv"
        )
    say("creating the environment")
    if place.venv.is_dir():
        shutil.rmtree(place.venv)  # not venv's --clear: it keeps what a broken one left behind
    run([python_outside_environments(), "-m", "venv", place.venv], "creating the environment")
    return {"made": identity(place), "locks": {}, "billhook": ""}


def python_outside_environments() -> Path:
    """Return the interpreter that runs this, or the one that its environment was made with."""
    base = (
        Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    )
    return base if base.exists() else Path(sys.executable)


def install(place: Place, name: str) -> None:
    """Install the packages of the lock file *name*."""
    lock = place.lock(name)
    say(f"installing the packages {MEANINGS[name]}")
    strict = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    pip(place, ["install", *QUIET, *strict, "--requirement", lock], f"installing {shown(lock)}")


def install_billhook(place: Place) -> None:
    """Install this checkout, so that it runs as it is edited."""
    say("installing Billhook")
    how = ["--no-deps", "--no-build-isolation", "--no-index", "--editable"]
    pip(place, ["install", *QUIET, *how, ROOT], "installing Billhook")


def check(place: Place) -> None:
    """Make sure that every package finds the packages it needs: the lock files are complete."""
    pip(place, ["check", "--disable-pip-version-check"], "checking the packages")


def pip(place: Place, arguments: Sequence[str | Path], doing: str) -> None:
    """Run the environment's own pip."""
    run([place.python, "-m", "pip", *arguments], doing)


def run(command: Sequence[str | Path], doing: str) -> None:
    """Run *command*; where it fails, raise SetUpFailed with the end of its output."""
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME"}}
    environment |= {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        end = "\n".join(f"    {line}" for line in done.stdout.splitlines()[-LAST_LINES:])
        raise SetUpFailed(f"Failed at {doing}:\n{end}\nFix this, then run make again.")


def say(doing: str) -> None:
    """Show the step that begins now."""
    print(f"  {doing} …", flush=True)


def shown(path: Path) -> str:
    """Return *path* as people write it, relative to the checkout where it is inside."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
