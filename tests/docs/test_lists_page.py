"""docs/lists.md is a contract: its tables are those of the code, its example compiles."""

from __future__ import annotations

import re
from pathlib import Path

from tools.write_tables import lists_page

from billhook.engine.integration import compile_integration
from billhook.engine.integration_file.file import read_integration
from billhook.engine.list_config import LIST_COMMANDS, ROW_FIELDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/lists.md").read_text(encoding="utf-8")
LISTING = ROOT / "src/billhook/engine/listing"


def test_the_tables_of_keys_match_the_descriptions_of_the_fields():
    assert lists_page(PAGE) == PAGE


def test_the_example_compiles():
    shown = PAGE.partition("```toml\n")[2].partition("```")[0]
    assert list(compile_integration(read_integration(shown)).lists) == ["ListInvoices"]


def test_every_command_and_field_is_named():
    assert [name for name in (*LIST_COMMANDS, *ROW_FIELDS) if f"`{name}`" not in PAGE] == []


def test_every_reason_of_a_row_is_listed():
    text = (LISTING / "mapper.py").read_text() + (LISTING / "field_map.py").read_text()
    text += (LISTING / "rules.py").read_text()
    codes = set(re.findall(r'(?:RowLeftOut\(|remark\(|code=)\s*f?"([a-z-]+)[{"]', text))
    assert len(codes) > 10
    assert [code for code in codes if f"`{code}" not in PAGE] == []
