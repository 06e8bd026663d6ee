"""The tutorial's text: its pictures, links and sample values are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from billhook.sample.ledger import ODDITIES

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "tutorial.md").read_text(encoding="utf-8")
TARGETS = re.findall(r"\]\(([^)#]+)\)", TEXT)


@pytest.mark.parametrize("target", TARGETS)
def test_everything_that_the_tutorial_points_to_exists(target):
    assert (DOCS / target).is_file()


def test_every_picture_is_shown():
    pictures = {f"pictures/{path.name}" for path in (DOCS / "pictures").iterdir()}
    assert pictures == {target for target in TARGETS if target.startswith("pictures/")}


def test_each_invoice_that_fails_on_purpose_is_explained():
    told = set(re.findall(r"^\| (INV\d{7}) \|", TEXT, re.MULTILINE))
    assert told == set(ODDITIES)
