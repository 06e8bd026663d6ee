"""``make soak`` runs, and distinguishes growth from noise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.soak.samples import Sample, growth_of

ROOT = Path(__file__).resolve().parents[2]


def samples(*memory: float) -> list[Sample]:
    return [Sample(memory_mb=each, files=50, threads=10, processes=2, data_mb=1) for each in memory]


@pytest.mark.parametrize(
    ("memory", "fine"),
    [
        pytest.param([90, 100, 110] * 20, True, id="noise"),
        pytest.param([50, *[120] * 59], True, id="warming-up"),
        pytest.param([100 + 2 * number for number in range(60)], False, id="growing"),
        pytest.param([*[100] * 48, *[200] * 12], False, id="more-at-the-end"),
    ],
)
def test_growth_is_distinguished_from_noise(memory, fine):
    growth = {each.name: each for each in growth_of(samples(*memory))}

    assert growth["memory_mb"].is_fine is fine
    assert growth["files"].is_fine


def test_a_short_soak_test_reports_every_figure_and_loses_no_run():
    done = subprocess.run(
        [sys.executable, "-m", "bench.soak", "--seconds", "8"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    for name in ("memory_mb", "files", "threads", "processes"):
        assert f"| {name} | " in done.stdout
    assert ", 0 of them lost" in done.stdout
    assert "good 200: " in done.stdout
