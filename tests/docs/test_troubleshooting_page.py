"""docs/troubleshooting.md quotes what Billhook really says, and names what exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from billhook.cli import EVERY_COMMAND
from billhook.portal.installation.environment import SETTINGS
from parsed import parsed

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "billhook"
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
QUOTES = re.findall(r"^> (.+)$", PAGE, re.MULTILINE)


@cache
def everything_said() -> str:
    """Return all texts of programs and templates, one on each line."""
    texts = [page.read_text() for page in SOURCE.rglob("*.html")]
    for module in SOURCE.rglob("*.py"):
        tree = parsed(module.read_text())
        texts += [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    return "\n".join(texts)


def test_the_page_contains_quotes():
    assert len(QUOTES) > 6


@pytest.mark.parametrize("quote", QUOTES)
def test_each_quoted_message_is_one_that_billhook_writes(quote):
    for part in quote.split("…"):
        assert part.strip(" .?") in everything_said(), part


def test_every_setting_and_outcome_that_it_names_exists():
    settings = {setting.name for setting in SETTINGS}
    outcomes = set(re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE))

    assert set(re.findall(r"BILLHOOK_\w+", PAGE)) <= settings
    assert len(outcomes) > 4
    assert all(f"`{outcome}`" in (ROOT / "docs" / "runs.md").read_text() for outcome in outcomes)


@pytest.mark.parametrize("page", ["install", "upgrade", "troubleshooting", "operations"])
def test_every_command_that_an_operators_page_names_exists(page):
    text = (ROOT / "docs" / f"{page}.md").read_text()
    named = set(re.findall(r"(?:^|`)billhook ([a-z][a-z-]+)", text, re.MULTILINE))

    assert named
    assert named <= set(EVERY_COMMAND)
