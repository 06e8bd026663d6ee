"""Measures jobs: latency, rate, memory, and how soon another process takes a killed one's over.

``python bench/jobs.py`` uses SQLite in a new folder, or PostgreSQL with BILLHOOK_DATABASE_URL. The
jobs are imports that don't exist any more, so a turn does nothing but what every turn costs.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from billhook.portal.installation import environment

LEASE = 6
BILLHOOK = str(Path(sys.executable).with_name("billhook"))
FOLDER = tempfile.TemporaryDirectory(prefix="billhook-bench-jobs-")
environment.put("BILLHOOK_DATA_DIR", f"{FOLDER.name}/data")
environment.put("BILLHOOK_JOB_LEASE_SECONDS", str(LEASE))
environment.put("BILLHOOK_LOG_LEVEL", "warning")

from billhook.server.django_setup import set_up_django  # noqa: E402

set_up_django()

from billhook.portal.jobs import lease  # noqa: E402
from billhook.portal.jobs.models import Job  # noqa: E402
from billhook.portal.jobs.services import enqueue  # noqa: E402
from billhook.server.database import prepare_database  # noqa: E402


def work() -> subprocess.Popen[str]:
    """Start ``billhook work``, and wait until it works."""
    started = subprocess.Popen([BILLHOOK, "work"], stdout=subprocess.PIPE, text=True)
    wait_for(enqueue("import", subject=f"warm-up-{started.pid}"))
    return started


def wait_for(job: Job) -> Job:
    while (found := Job.objects.get(id=job.id)).is_open:
        time.sleep(0.01)
    return found


def latency(job: Job) -> float:
    """Return the seconds from a job's beginning in the database to that of its first turn."""
    return (job.started_at - job.created_at).total_seconds()  # type: ignore[operator]


def memory(process: int) -> tuple[int, float]:
    """Return the number of the processes below one, with it, and their megabytes (PSS)."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    family = {process}
    while more := {pid for pid, parent in parents if parent in family} - family:
        family |= more
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in family]
    sizes = [int(re.search(r"^Pss: +(\d+)", rollup, re.MULTILINE)[1]) for rollup in rollups]
    return len(family), sum(sizes) / 1024


def main() -> None:
    prepare_database()
    working = work()
    idle = [latency(wait_for(enqueue("import", subject=f"idle-{n}"))) for n in range(20)]
    print(f"latency, idle: {statistics.median(idle):.3f} s in the median, {max(idle):.3f} at most")
    count, began = 500, time.monotonic()
    jobs = [enqueue("import", subject=f"many-{n}") for n in range(count)]
    print(f"enqueued: {count / (time.monotonic() - began):.0f} a second")
    wait_for(jobs[-1])
    while Job.objects.filter(state__in=("waiting", "running")).exists():
        time.sleep(0.05)
    print(f"done: {count / (time.monotonic() - began):.0f} a second, enqueued meanwhile")
    print("{} processes, {:.0f} MB".format(*memory(working.pid)))
    working.terminate()
    print(f"stopped after {_seconds(working):.1f} s")
    held = enqueue("import", subject="held")
    assert lease.claim(held.id)  # this process begins a turn, and does as if it were dead
    began, other = time.monotonic(), work()
    wait_for(held)
    print(f"taken over after {time.monotonic() - began:.1f} s, with a lease of {LEASE} s")
    other.terminate()
    other.wait()


def _seconds(process: subprocess.Popen[str]) -> float:
    began = time.monotonic()
    process.wait()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
