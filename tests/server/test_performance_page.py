"""docs/performance.md reports exactly the measured numbers."""

import json
from pathlib import Path

import pytest
from bench import report
from bench.data import report as data_report
from bench.data.pages import addresses

DOCS = Path(__file__).parents[2] / "docs"
FACTS = {
    "organisation": "1",
    "customers": ["1", "2"],
    "contacts": ["1", "2"],
    "owner": "1",
    "invoice": "1",
    "run": "1",
    "integration": "1",
}


def test_the_tables_match_the_measured_numbers():
    measured = json.loads((DOCS / "bench.json").read_text())

    assert report.table(measured) in (DOCS / "performance.md").read_text()


def test_the_table_of_pages_matches_the_measured_numbers():
    measured = json.loads((DOCS / "bench-data.json").read_text())

    assert data_report.table(measured) in (DOCS / "performance.md").read_text()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_page_was_measured(database: str):
    measured = json.loads((DOCS / "bench-data.json").read_text())

    assert set(measured["databases"][database]) == {each.page for each in addresses(FACTS)}
    assert measured["rows"] == {
        "invoices": 1_000_000,
        "customers": 100_000,
        "runs": 500_000,
        "integrations": 10_000,
    }


def test_only_the_named_pages_are_above_their_limits():
    measured = json.loads((DOCS / "bench-data.json").read_text())

    assert data_report.pages_above(measured) == [
        ("postgresql", "member: statement of a customer"),
        ("postgresql", "contact with 50,000: other pages"),
    ]


def test_every_target_was_reached():
    measured = json.loads((DOCS / "bench.json").read_text())

    compared = {(one["of"], one["to"]): (one["ratio"], one["least"]) for one in measured["ratios"]}
    wanted = {(of, to): least for of, to, least in report.WANTED}
    assert set(compared) <= set(wanted)
    assert {pair for pair, least in wanted.items() if least} <= set(compared)
    assert all(ratio >= least for ratio, least in compared.values() if least)
