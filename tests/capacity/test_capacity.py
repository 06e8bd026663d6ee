"""Capacity of one process: success and memory, measured in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MB = 1_000_000


@contextmanager
def patient_origin(*, seconds: float, size: int) -> Iterator[int]:
    """Run the origin and give its port."""
    line = [sys.executable, str(HERE / "patient_origin.py"), str(seconds), str(size)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def measure(*, port: int, runs: int, size: int) -> dict[str, int]:
    """Run the runs in a process of their own, and return how they went."""
    line = [sys.executable, str(HERE / "measured_runs.py"), str(port), str(runs), str(size)]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def test_a_thousand_runs_wait_for_five_seconds_at_the_same_time_in_less_than_100_mb() -> None:
    with patient_origin(seconds=5, size=60_000) as port:
        result = measure(port=port, runs=1000, size=60_000)
    assert result["succeeded"] == 1000
    assert result["grown"] < 100 * MB


@pytest.mark.parametrize("runs", [1, 3])
def test_a_document_of_100_mb_passes_in_less_than_32_mb(runs: int) -> None:
    with patient_origin(seconds=0, size=100 * MB) as port:
        result = measure(port=port, runs=runs, size=100 * MB)
    assert result["succeeded"] == runs
    assert result["grown"] < 32 * MB
