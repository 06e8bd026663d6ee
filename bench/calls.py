"""Measures how many calls of ``/api/v1`` one server process takes in a minute, by kind.

``python -m bench.calls`` uses SQLite in a new folder, or PostgreSQL with BILLHOOK_DATABASE_URL.
Four callers, whose connections stay open, make one call after the other, and one those in bulk; the
key's limit is raised. They share the machine with the server.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

from bench.processes import Server, free_port
from billhook.portal.installation import environment

FOLDER = tempfile.TemporaryDirectory(prefix="billhook-bench-calls-")
environment.put("BILLHOOK_DATA_DIR", f"{FOLDER.name}/data")

from billhook.server.django_setup import set_up_django  # noqa: E402

set_up_django()

from bench.seeding import invoice_facts  # noqa: E402
from billhook.portal.customers.services import save_customer  # noqa: E402
from billhook.portal.integrations.services import create_api_key  # noqa: E402
from billhook.portal.invoices.services import save_invoice  # noqa: E402
from billhook.portal.organisations.services import create_organisation  # noqa: E402
from billhook.server.database import prepare_database  # noqa: E402

CALLERS, INVOICES, ROWS = 4, 1_000, 1_000
SCOPES = ("invoices:write",)
SETTINGS = {"BILLHOOK_API_CALLS": "1000000", "BILLHOOK_LOG_LEVEL": "warning"}
NUMBERS = itertools.count(1)
Call = tuple[str, str, object]


def main() -> int:
    """Measure each kind of call; return 0 if all succeeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    seconds = parser.parse_args().seconds
    prepare_database()
    key, invoice = seed()
    kinds: dict[str, Callable[[], Call]] = {
        "read an invoice": lambda: ("GET", f"/invoices/{invoice}", None),
        "list 50 invoices": lambda: ("GET", "/invoices?limit=50", None),
        "save an invoice by its id": save_one,
        f"save {ROWS:,} invoices in bulk": save_many,
    }
    port = free_port()
    command = [sys.executable, "-m", "billhook", "serve", "--port", str(port)]
    settings = {**SETTINGS, "BILLHOOK_DATA_DIR": f"{FOLDER.name}/data"}
    server = Server("billhook", command, core=None, log=Path(FOLDER.name) / "log", **settings)
    try:
        server.wait_until(f"http://127.0.0.1:{port}/readyz")
        for name, call in kinds.items():
            callers = 1 if call is save_many else CALLERS
            measure(port, key, call, seconds=2, callers=callers)
            before = server.cpu_seconds()
            count, took = measure(port, key, call, seconds=seconds, callers=callers)
            busy = (server.cpu_seconds() - before) / took
            print(f"{name}: {count / took * 60:,.0f} calls a minute ({busy:.0%} of a core)")
    finally:
        server.stop()
    return 0


def seed() -> tuple[str, str]:
    """Return an API key, and the id of one of 1,000 invoices."""
    owner = create_organisation(name="Bench", owner_email="owner@bench.example")
    organisation = owner.organisation
    customer = save_customer(organisation=organisation, number="C1", name="Customer", locale="en")
    rows = [save_invoice(customer=customer, facts=invoice_facts(n)) for n in range(INVOICES)]
    key = create_api_key(organisation=organisation, name="bench", user=owner.user, scopes=SCOPES)
    return key.value.reveal(), rows[0].id


def save_one() -> Call:
    id_ = f"one-{next(NUMBERS)}"
    return "PUT", f"/invoices/by-source-id/{id_}", {"number": id_, **_FACTS}


def save_many() -> Call:
    ids = [f"many-{next(NUMBERS)}" for _ in range(ROWS)]
    return "POST", "/invoices/bulk", {"rows": [{"source_id": id_, **_FACTS} for id_ in ids]}


_FACTS = {
    "customer_number": "C1",
    "issued_on": "2026-03-31",
    "amount": "1240.00",
    "currency": "EUR",
}


def measure(
    port: int, key: str, call: Callable[[], Call], *, seconds: float, callers: int
) -> tuple[int, float]:
    """Return how many calls all callers made, and the seconds that they took."""
    began = time.monotonic()
    end = began + seconds
    counts: list[int] = []

    def work() -> None:
        connection, count = HTTPConnection("127.0.0.1", port, timeout=60), 0
        while time.monotonic() < end:
            send(connection, key, call())
            count += 1
        connection.close()
        counts.append(count)

    threads = [threading.Thread(target=work) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(counts) < callers:
        raise SystemExit("A call failed; see above.")
    return sum(counts), time.monotonic() - began


def send(connection: HTTPConnection, key: str, call: Call) -> None:
    method, path, body = call
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body)
    connection.request(method, f"/api/v1{path}", body=sent, headers=headers)
    response = connection.getresponse()
    content = response.read()
    if response.status not in {200, 201} or b'"result":"refused"' in content:
        raise RuntimeError(f"{method} {path}: {response.status} {content[:500]!r}")


if __name__ == "__main__":
    sys.exit(main())
