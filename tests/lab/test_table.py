"""docs/sources.md says what the laboratory shows, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.table import PAGE, in_order, run_against, show, write_page, write_row, write_section

KINDS = in_order()
ROOT = Path(__file__).parents[2]


def rows_of_page() -> list[str]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| [")]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.preset)
async def test_a_row_of_the_page_states_the_tested_facts(kind):
    assert write_row(kind, await show(kind)) in rows_of_page()


def test_the_page_has_a_row_and_a_section_for_each_preset():
    page = PAGE.read_text(encoding="utf-8")
    assert page == write_page(rows_of_page(), [write_section(kind) for kind in KINDS])
    assert len(rows_of_page()) == len(KINDS)


REAL = [(kind, text) for kind in KINDS for text in run_against(kind)]


@pytest.mark.parametrize(("kind", "text"), REAL, ids=lambda value: getattr(value, "preset", ""))
def test_a_test_that_a_preset_names_exists_and_uses_the_preset(kind, text):
    for path in re.findall(r"tests/lab/real/\w+\.py", text):
        source = (ROOT / path).read_text(encoding="utf-8")
        assert f'"{kind.preset}"' in source
