"""Requirements of the comparison on this machine: nginx, wrk, and two cores."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path

NEEDED = ("nginx", "wrk", "taskset")
_PACKAGES = {"taskset": "util-linux"}


class CannotRun(Exception):
    """Something is missing; ``str(error)`` says what, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """The one core that servers get, and the one for the load and the origin."""

    server: int
    load: int


def choose_cores() -> Cores:
    """Return two cores that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < len(fields(Cores)):
        raise CannotRun("Two cores are needed: one for the server, one for the load.")
    return Cores(server=usable[0], load=usable[1])


def find_tools() -> None:
    """Make sure that the tools are there; install them where that is possible."""
    missing = [name for name in NEEDED if not _find(name)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing {', '.join(missing)} …", flush=True)
        _install([_PACKAGES.get(name, name) for name in missing])
    missing = [name for name in NEEDED if not _find(name)]
    if missing:
        raise CannotRun(f"Install {', '.join(missing)} first: the comparison needs them.")


def _install(packages: list[str]) -> None:
    quiet = environment(DEBIAN_FRONTEND="noninteractive")
    for command in (["update"], ["install", "-y", *packages]):
        subprocess.run(
            ["apt-get", "-qq", *command], env=quiet, stdout=subprocess.DEVNULL, check=False
        )


def environment(**more: str) -> dict[str, str]:
    """Return the environment for a process, with *more* in it."""
    return {**os.environ, **more}  # noqa: TID251 - servers are configured by it


def tool(name: str) -> str:
    """Return the path of a tool."""
    path = _find(name)
    if path is None:
        raise CannotRun(f"Install {name} first: the comparison needs it.")
    return path


def _find(name: str) -> str | None:
    # Debian has nginx in a folder that isn't on everybody's path
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def processor_name() -> str:
    """Return what the processor calls itself."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"
