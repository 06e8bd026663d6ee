"""Build what a release consists of, and try it out in a new virtual environment.

``dist/`` then holds the wheel, the sdist, the lock of the libraries that they run with, and the
checksums of all three.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.try_installed import try_installed

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
LOCK = ROOT / "requirements" / "runtime.txt"


def main(arguments: Sequence[str]) -> int:
    """Build into ``dist/`` and try it out; with ``--only-build``, build only."""
    if has_changes():
        say("Note: this checkout has changes that aren't committed; they go into the package")
    wheel, lock = make_release(DIST)
    if "--only-build" not in arguments:
        with tempfile.TemporaryDirectory(prefix="billhook-package-") as folder:
            environment = install(wheel, lock, Path(folder) / "venv")
            try_installed(environment / "bin", Path(folder), version=wheel.name.split("-")[1])
    for file in sorted(DIST.iterdir()):
        print(f"{file.stat().st_size:>10,} bytes  dist/{file.name}")
    return 0


def make_release(dist: Path) -> tuple[Path, Path]:
    """Build all files of the release into *dist*; return the wheel and the lock."""
    wheel, sdist = build(dist)
    lock = dist / f"{wheel.name.split('-py3')[0]}-requirements.txt"
    shutil.copyfile(LOCK, lock)
    write_checksums(dist, (wheel, sdist, lock))
    return wheel, lock


def has_changes() -> bool:
    """Return whether git knows of changes here. An unpacked sdist has no git."""
    status = ["git", "status", "--porcelain"]
    done = subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=False)
    return bool(done.stdout)


def build(dist: Path) -> tuple[Path, Path]:
    """Build the wheel and the sdist; make sure that the sdist builds the same wheel."""
    say("Building the wheel and the sdist")
    shutil.rmtree(dist, ignore_errors=True)
    run_hatchling(ROOT, dist)
    [wheel], [sdist] = dist.glob("*.whl"), dist.glob("*.tar.gz")
    say("Building the wheel again, from the sdist")
    with tempfile.TemporaryDirectory(prefix="billhook-sdist-") as folder:
        with tarfile.open(sdist) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # from 3.11.4 on
            archive.extractall(folder)
        [unpacked] = Path(folder).iterdir()
        run_hatchling(unpacked, Path(folder) / "dist", "-t", "wheel")
        again = Path(folder) / "dist" / wheel.name
        if again.read_bytes() != wheel.read_bytes():
            raise SystemExit("The wheel built from the sdist differs from the one built here.")
    return wheel, sdist


def run_hatchling(source: Path, dist: Path, *options: str) -> None:
    """Build *source* into *dist* with the locked hatchling of this environment."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(dist), *options]
    subprocess.run(command, cwd=source, check=True, stderr=subprocess.DEVNULL)


def write_checksums(dist: Path, files: Sequence[Path]) -> None:
    """Write SHA256SUMS, in the format that ``sha256sum --check`` reads."""
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (dist / "SHA256SUMS").write_text("".join(lines))


def install(wheel: Path, lock: Path, environment: Path) -> Path:
    """Install the lock and the wheel, and nothing else, as docs/install.md does."""
    say("Installing the wheel into a new environment, with the libraries of the lock")
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin" / "pip", "--quiet", "--disable-pip-version-check"]
    for arguments in (
        ["install", "--no-deps", "--require-hashes", "-r", lock],
        ["install", "--no-deps", "--no-index", wheel],
        ["check"],
    ):
        subprocess.run([*pip, *arguments], check=True, env=clean_environment())
    return environment


def clean_environment() -> dict[str, str]:
    """Return the environment without anything that leads Python back to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def say(line: str) -> None:
    """Print what happens now."""
    print(f"{line} …", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
