"""Calls made up by schemathesis: a few of each operation here, 10,000 with ``make api-fuzz``."""

from __future__ import annotations

import sys

import pytest

from billhook.portal.api.limits import forget_limits
from billhook.portal.installation import environment
from portal.api.calls import make_calls
from portal.api.program import Program


def test_no_made_up_call_finds_a_fault(
    program: Program,
    strange_program: Program,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BILLHOOK_API_CALLS", "1000000")
    environment.current.cache_clear()
    forget_limits()
    try:
        statuses = make_calls(str(program.key), each=pytestconfig.getoption("--made-up-calls"))
    finally:
        monkeypatch.undo()
        environment.current.cache_clear()
    with capsys.disabled():
        sys.stdout.write(f"\n{statuses.total()} calls: {dict(sorted(statuses.items()))}\n")
    assert statuses["200"]
    assert statuses["422"]
    assert program.get("/keys").status_code == 200
