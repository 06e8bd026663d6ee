"""docs/imports.md is a contract: its names of columns and its examples are those of the code."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tools.write_tables import imports_page

from billhook.portal.fields.currencies import decimals_of
from billhook.portal.imports import services, work
from billhook.portal.imports.kept import KEPT_SECONDS
from billhook.portal.imports.reading.table import MAX_BYTES
from billhook.portal.imports.values.amounts import read_amount
from billhook.portal.imports.values.dates import read_day

PAGE = (Path(__file__).parents[2] / "docs" / "imports.md").read_text(encoding="utf-8")


def examples(paragraph: str) -> list[str]:
    """Return the examples before the first full stop of a paragraph."""
    text = PAGE.partition(f"**{paragraph}**")[2].partition(". ")[0]
    return re.findall("`([^`]+)`", text)


def test_the_table_of_names_is_made_from_the_code() -> None:
    assert imports_page(PAGE) == PAGE


def test_the_limits_are_those_of_the_code() -> None:
    assert f"At most {MAX_BYTES // 2**20} MB" in PAGE
    assert f"chunks of {work.CHUNK}" in PAGE
    assert f"listed for {services.KEPT_DAYS} days, its file is kept for" in PAGE
    assert KEPT_SECONDS == 7 * 86_400


@pytest.mark.parametrize("text", [text for text in examples("Days") if text != "03/04/2025"])
def test_the_examples_of_days_are_read(text: str) -> None:
    assert read_day(text, None) == date(2025, 12, 31)


@pytest.mark.parametrize("text", examples("Amounts"))
def test_the_examples_of_amounts_are_read(text: str) -> None:
    known = {Decimal("1240.5"), Decimal("1234567.89"), Decimal(-5)}
    assert read_amount(text, None).value in known


def test_the_decimals_are_those_of_the_currencies() -> None:
    assert "two for EUR, none for JPY, three for KWD" in PAGE
    assert [decimals_of(currency) for currency in ("EUR", "JPY", "KWD")] == [2, 0, 3]
