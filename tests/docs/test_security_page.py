"""Each promise of docs/security.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
PROMISES, _, LIMITS = PAGE.partition("## What it doesn't promise")
TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PROMISES)
ENTRIES = re.split(r"^- ", PROMISES, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_a_test_that_shows_a_promise_exists(file: str, name: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^ *(?:async )?def {name}\(", text, flags=re.MULTILINE)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.partition(".")[0][:60])
def test_each_promise_names_a_test(entry: str) -> None:
    assert "::test_" in entry


def test_the_page_has_promises_and_says_what_it_leaves_open() -> None:
    assert len(ENTRIES) > 20
    assert "- " in LIMITS


def test_the_way_to_report_a_fault_is_named() -> None:
    policy = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "Report a vulnerability" in policy
    for page in re.findall(r"\]\(([^)]+)\)", policy):
        assert (ROOT / page).exists()
