"""Rows come through their door: only models, access and services query them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from billhook.portal.project import settings
from parsed import parsed

PORTAL = Path(settings.__file__).parents[1]
_MAY_ASK = {"models.py", "access.py", "services.py"}
_MAY_ASK_TOO = {
    "integrations/token_store.py",  # the tokens of one integration, for its own source
    "integrations/loading.py",  # the store's: every organisation's commands, before anybody asks
    "integrations/memory/rows.py",  # the store's, too: keys, changes and orders
    "integrations/revisions.py",  # the number that announces a change to other processes
    "integrations/vault.py",  # a new key for all secrets
    "integrations/store.py",  # when keys were last used
    "trying/trial.py",  # the stored secrets of the integration that is tried
    "runs/rows.py",  # the recorder's batches
    "runs/retention.py",  # old runs of all organisations
    "jobs/lease.py",  # the jobs that this process holds
    "jobs/endings.py",  # and what follows at their end
    "jobs/dispatch.py",  # which jobs are due, of all organisations
    "jobs/engine.py",  # the engine's tickets for them
    "accounts/signed_in.py",  # who has the session of a click, as one written statement
    "sync/dry_run.py",  # these eight are the sync's jobs, within one integration's own scope
    "sync/pages.py",
    "sync/runs.py",
    "sync/settling.py",
    "sync/work.py",
    "sync/rows/contacts.py",
    "sync/rows/customers.py",
    "sync/rows/invoices.py",
    "notices/announce.py",  # the job of notices, within one organisation's own invoices
    "limits/pace.py",  # the rows that a caller gives it to delete, some at a time
}
_OTHERS = [
    path
    for path in sorted(PORTAL.rglob("*.py"))
    if path.name not in _MAY_ASK
    and "migrations" not in path.parts
    and str(path.relative_to(PORTAL)) not in _MAY_ASK_TOO
]


@pytest.mark.parametrize("path", _OTHERS, ids=lambda path: str(path.relative_to(PORTAL)))
def test_only_the_doors_query_rows(path: Path) -> None:
    nodes = list(ast.walk(parsed(path.read_text(encoding="utf-8"))))
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    harmless = {id(node.value) for node in attributes if node.attr == "none"}  # asks for nothing
    asked = [
        f"line {node.lineno}"
        for node in attributes
        if node.attr in {"objects", "_default_manager"} and id(node) not in harmless
    ]
    assert asked == []


def test_every_listed_exception_is_still_needed() -> None:
    for name in _MAY_ASK_TOO:
        assert ".objects" in (PORTAL / name).read_text(encoding="utf-8"), name


_VIEWS = [path for path in sorted(PORTAL.rglob("*.py")) if path.name.startswith("views")]
_QUERIES = {
    "aggregate",
    "annotate",
    "count",
    "exclude",
    "exists",
    "filter",
    "first",
    "last",
    "order_by",
    "values",
    "values_list",
}


@pytest.mark.parametrize("path", _VIEWS, ids=lambda path: str(path.relative_to(PORTAL)))
def test_no_view_makes_a_query(path: Path) -> None:
    calls = [
        node.func
        for node in ast.walk(parsed(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    assert [f"line {call.lineno}: {call.attr}" for call in calls if call.attr in _QUERIES] == []
