"""Measures an import of 100,000 rows by a member, and the site meanwhile.

`python -m bench.imports` fills a new folder (20,000 invoices, or `--invoices`), starts `billhook
serve` with a process for jobs, chooses and confirms the file as a browser does, and asks for the
list of a contact with a twentieth of the invoices all the time. On SQLite, it also watches how long
each transaction keeps others from writing. With BILLHOOK_DATABASE_URL it uses that PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientSession, ClientTimeout, CookieJar, FormData

from bench.processes import Server, free_port
from bench.tools import CannotRun, environment

LONGEST_HOLD = 0.1
"""Seconds for which a transaction may keep others from writing to SQLite."""
SLOWER = 2.0
"""So many times its idle value may the p95 of a contact's list be."""
_IDLE_LOOKS = 100


def main() -> int:
    """Measure; return 0 if the site stays responsive."""
    parser = argparse.ArgumentParser(prog="python -m bench.imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--invoices", type=int, default=20_000, help="that are there before")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="billhook-bench-") as folder:
            return _measure(Path(folder), options.rows, options.invoices)
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 2


def _measure(folder: Path, rows: int, invoices: int) -> int:
    data, port = folder / "data", free_port()
    data.mkdir(mode=0o700)
    settings = {"BILLHOOK_DATA_DIR": str(data), "BILLHOOK_LOG_LEVEL": "warning"}
    facts = _seeded(settings, invoices)
    server = Server(
        "billhook",
        [sys.executable, "-m", "billhook", "serve", "--port", str(port)],
        core=None,
        log=folder / "serve.log",
        **settings,
    )
    holds = Holds(data / "billhook.sqlite3")
    try:
        server.wait_until(f"http://127.0.0.1:{port}/readyz", seconds=60)
        member = Browser(port, facts["cookie"], facts["owner"])
        contact = Browser(port, facts["cookie"], facts["contacts"][0])
        return asyncio.run(_import(facts["organisation"], rows, member, contact, holds))
    finally:
        server.stop()


