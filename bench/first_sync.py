"""A first sync of many invoices from a stand-in: its rate, its memory, and the site meanwhile.

    python -m bench.first_sync                     100,000 invoices of 5,000 customers on SQLite
    python -m bench.first_sync --invoices 10000
    BILLHOOK_DATABASE_URL=postgresql://… python -m bench.first_sync

It starts the stand-in and `billhook serve` with its job processes on this machine, in a new data
folder, and asks for a member's list of invoices twice a second while the sync runs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket  # noqa: TID251 - for a free port
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from billhook.portal.sync.models import SyncRun

FILE = """format = 1
[integration]
name = "Stand-in"
variables = { BaseUrl = "ADDRESS" }

[commands.ListCustomers]
url = "{{BaseUrl}}/customers"
rows = { json = "$.rows[*]" }
pages = { kind = "number", param = "page", size = 500, size_param = "size", total = "$.total" }
limits = { rate = "6000/minute" }
map = { id = "$.id", number = "$.number", name = "$.name" }

[commands.ListInvoices]
url = "{{BaseUrl}}/invoices"
rows = { json = "$.rows[*]" }
pages = { kind = "number", param = "page", size = 500, size_param = "size", total = "$.total" }
changes = { kind = "changed", param = "since", format = "iso-seconds" }
limits = { rate = "6000/minute" }

[commands.ListInvoices.map]
id = "$.id"
number = "$.number"
customer = "$.customer"
date = "$.date"
due_date = "$.due"
amount = "$.total"
open_amount = "$.open"
currency = "$.currency"
status = "from-amounts"
changed = { json = "$.changed", format = "iso", zone = "UTC" }
"""


def stand_in(port: int, invoices: int) -> None:
    """Serve made-up rows: a twentieth as many customers as invoices."""
    from aiohttp import web

    customers = max(1, invoices // 20)

    def customer(number: int) -> dict[str, object]:
        return {"id": f"c{number}", "number": f"C{number:06}", "name": f"Customer {number:06} Ltd"}

    def invoice(number: int) -> dict[str, object]:
        return {
            "id": f"i{number}",
            "number": f"INV{number:08}",
            "customer": f"c{number % customers}",
            "date": f"20{20 + number % 6}-{1 + number % 12:02}-{1 + number % 28:02}",
            "due": f"20{20 + number % 6}-{1 + number % 12:02}-28",
            "total": f"{100 + number % 900}.50",
            "open": "0.00" if number % 3 else f"{100 + number % 900}.50",
            "currency": "EUR" if number % 4 else "GBP",
            "changed": f"2026-01-{1 + number % 28:02}T10:00:00Z",
        }

    def page(request: web.Request, total: int, row: Any) -> web.Response:
        number, size = int(request.query["page"]), int(request.query["size"])
        rows = [row(each) for each in range((number - 1) * size, min(total, number * size))]
        return web.json_response({"rows": rows, "total": total})

    async def get_customers(request: web.Request) -> web.Response:
        return page(request, customers, customer)

    async def get_invoices(request: web.Request) -> web.Response:
        return page(request, 0 if "since" in request.query else invoices, invoice)

    app = web.Application()
    app.add_routes([web.get("/customers", get_customers), web.get("/invoices", get_invoices)])
    web.run_app(app, host="127.0.0.1", port=port, print=None)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def prepare(address: str) -> tuple[str, str]:
    """Create an organisation with a started sync; return the page to look at, and a session."""
    from billhook.server.django_setup import set_up_django

    set_up_django()
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from billhook.engine.integration_file.file import read_integration
    from billhook.portal.integrations.drafts import draft_of_file
    from billhook.portal.integrations.services import create_integration
    from billhook.portal.organisations.services import create_organisation
    from billhook.portal.sync.services import start_sync, sync_of
    from billhook.server.database import prepare_database

    prepare_database()
    owner = create_organisation(name="Bench", owner_email="bench@bench.example", owner_name="B")
    draft = draft_of_file(read_integration(FILE.replace("ADDRESS", address)))
    row = create_integration(organisation=owner.organisation, draft=draft)
    start_sync(source=sync_of(row))
    session = SessionStore()
    session[SESSION_KEY] = owner.user.pk
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = owner.user.get_session_auth_hash()
    session.save()
    return f"/backoffice/{owner.organisation_id}/invoices", session.session_key


def job_memory(parent: int) -> int:
    """Return the megabytes of its own that the largest process below *parent* holds.

    Pages of the database's file that SQLite maps aren't its own: the system takes them back.
    """
    found = subprocess.run(
        ["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True
    ).stdout.split("\n")[1:]
    rows = [tuple(map(int, line.split())) for line in found if line.strip()]
    below = {parent}
    for _ in range(5):
        below |= {pid for pid, ppid in rows if ppid in below}
    return max((own_megabytes(pid) for pid in below - {parent}), default=0)


def own_megabytes(process: int) -> int:
    """Return the anonymous memory of *process*; 0 if it has ended."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{process}/status").read_text()
        return int(status.partition("RssAnon:")[2].split()[0]) // 1024
    return 0


