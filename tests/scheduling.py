"""The division of tests between processes: one file in one process, where set-up is dear."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling

DEAR: Final = (
    "tests/browser/",
    "tests/checkout/test_set_up.py",
    "tests/cli/",
    "tests/demo/",
    "tests/docs/",
    "tests/lab/real/",
    "tests/nodes/",
    "tests/server/",
)
"""Folders whose files share servers, demos and browsers among their tests."""


class ByFile(LoadScopeScheduling):
    """Gives a process a whole file of these folders, and begins with them; others test by test."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith(DEAR) else nodeid
