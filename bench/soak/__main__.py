"""Runs `billhook serve` under mixed load with failing sources, and reports what it grows by.

The exit status is 0 if memory, files and threads stay level, no run is lost, `/readyz` responds
within a second, and the stop is in time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from bench.processes import Server, free_port
from bench.soak.callers import Callers, Counts
from bench.soak.samples import Growth, Sample, growth_of, take_sample
from bench.tools import CannotRun, environment

STOP_SECONDS = 10


def main() -> int:
    """Run the soak test; return 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=900)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="billhook-soak-") as folder:
        try:
            return _soak(Path(folder), seconds)
        except CannotRun as error:
            print(error, file=sys.stderr)
            return 2


def _soak(folder: Path, seconds: int) -> int:
    origin = subprocess.Popen(
        [sys.executable, "-m", "bench.soak.origin"], stdout=subprocess.PIPE, text=True
    )
    try:
        source = int(origin.stdout.readline())
        settings = {
            "BILLHOOK_DATA_DIR": str(folder / "data"),
            "BILLHOOK_ALLOW": f"127.0.0.1:{source}",
            "BILLHOOK_STOP_SECONDS": str(STOP_SECONDS),
            "BILLHOOK_API_RATE": "300",
            "BILLHOOK_LOG_LEVEL": "warning",
        }
        facts = _seed(settings, f"http://127.0.0.1:{source}")
        return _tell(*_load(folder, settings, facts, seconds))
    finally:
        origin.kill()
        origin.wait()


def _seed(settings: dict[str, str], origin: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.soak.seeding", origin],
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRun(f"The data could not be made:\n{done.stderr[-2000:]}")
    seeded: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return seeded


def _load(
    folder: Path, settings: dict[str, str], facts: dict[str, object], seconds: int
) -> tuple[list[Sample], Counts, float, int]:
    """Serve, call, and look; return the samples, the counts, the seconds of the stop, lost runs."""
    port = free_port()
    billhook = str(Path(sys.executable).with_name("billhook"))
    server = Server(
        "billhook",
        [billhook, "serve", "--port", str(port)],
        core=None,
        log=folder / "log",
        **settings,
    )
    try:
        server.wait_until(f"http://127.0.0.1:{port}/healthz")
        counts = Counts()
        callers = Callers(port=port, facts=facts, counts=counts, ends_at=time.monotonic() + seconds)
        samples = asyncio.run(_call_and_look(callers, server, folder / "data"))
        took = server.stop(seconds=2 * STOP_SECONDS)
    finally:
        server.kill()
    return samples, counts, took, _lost(folder / "data", counts)


async def _call_and_look(callers: Callers, server: Server, data: Path) -> list[Sample]:
    calling = asyncio.create_task(callers.all())
    samples: list[Sample] = []
    pause = max(1.0, (callers.ends_at - time.monotonic()) / 180)
    while not calling.done():
        await asyncio.wait([calling], timeout=pause)
        samples.append(take_sample(server.family(), data))
        if len(samples) % 12 == 0:
            last = samples[-1]
            print(
                f"{callers.ends_at - time.monotonic():6.0f} s left: {last.memory_mb:.0f} MB, "
                f"{last.files} files, {last.threads} threads, {len(callers.counts.runs)} runs",
                flush=True,
            )
    await calling
    return samples


def _lost(data: Path, counts: Counts) -> int:
    """Return how many runs got a response and have no record."""
    with closing(sqlite3.connect(data / "billhook.sqlite3")) as database:
        recorded = {row[0].encode() for row in database.execute("SELECT id FROM runs_run")}
    return len(counts.runs - recorded)


def _tell(samples: list[Sample], counts: Counts, stop_seconds: float, lost: int) -> int:
    growth = growth_of(samples)
    print("\n" + _table(growth))
    print("Responses:", ", ".join(f"{what}: {n}" for what, n in sorted(counts.statuses.items())))
    facts = {
        f"{len(counts.runs)} runs, {lost} of them lost": lost == 0,
        f"/readyz took {counts.slowest_readiness:.2f} s at most": counts.slowest_readiness <= 1.0,
        f"the stop took {stop_seconds:.1f} s": stop_seconds <= STOP_SECONDS + 1,
        **{f"{each.name} grew by {each.late - each.early:.1f}": each.is_fine for each in growth},
    }
    for fact, is_fine in facts.items():
        print("ok  " if is_fine else "FAIL", fact)
    return 0 if all(facts.values()) else 1


def _table(growth: list[Growth]) -> str:
    head = ["| figure | early | late | most | may grow by |", "|---|---|---|---|---|"]
    return "\n".join([*head, *map(_row, growth)])


def _row(each: Growth) -> str:
    figures = (each.early, each.late, each.most, each.allowed)
    return " | ".join([f"| {each.name}", *(f"{figure:.1f}" for figure in figures)]) + " |"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
