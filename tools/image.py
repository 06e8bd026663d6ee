"""Build the container image from the release in ``dist/``, and try it shut in as in compose.yaml.

It uses Podman or Docker, whichever is installed. In the environment, ``ENGINE`` names another
program, and ``BUILD_ARGUMENTS`` and ``RUN_ARGUMENTS`` add arguments, for machines that need a
package index or limits of their own.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120
SHUT_IN = (
    "--read-only",
    "--tmpfs=/tmp:size=512m,mode=1777",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--network=none",
)


def main() -> int:
    """Build the image, try it out, and print its size."""
    engine = find_engine()
    [wheel] = (ROOT / "dist").glob("*.whl")
    version = wheel.name.split("-")[1]
    image = f"billhook:{version}"
    build(engine, image)
    with running(engine, image) as container:
        try_container(engine, container, version)
    size = int(engine.read("image", "inspect", "--format", "{{.Size}}", image))
    print(f"{image} works. It has {size / 1_000_000:.0f} MB.")
    return 0


class Engine:
    """Podman or Docker."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self.is_podman = "podman" in Path(command[0]).name

    def run(self, *arguments: str) -> int:
        """Run a command and return its exit status."""
        return subprocess.run([*self._command, *arguments], cwd=ROOT, check=False).returncode

    def read(self, *arguments: str) -> str:
        """Run a command, which has to succeed, and return what it prints."""
        done = subprocess.run(
            [*self._command, *arguments], capture_output=True, text=True, check=False
        )
        expect(done.returncode == 0, f"{' '.join(arguments)} failed: {done.stderr}")
        return done.stdout.strip()


def find_engine() -> Engine:
    """Return the engine that ``ENGINE`` names, or the first one that is installed."""
    named = shlex.split(os.environ.get("ENGINE", ""))
    found = named or [path for name in ("podman", "docker") if (path := shutil.which(name))][:1]
    expect(bool(found), "Neither Podman nor Docker is installed.")
    return Engine(found)


def build(engine: Engine, image: str) -> None:
    """Build *image* as docs/install.md does."""
    form = ["--format", "docker"] if engine.is_podman else []
    more = shlex.split(os.environ.get("BUILD_ARGUMENTS", ""))
    arguments = ["build", *form, *more, "--file", "deploy/Containerfile", "--tag", image, "."]
    expect(engine.run(*arguments) == 0, "The image can't be built.")


@contextlib.contextmanager
def running(engine: Engine, image: str) -> Iterator[str]:
    """Run *image* on a new volume, without a network, and remove both at the end."""
    name = f"billhook-trial-{os.getpid()}"
    more = shlex.split(os.environ.get("RUN_ARGUMENTS", ""))
    mount = f"--volume={name}:/data"
    engine.read("run", "--detach", f"--name={name}", *SHUT_IN, *more, mount, image)
    try:
        yield name
    finally:
        engine.run("rm", "--force", name)
        engine.run("volume", "rm", "--force", name)


def try_container(engine: Engine, container: str, version: str) -> None:
    """Check that the container becomes healthy and may do no more than it needs to."""
    inspected = "{{json .Config.Healthcheck.Test}}"
    test = engine.read("inspect", "--format", inspected, container)
    expect(test == '["CMD","billhook","health"]', f"The image has another health check: {test}")
    deadline = time.monotonic() + SECONDS
    while engine.run("exec", container, "billhook", "health") != 0:
        expect(time.monotonic() < deadline, "The server doesn't become healthy.")
        time.sleep(1)
    engine.read("exec", container, "billhook", "health", "--ready")
    told = engine.read("exec", container, "billhook", "--version")
    expect(told == f"billhook {version}", f"The image has another version: {told}")
    user = engine.read("exec", container, "id", "-u")
    expect(user == "10001", f"The server runs as user {user}.")
    for place in ("/", "/opt/billhook", "/etc"):
        written = engine.run("exec", container, "touch", f"{place}/trial")
        expect(written != 0, f"{place} can be written to.")
    engine.read("exec", container, "billhook", "doctor")
    engine.read("stop", "--time=40", container)
    status = engine.read("inspect", "--format", "{{.State.ExitCode}}", container)
    expect(status == "0", f"The server ended with status {status}.")


def expect(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - the statement comes first
    """End with the sentence *otherwise* unless *is_so*."""
    if not is_so:
        raise SystemExit(otherwise)


if __name__ == "__main__":
    sys.exit(main())
