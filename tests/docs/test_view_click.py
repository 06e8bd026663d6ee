"""The page that tells one VIEW click file by file, compared with a real click."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "view-click.md"
STEP = re.compile(r"^`src/(billhook/[\w/]+)\.py` · `([\w.]+)`$", re.MULTILINE)


def told() -> list[str]:
    """Return the functions that the page names, as ``module:qualified.name``, in its order."""
    found = STEP.findall(PAGE.read_text(encoding="utf-8"))
    return [f"{path.replace('/', '.')}:{name}" for path, name in found]


@pytest.fixture(scope="module")
def click() -> dict[str, object]:
    """What a real click did, in a demo of its own."""
    program = Path(__file__).with_name("traced_click.py")
    ended = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=100, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_the_click_worked(click):
    assert click["is_same"], click


def test_the_page_names_the_functions_of_a_real_click_in_their_order(click):
    named = told()
    assert [call for call in click["calls"] if call in named] == named


def test_each_function_of_the_page_exists():
    for step in told():
        module, _, name = step.partition(":")
        thing = import_module(module)
        for part in name.split("."):
            thing = getattr(thing, part)
        assert callable(thing)


def test_the_page_tells_the_way_that_the_design_sets():
    files = [step.partition(":")[0].removeprefix("billhook.") for step in told()]
    way = [
        "portal.clientportal.views",
        "portal.invoices.access",
        "portal.documents.opening",
        "portal.runs.recorder",
        "engine.run",
        "engine.command.step",
        "engine.http.transport",
        "engine.egress.guard",
        "engine.answer.document",
    ]
    positions = iter(files)
    assert all(module in positions for module in way), "some are missing, or stand elsewhere"
