"""docs/performance.md reports exactly the measured numbers."""

import json
from pathlib import Path

from bench import report

DOCS = Path(__file__).parents[2] / "docs"


def test_the_tables_match_the_measured_numbers():
    measured = json.loads((DOCS / "bench.json").read_text())

    assert report.table(measured) in (DOCS / "performance.md").read_text()


def test_every_target_was_reached():
    measured = json.loads((DOCS / "bench.json").read_text())

    compared = {(one["of"], one["to"]): (one["ratio"], one["least"]) for one in measured["ratios"]}
    assert set(compared) == {(of, to) for of, to, _ in report.WANTED}
    assert all(ratio >= least for ratio, least in compared.values() if least)
