"""Installs Node-RED, pinned with all that it needs, and starts it with the flow."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.processes import Server
from bench.tools import CannotRun

_HERE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json")


def is_possible() -> bool:
    """Say whether npm and node are there."""
    return all(map(shutil.which, ("npm", "node")))


def start_node_red(folder: Path, *, port: int, core: int, **settings: str) -> Server:
    """Start Node-RED, with what it keeps in *folder*; install it if it isn't yet."""
    red = _installed() / "node_modules" / "node-red" / "red.js"
    folder.mkdir()
    shutil.copy(_HERE / "flow.json", folder)
    command = ["node", str(red), "--userDir", str(folder), "--settings", str(_HERE / "settings.js")]
    return Server(
        "Node-RED",
        [*command, "flow.json"],
        core=core,
        log=folder / "log",
        BENCH_PORT=str(port),
        NODE_ENV="production",
        **settings,
    )


def _installed() -> Path:
    """Return the folder that Node-RED is installed in: of this environment, and by the lock."""
    place = Path(sys.prefix) / "node-red"
    locked = (_HERE / _FILES[1]).read_bytes()
    done = place / "installed-lock.json"
    if done.is_file() and done.read_bytes() == locked:
        return place
    place.mkdir(exist_ok=True)
    for name in _FILES:
        shutil.copy(_HERE / name, place)
    print("Installing Node-RED …", flush=True)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
    result = subprocess.run(install, cwd=place, capture_output=True, text=True, check=False)
    if result.returncode:
        raise CannotRun(f"Node-RED can't be installed:\n{result.stderr[-2000:]}")
    done.write_bytes(locked)
    return place
