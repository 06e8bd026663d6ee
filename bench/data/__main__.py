"""Fills SQLite and PostgreSQL with a million invoices, and measures every page on both.

It takes about 20 minutes and 5 GB. With `--keep FOLDER`, the data stays and is used again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.data import report
from bench.data.clusters import Database, own_cluster
from bench.data.measuring import PageTimes, measure_pages
from bench.data.pages import addresses
from bench.processes import Server, free_port
from bench.tools import CannotRun, environment

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
ROOT = HERE.parents[1]
_UPKEEP = 20.0
"""Seconds until the upkeep that begins with the server is over."""


def main() -> int:
    """Measure; return 0 if every page is within its limits."""
    options = _options()
    try:
        measured = _measure_all(options)
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 2
    result = report.result(measured, sizes=_sizes(options))
    print("\n" + report.table(result))
    folder = DOCS if options.publish else HERE
    written = report.write(result, folder)
    if options.publish:
        written.append(report.publish(result, DOCS / "performance.md"))
    print("Written:", *(path.relative_to(ROOT) for path in written))
    return 1 if report.pages_above(result) else 0


def _sizes(options: argparse.Namespace) -> dict[str, int]:
    names = ("invoices", "customers", "runs", "integrations")
    return {name: getattr(options, name) for name in names}


def _measure_all(options: argparse.Namespace) -> dict[str, dict[str, PageTimes]]:
    measured = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="billhook-bench-"))
        for name in options.databases:
            kept = options.keep / name if options.keep else Path(folder) / name
            kept.mkdir(parents=True, exist_ok=True)
            database = Database(url=options.postgresql if name == "postgresql" else "")
            if name == "postgresql" and not options.postgresql:
                database = stack.enter_context(own_cluster(kept))
            measured[name] = _measure(kept, database, options)
    return measured


def _measure(folder: Path, database: Database, options: argparse.Namespace) -> dict[str, PageTimes]:
    settings = {
        "BILLHOOK_DATA_DIR": str(folder / "data"),
        "BILLHOOK_LOG_LEVEL": "warning",
        "BILLHOOK_JOB_PROCESSES": "0",  # pages alone are measured
    }
    if database.url:
        settings["BILLHOOK_DATABASE_URL"] = database.url
    facts = _seeded(folder, settings, options)
    port = free_port()
    server = Server(
        "billhook",
        [sys.executable, "-m", "billhook", "serve", "--port", str(port)],
        core=None,
        log=folder / "serve.log",
        **settings,
    )
    try:
        server.wait_until(f"http://127.0.0.1:{port}/readyz", seconds=120)
        time.sleep(_UPKEEP)
        asked = [each for each in addresses(facts) if options.only in each.page]
        return measure_pages(
            port,
            facts["cookie"],
            asked,
            rounds=options.rounds,
            cpu_seconds=lambda: server.cpu_seconds() + database.cpu_seconds(),
        )
    finally:
        server.stop()


def _seeded(folder: Path, settings: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    """Return the facts of the data in *folder*, which is made if it isn't there."""
    facts = folder / "facts.json"
    if not facts.exists():
        print(f"Filling {folder.name} …", flush=True)
        (folder / "data").mkdir(mode=0o700)
        command = [sys.executable, "-m", "bench.data.seeding", *map(str, _sizes(options).values())]
        done = subprocess.run(
            command,
            env=environment(**settings),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotRun(f"The data could not be made:\n{done.stderr[-2000:]}")
        facts.write_text(done.stdout)
    found: dict[str, Any] = json.loads(facts.read_text())
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.data", description=__doc__)
    parser.add_argument("--invoices", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=500_000)
    parser.add_argument("--integrations", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3, help="of each address, after a first one")
    parser.add_argument("--databases", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument(
        "--postgresql", metavar="URL", default="", help="an empty database, or one from before"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the data there")
    parser.add_argument(
        "--only", default="", metavar="WORDS", help="pages with these words in their name"
    )
    parser.add_argument("--publish", action="store_true", help="write into docs/")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
