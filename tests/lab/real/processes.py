"""Real systems in processes of their own, with packages that only the lab's environment has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from tools.set_up import ROOT, main
from tools.set_up_node import set_up_node

_PROGRAMS: Final = Path(__file__).parent / "programs"
_VENV: Final = ROOT / f".venv-lab-{sys.version_info.major}.{sys.version_info.minor}"


def lab_python() -> Path:
    """Return the Python of the lab's environment, which is made first; skip without packages."""
    if main(["lab", "--venv", str(_VENV)]) != 0:
        pytest.skip("left out: the packages of requirements/lab.txt can't be installed")
    return _VENV / "bin" / "python"


@contextmanager
def running(program: str, *arguments: Path) -> Iterator[dict[str, Any]]:
    """Run a program of the lab in Python, and give the line of JSON that says where it serves."""
    with _running(lab_python(), _PROGRAMS / f"{program}.py", *arguments) as facts:
        yield facts


@contextmanager
def running_node(*arguments: Path) -> Iterator[dict[str, Any]]:
    """Run oidc-provider in Node; skip without npm or its packages."""
    folder = set_up_node()
    if folder is None:
        pytest.skip("left out: oidc-provider, since there is no npm or its packages can't be had")
    with _running("node", folder / "server.js", *arguments) as facts:
        yield facts


@contextmanager
def _running(*command: str | Path) -> Iterator[dict[str, Any]]:
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            facts = _first_json(process.stdout)
            assert facts, f"{command[1]} ended before it served"
            yield facts
        finally:
            process.stdin.close()  # which ends it
            process.kill()


def _first_json(lines: Any) -> dict[str, Any]:
    for line in lines:
        if line.startswith(b"{"):
            found: dict[str, Any] = json.loads(line)
            return found
    return {}
