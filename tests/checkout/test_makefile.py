"""`make help` lists every target."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INNER = re.compile(r".*-(found|ready)$")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_lists_every_target_that_people_use():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE)) - {"help"}
    listed = re.findall(r"^make ([\w-]+)", run("help").stdout, re.MULTILINE)
    assert sorted(listed) == sorted(target for target in targets if not INNER.match(target))


def test_make_without_a_target_shows_the_help():
    assert run().stdout == run("help").stdout


def test_a_python_that_is_missing_or_too_old_is_refused_in_one_sentence():
    refused = run("runtime-ready", "PYTHON=3.2")
    assert refused.returncode != 0
    assert "Billhook needs Python 3.11 or newer; python3.2 is older or missing." in refused.stdout
