"""The page that follows one VIEW click file by file, compared with a real click."""

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
    """The trace of a real click, in its own demo."""
    program = Path(__file__).with_name("traced_click.py")
    ended = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=100, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_the_click_worked(click):
    assert click["is_same"], click


def test_the_page_names_the_functions_of_a_real_click_in_order(click):
    named = told()
    assert [call for call in click["calls"] if call in named] == named


def test_each_function_of_the_page_exists():
    for step in told():
        module, _, name = step.partition(":")
        thing = import_module(module)
        for part in name.split("."):
            thing = getattr(thing, part)
        assert callable(thing)


AROUND = {
    "engine.body",  # bytes, which every room handles
    "engine.document_headers",
    "engine.safe_name",
    "engine.conversation",  # a helper of run_command
    "engine.errors",
    "engine.isolation",  # the fair shares of organisations, and the rate limit of views
    "engine.listing",  # the origins of the list commands, asked when the source is opened
    "engine.integration",  # compiled when it was saved; opens its source at the first click
    "engine.record",
    "engine.secret",
    "portal.handover",  # whether the page may be shown in a frame of another site: no
    "engine.slots",  # the encoding of one slot, called by Step.fill
    "engine.tokens",
    "engine.verdict",
    "gateway.app",  # asked whether the request is for the gateway
    "gateway.disconnect",  # notices when the browser leaves
    "portal.accounts",  # who is signed in
    "portal.compression",
    "portal.fields",
    "portal.installation",
    "portal.nodes",  # notes pauses of the source, for other processes
    "portal.project",
    "portal.storage",  # where kept documents are looked for, and one that arrives is held
    "portal.ui",  # the time zone of the reader
}
"""Rooms that the click touches without passing through them: words, helpers and middleware."""


def room_of(module: str) -> str:
    """Return the part and room of a module, such as ``portal.documents`` or ``engine.http``."""
    part, *rest = module.removeprefix("billhook.").split(".")
    return part if part == "server" else f"{part}.{rest[0]}"


def test_the_page_visits_every_room_that_the_click_passes(click):
    sent = click["calls"].index("billhook.server.asgi_response:send_content")
    passed = {room_of(call.partition(":")[0]) for call in click["calls"][:sent]}
    visited = {room_of(step.partition(":")[0]) for step in told()}
    assert passed - AROUND - visited == set()
