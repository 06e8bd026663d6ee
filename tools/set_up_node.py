"""Set up the folder of the laboratory's program for Node, with exactly its locked packages."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tools.set_up import ROOT, one_at_a_time

SOURCE = ROOT / "tests" / "lab" / "real" / "programs" / "oidc"
FOLDER = ROOT / ".venv-lab-node"
_NPM = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")


def set_up_node() -> Path | None:
    """Return the folder, or None where there is no npm or its packages can't be had."""
    if shutil.which("npm") is None:
        return None
    with one_at_a_time(ROOT):
        FOLDER.mkdir(exist_ok=True)
        state = FOLDER / "set-up"
        wanted = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
        shutil.copytree(SOURCE, FOLDER, dirs_exist_ok=True)
        if state.exists() and state.read_text() == wanted:
            return FOLDER
        if subprocess.run(["npm", *_NPM], cwd=FOLDER, check=False).returncode != 0:
            return None
        state.write_text(wanted)
    return FOLDER


if __name__ == "__main__":
    sys.exit(0 if set_up_node() else 1)
