"""A billing system on loopback whose lists can be read in every way that Billhook knows.

It pages in six ways, in JSON, XML and CSV, asked since a time or not. Between two pages it may do
whatever a test wants: change rows, add and remove some. It may also give border rows twice, cap the
size, skew its clock, leave out its Date header, throttle and fail.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any, Final
from xml.sax.saxutils import escape

from aiohttp import web

from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.integration import CompiledIntegration, compile_integration
from billhook.engine.integration_file.file import read_integration
from billhook.engine.secret import Secret
from billhook.engine.source import Source

KEY: Final = "list-key-1"
START: Final = datetime(2026, 3, 31, 9, 30, tzinfo=UTC)
_NUMBER: Final = re.compile(r'"\x00([0-9.-]+)\x00"')


@dataclass(frozen=True, kw_only=True)
class Bill:
    """One invoice as the system has it."""

    id: int
    number: str
    customer: str
    total: Decimal
    open: Decimal
    currency: str = "EUR"
    date: date
    due: date
    state: str = "open"
    kind: str = "invoice"
    changed: datetime


@dataclass(kw_only=True)
class ListedSystem:
    """The system. ``clock`` is its own time; a test moves it on.

    ``between_pages`` is called after each page. ``trouble`` are statuses of the next responses
    instead of a page, each perhaps with headers. ``requests`` are the targets that came.
    """

    clock: datetime = START
    skew: timedelta = timedelta()
    has_date: bool = True
    cap: int = 1_000
    repeats_border: bool = False
    ignores_since: bool = False
    between_pages: Callable[[ListedSystem], None] | None = None
    trouble: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    extra_headers: dict[str, str] = field(default_factory=dict)
    bills: dict[int, Bill] = field(default_factory=dict)
    removals: list[tuple[int, datetime]] = field(default_factory=list)
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    contacts: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    origin: str = ""
    _next_id: int = 1
    _params: dict[str, str] = field(default_factory=dict)

    # What a person there does

    def tick(self, seconds: float = 1.0) -> datetime:
        """Move the system's clock on, and return its time."""
        self.clock += timedelta(seconds=seconds)
        return self.clock

    def add(self, customer: str = "c1", total: str = "100.00", **more: Any) -> Bill:
        """Write an invoice."""
        number = self._next_id
        self._next_id += 1
        day = self.clock.date()
        bill = Bill(
            id=number,
            number=f"INV-{number:05}",
            customer=customer,
            total=Decimal(total),
            open=Decimal(total),
            date=day,
            due=day + timedelta(days=30),
            changed=self.clock,
        )
        self.bills[number] = replace(bill, **more)
        return self.bills[number]

    def add_many(self, count: int, customers: Sequence[str] = ("c1", "c2", "c3")) -> None:
        """Write *count* invoices, a second apart."""
        for index in range(count):
            self.tick()
            self.add(customers[index % len(customers)], total=f"{100 + index}.50")

    def change(self, number: int, **facts: Any) -> Bill:
        """Change an invoice, which gets the present time."""
        self.bills[number] = replace(self.bills[number], changed=self.clock, **facts)
        return self.bills[number]

    def pay(self, number: int, amount: str | None = None) -> Bill:
        """Pay an invoice, or part of it."""
        bill = self.bills[number]
        left = Decimal(0) if amount is None else bill.open - Decimal(amount)
        return self.change(number, open=left, state="open" if left else "paid")

    def void(self, number: int) -> Bill:
        """Void an invoice."""
        return self.change(number, state="void", open=Decimal(0))

    def delete(self, number: int) -> None:
        """Delete an invoice, which then isn't listed; the log of removals has it."""
        del self.bills[number]
        self.removals.append((number, self.clock))

    # What it answers

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.requests.append(str(request.rel_url))
        self.bodies.append(await request.read())
        self._params = {**request.query, **_flat(self.bodies[-1])}
        headers = dict(self.extra_headers)
        if self.has_date:
            headers["Date"] = format_datetime(self.clock + self.skew, usegmt=True)
        if self.trouble:
            status, more = self.trouble.pop(0)
            return web.Response(status=status, headers={**headers, **more})
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.Response(status=401, headers=headers)
        response = self._respond(request)
        response.headers.update(headers)
        if not self.has_date:
            response.headers["Date"] = ""
        if self.between_pages is not None:
            self.between_pages(self)
        return response

    def _respond(self, request: web.Request) -> web.Response:
        _, what, *rest = request.path.split("/")
        routes: dict[str, Callable[[web.Request, list[str]], web.Response]] = {
            "bills": self._bills,
            "customers": lambda request, _: self._plain(request, list(self.customers.values())),
            "contacts": self._contacts,
            "removed": self._removed,
            "csv": self._csv,
        }
        return routes[what](request, rest)

    def _rows(self) -> list[Bill]:
        """Return the invoices asked for, in the order asked for."""
        query = self._params
        rows = list(self.bills.values())
        since = query.get("since")
        if since and not self.ignores_since:
            rows = [bill for bill in rows if bill.changed >= datetime.fromisoformat(since)]
        until = query.get("until")
        if until:
            rows = [bill for bill in rows if bill.changed < datetime.fromisoformat(until)]
        if query.get("state"):
            rows = [bill for bill in rows if bill.state == query["state"]]
        if query.get("sort") == "changed":
            return sorted(rows, key=lambda bill: (bill.changed, bill.id))
        if query.get("sort") == "newest":
            return sorted(rows, key=lambda bill: -bill.id)
        return sorted(rows, key=lambda bill: bill.id)

    def _bills(self, request: web.Request, rest: list[str]) -> web.Response:
        kind = rest[0] if rest else "none"
        rows = self._rows()
        total = len(rows)
        size = min(int(self._params.get("size", 100)), self.cap)
        start = self._start(kind, rows, size)
        end = start + size
        page = rows[start:end]
        if self.repeats_border and start:
            page = rows[start - 1 : end]
        if kind == "none":
            page, end = rows, total
        more = end < total
        facts: dict[str, Any] = {"total": total, "pages": -(-total // size), "more": more}
        headers = {}
        if more and kind == "token":
            facts["next"] = f"t{end}"
        if more and kind in {"next-url", "link"}:
            following = request.rel_url.update_query(at=str(end))
            if kind == "next-url":
                facts["next"] = str(following)
            else:
                headers["Link"] = f'<{following}>; rel="next", </bills>; rel="first"'
        if "xml" in rest:
            return web.Response(
                text=_xml(page, facts), content_type="application/xml", headers=headers
            )
        return exact_json({"data": [_row(bill) for bill in page], **facts}, headers)

    def _start(self, kind: str, rows: list[Bill], size: int) -> int:
        query = self._params
        if kind == "number":
            return (int(query.get("page", 1)) - 1) * size
        if kind == "offset":
            return int(query.get("offset", 0))
        if kind == "last-id":
            after = int(query.get("after", 0))
            return sum(1 for bill in rows if bill.id <= after)
        if kind == "token":
            return int(query.get("cursor", "t0")[1:])
        return int(query.get("at", 0))

    def _plain(self, request: web.Request, rows: Iterable[Any]) -> web.Response:
        del request
        return exact_json({"data": list(rows)})

    def _contacts(self, request: web.Request, rest: list[str]) -> web.Response:
        wanted = request.query.get("customers", "").split(",")
        rows = self.contacts
        if rest:
            rows = [each for each in rows if each["customer"] == rest[0]]
        elif request.query.get("customers"):
            rows = [each for each in rows if each["customer"] in wanted]
        return self._plain(request, rows)

    def _removed(self, request: web.Request, rest: list[str]) -> web.Response:
        del rest
        since = request.query.get("since")
        start = datetime.fromisoformat(since) if since else datetime.min.replace(tzinfo=UTC)
        rows = [{"id": number, "at": at.isoformat()} for number, at in self.removals if at >= start]
        return self._plain(request, rows)

    def _csv(self, request: web.Request, rest: list[str]) -> web.Response:
        del rest
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";")
        writer.writerow(["No", "Customer", "Date", "Due", "Gross", "Open"])
        for bill in self._rows():
            row = [bill.number, bill.customer, f"{bill.date:%d.%m.%Y}", f"{bill.due:%d.%m.%Y}"]
            writer.writerow([*row, _german(bill.total), _german(bill.open)])
        tag = f'"{hash(text.getvalue())}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        body = text.getvalue().encode("windows-1252")
        return web.Response(body=body, content_type="text/csv", headers={"ETag": tag})


def _flat(body: bytes) -> dict[str, str]:
    """Return the values of a JSON body by their own names, whatever is around them."""
    try:
        inside = [json.loads(body)]
    except ValueError:
        return {}
    found = {}
    while inside:
        for name, value in inside.pop().items():
            if isinstance(value, dict):
                inside.append(value)
            else:
                found[name] = str(value)
    return found


def _german(amount: Decimal) -> str:
    return f"{amount:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")


