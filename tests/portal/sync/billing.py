"""A billing system on loopback that lists customers, contacts and invoices, page by page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "canary-list-key"
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class Billing:
    """The books. ``between_pages`` is called before each page after the first of a list.

    ``failures`` are responses to give instead of a page: a status and headers.
    """

    def __init__(self) -> None:
        self.clock = START
        self.invoices: dict[str, dict[str, Any]] = {}
        self.customers: dict[str, dict[str, Any]] = {}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.size = 100
        self.between_pages: Callable[[], None] = lambda: None
        self.failures: list[tuple[int, dict[str, str]]] = []
        self.requests: list[str] = []
        self.has_tags = False
        self.conditions: list[str | None] = []
        self._next = 1000

    def tick(self, seconds: float = 60) -> str:
        """Let time go by; return the time of the next change."""
        self.clock += timedelta(seconds=seconds)
        return self.clock.isoformat()

    def add(self, **facts: Any) -> str:
        """Write an invoice, of customer 1 unless it says otherwise; return its id."""
        self._next += 1
        id_ = str(self._next)
        row = {
            "id": id_,
            "number": f"INV-{id_}",
            "customer": "1",
            "date": "2026-02-01",
            "due": "2026-03-03",
            "total": "100.00",
            "open": "100.00",
            "currency": "EUR",
            "status": "open",
            "kind": "invoice",
            "changed": self.tick(1),
        }
        self.invoices[id_] = row | facts
        return id_

    def change(self, id_: str, **facts: Any) -> None:
        """Change an invoice."""
        self.invoices[id_] |= facts | {"changed": self.tick(1)}

    def pay(self, id_: str) -> None:
        """Pay an invoice."""
        self.change(id_, open="0.00", status="paid")

    def customer(self, id_: str, name: str, **facts: Any) -> None:
        """Write a customer."""
        self.customers[id_] = {
            "id": id_,
            "number": f"C-{id_}",
            "name": name,
            "active": True,
        } | facts

    def contact(self, id_: str, customer: str, *email: str, **facts: Any) -> None:
        """Write a contact."""
        row = {"id": id_, "customer": customer, "name": "", "email": list(email), "active": True}
        self.contacts[id_] = row | facts

    def answer(self, target: str) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and body of the response to a GET."""
        self.requests.append(target)
        if self.failures:
            status, headers = self.failures.pop(0)
            return status, headers, {"error": "no"}
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        page, since = int(query.get("page", "1")), query.get("since", "")
        if page > 1:
            self.between_pages()
        rows = list(getattr(self, url.path.strip("/")).values())
        if since:
            rows = [row for row in rows if row["changed"] >= since]
            rows.sort(key=lambda row: (row["changed"], row["id"]))
        start = (page - 1) * self.size
        return 200, {}, {"rows": rows[start : start + self.size], "total": len(rows)}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    billing: Billing

    def do_GET(self) -> None:
        if self.headers.get("X-Api-Key") != KEY:
            status, headers, body = 401, {}, {"error": "key"}
        else:
            status, headers, body = self.billing.answer(self.path)
        content = json.dumps(body).encode()
        if self.billing.has_tags:
            headers = {**headers, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
            self.billing.conditions.append(self.headers.get("If-None-Match"))
            if headers["ETag"] == self.billing.conditions[-1]:
                status, content = 304, b""
        self.send_response_only(status)
        self.send_header("Date", format_datetime(self.billing.clock, usegmt=True))
        self.send_header("Content-Type", "application/json")
        if content:
            self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class BillingServer(ThreadingHTTPServer):
    """The system behind an address; each test has its own books."""

    daemon_threads = True

    def __init__(self) -> None:
        self._handler = type("_H", (_Handler,), {"billing": Billing()})
        super().__init__(("127.0.0.1", 0), self._handler)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def new_books(self) -> Billing:
        """Return empty books, which the server answers from now on."""
        self._handler.billing = Billing()
        return self._handler.billing


@contextmanager
def serving() -> Iterator[BillingServer]:
    """Serve within the block."""
    server = BillingServer()
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


INVOICES = """
[commands.ListInvoices]
url = "{{BaseUrl}}/invoices"
headers = [["X-Api-Key", "{{ApiKey}}"]]
rows = { json = "$.rows[*]" }
pages = { kind = "number", param = "page", size = 100, total = { json = "$.total" } }
changes = { kind = "changed", param = "since", format = "yyyy-MM-ddTHH:mm:ss", zone = "UTC" }
limits = { rate = "6000/minute" }
SAME_NUMBER

[commands.ListInvoices.map]
id = "$.id"
number = "$.number"
customer = "$.customer"
date = "$.date"
due_date = "$.due"
amount = "$.total"
open_amount = "$.open"
currency = "$.currency"
po_number = "$.po"
link = "$.link"
type = { json = "$.kind", values = { invoice = "invoice", credit = "credit-note" } }
changed = { json = "$.changed", format = "iso", zone = "UTC" }
MORE

[commands.ListInvoices.map.status]
json = "$.status"
values = { open = "open", paid = "paid", void = "void", draft = "draft", removed = "removed" }
"""
NAMED = """
customer_name = "$.name"
customer_number = "$.c_number"
contact_email = "$.email"
"""
CUSTOMERS = """
[commands.ListCustomers]
url = "{{BaseUrl}}/customers"
headers = [["X-Api-Key", "{{ApiKey}}"]]
rows = { json = "$.rows[*]" }
pages = { kind = "number", param = "page", size = 100, total = { json = "$.total" } }
limits = { rate = "6000/minute" }

[commands.ListCustomers.map]
id = "$.id"
number = "$.number"
name = "$.name"
locale = "$.locale"
active = "$.active"
"""
CONTACTS = """
[commands.ListContacts]
url = "{{BaseUrl}}/contacts"
headers = [["X-Api-Key", "{{ApiKey}}"]]
rows = { json = "$.rows[*]" }
pages = { kind = "number", param = "page", size = 100, total = { json = "$.total" } }
limits = { rate = "6000/minute" }

[commands.ListContacts.map]
id = "$.id"
customer = "$.customer"
name = "$.name"
email = "$.email"
active = "$.active"
"""


def integration_text(
    address: str, *, lists: str = CUSTOMERS + CONTACTS, more: str = "", same_number: str = ""
) -> str:
    """Return the integration file for the system at *address*."""
    same = f'same_number = "{same_number}"' if same_number else ""
    return f"""format = 1
[integration]
name = "Billing"
variables = {{ BaseUrl = "{address}" }}
secrets = ["ApiKey"]
{INVOICES.replace("SAME_NUMBER", same).replace("MORE", more)}
{lists}
"""
