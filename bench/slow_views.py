"""Measures many clicks on VIEW at once whose source is slow: what each waits beyond the source.

`python -m bench.slow_views` starts a source that takes 5 seconds, and `billhook serve`, in a new
folder, and clicks on 1,000 invoices at once. Other requests are made meanwhile. It uses SQLite, or
PostgreSQL with BILLHOOK_DATABASE_URL, and takes half a minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from bench.__main__ import make_document
from bench.processes import Server, free_port
from bench.tools import CannotRun, environment

WAITED = 1.0
"""The seconds that half of the clicks may wait beyond the source."""


def main() -> int:
    """Measure; return 0 if every click got its document, and half of them soon enough."""
    parser = argparse.ArgumentParser(prog="python -m bench.slow_views", description=__doc__)
    parser.add_argument("--clicks", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=5, help="that the source takes")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="billhook-bench-") as folder:
            return asyncio.run(_measure(Path(folder), options.clicks, options.seconds))
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 2


async def _measure(folder: Path, clicks: int, seconds: float) -> int:
    source, port = free_port(), free_port()
    arrivals: list[float] = []
    runner = await _start_source(source, seconds, arrivals)
    settings = {
        "BILLHOOK_DATA_DIR": str(folder / "data"),
        "BILLHOOK_ALLOW": f"127.0.0.1:{source}",
        "BILLHOOK_LOG_LEVEL": "warning",
        "BILLHOOK_JOB_PROCESSES": "0",
        "BILLHOOK_API_RATE": "100000",  # one person clicks for all
    }
    facts = await asyncio.to_thread(_seeded, settings, f"http://127.0.0.1:{source}", clicks)
    command = [sys.executable, "-m", "billhook", "serve", "--port", str(port)]
    server = Server("billhook", command, core=None, log=folder / "serve.log", **settings)
    address = f"http://127.0.0.1:{port}"
    try:
        await asyncio.to_thread(server.wait_until, f"{address}/healthz")
        return await _click(address, facts, server, seconds, arrivals)
    finally:
        await asyncio.to_thread(server.stop)
        await runner.cleanup()


async def _start_source(port: int, seconds: float, arrivals: list[float]) -> web.AppRunner:
    """Start the source; it adds the time of each request to *arrivals*."""
    document = make_document()

    async def send(_: web.Request) -> web.Response:
        arrivals.append(time.perf_counter())
        await asyncio.sleep(seconds)
        return web.Response(body=document, content_type="application/pdf")

    app = web.Application()
    app.add_routes([web.get("/items/{number}", send)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4_096).start()
    return runner


def _seeded(settings: dict[str, str], source: str, clicks: int) -> dict[str, str]:
    command = [sys.executable, "-m", "bench.seeding", source, "no-key", str(clicks)]
    done = subprocess.run(
        command, env=environment(**settings), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotRun(f"The data could not be made:\n{done.stderr[-2000:]}")
    facts: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return facts


async def _click(
    address: str, facts: dict[str, str], server: Server, seconds: float, arrivals: list[float]
) -> int:
    """Click on all invoices at once, twice: the first time, the server has only just started."""
    documents = [f"{address}/invoices/{each}/document" for each in facts["invoices"].split()]
    headers = {"Cookie": facts["cookie"]}
    connector, timeout = TCPConnector(limit=0), ClientTimeout(total=120)
    async with ClientSession(headers=headers, connector=connector, timeout=timeout) as session:
        for name in ("first", "second"):
            arrivals.clear()
            began, used = time.perf_counter(), server.cpu_seconds()
            others = asyncio.create_task(_others(session, address))
            try:
                clicks = await asyncio.gather(*(_time(session, each) for each in documents))
            finally:
                others.cancel()
            reached = sorted(each - began for each in arrivals)
            beyond = sorted(each - seconds for each in clicks)
            print(f"{name} time, {len(clicks):,} clicks on a source that takes {seconds:g} s:")
            print(f"  reached it after: {_figures(reached)}")
            print(f"  waited beyond it: {_figures(beyond)}")
            used = server.cpu_seconds() - used
            print(f"  processor time of the server: {used / len(clicks) * 1000:.2f} ms a click")
            for page, times in (await others).items():
                print(f"  {page} meanwhile: {_figures(sorted(times))}")
    return 0 if statistics.median(beyond) < WAITED else 1


async def _others(session: ClientSession, address: str) -> dict[str, list[float]]:
    """Ask for the list of invoices and for the server's state until it is cancelled."""
    found: dict[str, list[float]] = {"/": [], "/readyz": []}
    try:
        while True:
            for page, times in found.items():
                times.append(await _time(session, address + page))
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return found


async def _time(session: ClientSession, address: str) -> float:
    began = time.perf_counter()
    async with session.get(address) as response:
        content = await response.read()
    if response.status != 200 or not content:  # noqa: PLR2004 - the status of success
        raise CannotRun(f"{address} responded with {response.status}.")
    return time.perf_counter() - began


def _figures(times: Sequence[float]) -> str:
    p95 = times[min(len(times) - 1, int(len(times) * 0.95))]
    figures = {"median": statistics.median(times), "p95": p95, "most": times[-1]}
    return ", ".join(f"{name} {each * 1000:,.0f} ms" for name, each in figures.items())


if __name__ == "__main__":
    sys.exit(main())