def look(address: str, session: str) -> float:
    """Return the seconds that a page takes."""
    request = urllib.request.Request(address, headers={"Cookie": f"sessionid={session}"})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as response:
        response.read()
    return time.perf_counter() - began


def measure(invoices: int, folder: Path) -> None:
    source_port, port = free_port(), free_port()
    settings = {
        "BILLHOOK_DATA_DIR": str(folder),
        "BILLHOOK_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "BILLHOOK_ALLOW": f"127.0.0.1:{source_port}",
        "BILLHOOK_LOG_LEVEL": "warning",
    }
    os.environ.update(settings)  # noqa: TID251 - for this process and those that it starts
    here = [sys.executable, "-m", "bench.first_sync", "--invoices", str(invoices)]
    source = subprocess.Popen([*here, "--stand-in", str(source_port)])
    page, session = prepare(f"http://127.0.0.1:{source_port}")
    from billhook.portal.invoices.models import Invoice
    from billhook.portal.sync.models import SyncRun

    site = subprocess.Popen(
        [sys.executable, "-m", "billhook", "serve", "--port", str(port), "--workers", "1"]
    )
    began, waits, memory = time.monotonic(), [], []
    try:
        run = None
        while run is None or run.state == "running":
            time.sleep(0.5)
            if site.poll() is not None:
                raise SystemExit("the server has ended")
            try:
                waits.append(look(f"http://127.0.0.1:{port}{page}", session))
            except OSError:
                continue  # it is only starting
            memory.append(job_memory(site.pid))
            run = SyncRun.objects.first()
        whole = time.monotonic() - began
        report(run, Invoice.objects.count(), whole, sorted(waits), memory)
    finally:
        for process in (site, source):
            process.terminate()
            process.wait(30)


def report(run: SyncRun, there: int, whole: float, waits: list[float], memory: list[int]) -> None:
    seconds = (run.ended_at - run.started_at).total_seconds()
    third = max(1, len(memory) // 3)
    middle, most = statistics.median(waits) * 1000, waits[-1] * 1000
    print(f"{run.state}: {there:,} invoices in {seconds:.0f} s, {there / seconds:,.0f} a second")
    print(f"from the start of the server: {whole:.0f} s; {run.requests} requests to the source")
    print(f"a member's list of invoices meanwhile: median {middle:.0f} ms, most {most:.0f} ms")
    print(f"  in {len(waits)} looks; 95 % within {waits[int(len(waits) * 0.95)] * 1000:.0f} ms")
    print(f"largest process's own memory: {max(memory[:third])} MB in the first third of the time,")
    print(f"  {max(memory[-third:])} MB in the last")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=100_000)
    parser.add_argument("--stand-in", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stand_in:
        stand_in(options.stand_in, options.invoices)
        return
    with tempfile.TemporaryDirectory(prefix="billhook-first-sync-") as folder:
        measure(options.invoices, Path(folder))


if __name__ == "__main__":
    main()
