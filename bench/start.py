"""Measures a start with 100,000 integrations and as many API keys: time and memory.

Run with `python -m bench.start`. Filling the database takes a minute or two.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.processes import Server, free_port
from bench.tools import CannotRun, environment

SECONDS, MEGABYTES = 10.0, 300
"""The limits."""
_SETTLED = 60.0
"""Seconds until the integrations that were changed last are in memory."""


def main() -> int:
    """Measure; return 0 if the start is within its limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--integrations", type=int, default=100_000)
    parser.add_argument("--organisations", type=int, default=1_000)
    parser.add_argument("--postgresql", default="", help="the URL of an empty database to use")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="billhook-bench-") as folder:
        settings = {"BILLHOOK_DATA_DIR": f"{folder}/data", "BILLHOOK_LOG_LEVEL": "warning"}
        if options.postgresql:
            settings["BILLHOOK_DATABASE_URL"] = options.postgresql
        _seed(options.integrations, options.organisations, settings)
        seconds, at_first, later = _start(Path(folder) / "serve.log", settings)
    print(f"{options.integrations:,} integrations and API keys: ready after {seconds:.1f} s,")
    print(f"{at_first:.0f} MB then and {later:.0f} MB a minute later")
    return 0 if seconds < SECONDS and later < MEGABYTES else 1


def _seed(integrations: int, organisations: int, settings: dict[str, str]) -> None:
    command = [sys.executable, "-m", "bench.many_integrations", str(integrations)]
    command.append(str(organisations))
    done = subprocess.run(command, env=environment(**settings), check=False)
    if done.returncode:
        raise CannotRun("The database could not be filled; see above.")


def _start(log: Path, settings: dict[str, str]) -> tuple[float, float, float]:
    """Return the seconds until the server is ready, and its megabytes then and later."""
    port, began = free_port(), time.monotonic()
    command = [sys.executable, "-m", "billhook", "serve", "--port", str(port)]
    server = Server("billhook", command, core=None, log=log, **settings)
    try:
        server.wait_until(f"http://127.0.0.1:{port}/readyz", seconds=600)
        seconds = time.monotonic() - began
        at_first = _megabytes(server.family()[0])
        time.sleep(_SETTLED)
        urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
        return seconds, at_first, _megabytes(server.family()[0])
    finally:
        server.stop()


def _megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