def _row(bill: Bill) -> dict[str, Any]:
    facts = {**asdict(bill), "changed": bill.changed.isoformat()}
    facts["customer"] = {"id": bill.customer, "name": f"Customer {bill.customer}"}
    return facts


def exact_json(value: Any, headers: dict[str, str] | None = None) -> web.Response:
    """Return *value* as JSON, in which decimals are numbers with all their digits."""

    def plain(each: Any) -> str:
        return f"\0{each}\0" if isinstance(each, Decimal) else str(each)

    text = json.dumps(value, default=plain).replace("\\u0000", "\0")
    return web.Response(
        text=_NUMBER.sub(r"\1", text), content_type="application/json", headers=headers
    )


def _xml(rows: Iterable[Bill], facts: dict[str, Any]) -> str:
    parts = [f'<list total="{facts["total"]}">']
    for bill in rows:
        row = {**asdict(bill), "changed": bill.changed.isoformat()}
        inside = "".join(f"<{name}>{escape(str(each))}</{name}>" for name, each in row.items())
        parts.append(f'<bill currency="{bill.currency}">{inside}</bill>')
    return "".join([*parts, "</list>"])


MAP: Final = """
[commands.ListInvoices.map]
id = "$.id"
number = "$.number"
customer = "$.customer.id"
customer_name = "$.customer.name"
amount = "$.total"
open_amount = "$.open"
currency = "$.currency"
date = "$.date"
due_date = "$.due"
status = { json = "$.state", values = { open = "open", paid = "paid", void = "void" } }
type = { json = "$.kind", values = { invoice = "invoice", credit = "credit-note" } }
changed = "$.changed"
"""
PAGES: Final = {
    "none": "",
    "number": 'pages = { kind = "number", param = "page", size = 7, size_param = "size" }',
    "offset": 'pages = { kind = "offset", param = "offset", size = 7, size_param = "size" }',
    "last-id": 'pages = { kind = "last-id", param = "after", size = 7, size_param = "size" }',
    "token": 'pages = { kind = "token", param = "cursor", size = 7, size_param = "size", '
    'next = "$.next" }',
    "next-url": 'pages = { kind = "next-url", size = 7, size_param = "size", next = "$.next" }',
    "link": 'pages = { kind = "link", size = 7, size_param = "size" }',
}
"""The keys ``pages`` for the ways in which :class:`ListedSystem` pages."""
CHANGES: Final = 'changes = { kind = "changed", param = "since" }'