def _seeded(settings: dict[str, str], invoices: int) -> dict[str, Any]:
    sizes = (invoices, invoices // 10, 1_000, 10)
    done = subprocess.run(
        [sys.executable, "-m", "bench.data.seeding", *map(str, sizes)],
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRun(f"The data could not be made:\n{done.stderr[-2000:]}")
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def _file(rows: int) -> bytes:
    """Return a CSV file with *rows* new invoices."""
    day = date(2026, 1, 1)
    lines = ["Invoice number;Customer number;Date;Due date;Amount;Still open;Currency"]
    lines += [
        f"NEW{at:08};C{at % 1_000:06};{day - timedelta(days=at % 900)};"
        f"{day - timedelta(days=at % 900 - 30)};{at % 9_000 + 10}.50;"
        f"{'0.00' if at % 3 else f'{at % 9_000 + 10}.50'};EUR"
        for at in range(rows)
    ]
    return "\n".join(lines).encode()


class Browser:
    """Somebody who is signed in."""

    def __init__(self, port: int, cookie: str, session: str) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._cookies = {cookie: session}

    async def __aenter__(self) -> Self:
        self._client = ClientSession(
            self._address,
            cookies=self._cookies,
            cookie_jar=CookieJar(unsafe=True),  # 127.0.0.1 isn't a name
            timeout=ClientTimeout(total=120),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def get(self, path: str) -> str:
        """Return the page at *path*."""
        async with self._client.get(path) as response:
            return await self._page(response)

    async def send(self, path: str, page: str, **files: bytes) -> tuple[str, str]:
        """Send the form on *page* to *path*; return the address and the page that follow."""
        form = FormData(quote_fields=True)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        form.add_field("csrfmiddlewaretoken", token[1] if token else "")
        for name, content in files.items():
            form.add_field(name, content, filename=f"{name}.csv")
        headers = {"Origin": self._address}
        async with self._client.post(path, data=form, headers=headers) as response:
            return response.url.path, await self._page(response)

    async def look(self, path: str, times: list[float], *, most: int) -> None:
        """Ask for the page at *path* again and again; add the seconds of each time to *times*."""
        while len(times) < most:
            began = time.perf_counter()
            await self.get(path)
            times.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)

    async def _page(self, response: Any) -> str:
        page: str = await response.text()
        if response.status != 200:  # noqa: PLR2004 - the status of success
            raise CannotRun(f"{response.url.path} responded with {response.status}.")
        return page


class Holds:
    """The times for which transactions keep others from writing, as another process finds them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ended = threading.Event()
        self.seconds: list[float] = []

    def watch(self) -> None:
        """Try to begin a transaction every millisecond, until :meth:`end`."""
        if not self._path.exists():  # PostgreSQL
            return
        with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as database:
            for hold in self._holds(database):
                self.seconds.append(hold)

    def _holds(self, database: sqlite3.Connection) -> Iterator[float]:
        """Yield the seconds of each. A new version of the data is the end of one, too."""
        began, version = 0.0, 0
        while not self._ended.wait(0.001):
            now, changed = time.monotonic(), database.execute("PRAGMA data_version").fetchone()[0]
            is_free = _can_write(database)
            if began and (is_free or changed != version):
                yield now - began
                began = 0.0
            if not is_free and not began:
                began = now
            version = changed

    def end(self) -> None:
        """Stop watching."""
        self._ended.set()


def _can_write(database: sqlite3.Connection) -> bool:
    try:
        database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    database.execute("ROLLBACK")
    return True


async def _import(
    organisation: str, rows: int, member: Browser, contact: Browser, holds: Holds
) -> int:
    idle: list[float] = []
    meanwhile: list[float] = []
    at = f"/backoffice/{organisation}"
    async with member, contact:
        await contact.look("/", [], most=20)  # the first looks are slower
        await contact.look("/", idle, most=_IDLE_LOOKS)
        watching = asyncio.create_task(asyncio.to_thread(holds.watch))
        looking = asyncio.create_task(contact.look("/", meanwhile, most=sys.maxsize))
        try:
            form = await member.get(f"{at}/invoices/import")
            began = time.monotonic()
            address, page = await member.send(f"{at}/invoices/import", form, file=_file(rows))
            page, reports = await _until(member, address, lambda page: "/confirm" in page)
            print(
                f"{rows:,} rows: preview after {time.monotonic() - began:.0f} s, {reports} reports"
            )
            began = time.monotonic()
            await member.send(f"{address}/confirm", page)
            page, reports = await _until(member, address, lambda page: "Import finished" in page)
            seconds = time.monotonic() - began
            print(f"imported in {seconds:.0f} s, {rows / seconds:,.0f} a second, {reports} reports")
        finally:
            looking.cancel()
            holds.end()
            await watching
    return _tell(idle, meanwhile, holds.seconds)


async def _until(member: Browser, address: str, is_there: Callable[[str], bool]) -> tuple[str, int]:
    """Look at the import until *is_there*; return the page and how many reports differed."""
    reports: set[str] = set()
    while not is_there(page := await member.get(address)):
        reports.update(re.findall(r"\d+ of \d+ rows", page))
        await asyncio.sleep(0.2)
    return page, len(reports)


def _tell(idle: list[float], meanwhile: list[float], holds: Sequence[float]) -> int:
    print(f"a contact's list before:    {_figures(idle)}")
    print(f"a contact's list meanwhile: {_figures(meanwhile)}, of {len(meanwhile)} looks")
    if holds:
        print(f"writers had to wait:        {_figures(list(holds))}, of {len(holds)} times")
    is_quick = _p95(meanwhile) < SLOWER * _p95(idle)
    return 0 if is_quick and max(holds, default=0) < LONGEST_HOLD else 1


def _p95(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.95))]


def _figures(times: list[float]) -> str:
    figures = {"median": statistics.median(times), "p95": _p95(times), "most": max(times)}
    return ", ".join(f"{name} {each * 1000:,.0f} ms" for name, each in figures.items())


if __name__ == "__main__":
    sys.exit(main())
