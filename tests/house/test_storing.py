"""The tests that only PostgreSQL can run are in the folders of the second round."""

from __future__ import annotations

import re
from pathlib import Path

from tools.run_tests import ROOT, STORING

ON_POSTGRESQL = re.compile(r"only where (the tests run on )?PostgreSQL")


def test_what_only_postgresql_can_run_is_run_there():
    files = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py")]
    found = [path for path in files if ON_POSTGRESQL.search((ROOT / path).read_text())]
    left_out = [
        str(path)
        for path in found
        if path != Path("tests/house/test_storing.py")
        and not any(path.is_relative_to(folder) for folder in STORING)
    ]
    assert found
    assert not left_out