def list_file(
    origin: str,
    *,
    kind: str = "number",
    changes: str = CHANGES,
    pages: str | None = None,
    query: str = "?sort=changed",
    more: str = "",
    commands: str = "",
    mapping: str = MAP,
) -> str:
    """Return an integration file that lists the invoices of a :class:`ListedSystem`."""
    return f"""
format = 1
[integration]
name = "Listed"
variables = {{ BaseUrl = "{origin}" }}
secrets = ["ApiKey"]
[authentication]
scheme = "bearer"
token = "{{{{ApiKey}}}}"
[commands.ListInvoices]
url = "{{{{BaseUrl}}}}/bills/{kind}{query}"
rows = "$.data[*]"
limits = {{ rate = "100000/minute" }}
{PAGES[kind] if pages is None else pages}
{changes}
{more}
{mapping}
{commands}
"""


@asynccontextmanager
async def serve_lists(system: ListedSystem) -> AsyncIterator[str]:
    """Serve *system* on loopback, and give its origin."""
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", system.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        system.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield system.origin
    finally:
        await runner.cleanup()


@asynccontextmanager
async def open_lists(origin: str, text: str) -> AsyncIterator[tuple[CompiledIntegration, Source]]:
    """Compile the file *text*, and open its source, which may reach *origin* alone."""
    integration = compile_integration(read_integration(text))
    policy = EgressPolicy.from_texts(allow=[origin.removeprefix("http://")])
    secrets = {"ApiKey": Secret(KEY)}
    async with integration.open(secrets=secrets, policy=policy) as source:
        yield integration, source
