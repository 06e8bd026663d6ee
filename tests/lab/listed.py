"""Stand-ins whose invoices can be listed, each in the shape of its system: rows, pages, changes.

They add the list to the stand-in of the preset, so that the sign-in is that of the real system. The
invoices are those of a :class:`lab.lists.ListedSystem`, which may change between two pages. A page
has at most three rows, whatever is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from email.utils import format_datetime
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from aiohttp import web

from lab.lists import Bill, ListedSystem, exact_json
from lab.standin import Call, Refused, route
from lab.strict import check_basic, check_bearer
from lab.systems.akaunting import Akaunting
from lab.systems.autotask import Autotask
from lab.systems.business_central import _ROOT, BusinessCentral
from lab.systems.chargebee import Chargebee
from lab.systems.connectwise import _PATH, ConnectWise
from lab.systems.dolibarr import Dolibarr
from lab.systems.erpnext import ErpNext
from lab.systems.freshbooks import FreshBooks
from lab.systems.halopsa import HaloPsa
from lab.systems.invoice_ninja import InvoiceNinja
from lab.systems.invoiceshelf import InvoiceShelf
from lab.systems.lexware_office import LexwareOffice
from lab.systems.netsuite import NetSuite
from lab.systems.odoo import Odoo
from lab.systems.quickbooks import QuickBooks
from lab.systems.recurly import Recurly
from lab.systems.sage_intacct import SageIntacct
from lab.systems.sevdesk import SevDesk
from lab.systems.square import Square
from lab.systems.stripe import Stripe
from lab.systems.whmcs import Whmcs
from lab.systems.xero import Xero
from lab.systems.zoho import Zoho

SIZE: Final = 3
EVERYTHING: Final = ("add", "pay", "part", "void", "delete", "touch")
NEW_YORK: Final = ZoneInfo("America/New_York")
BERLIN: Final = ZoneInfo("Europe/Berlin")
LOS_ANGELES: Final = ZoneInfo("America/Los_Angeles")


class Listed:
    """A stand-in with a list. ``operations`` are the things that its list can show."""

    command: ClassVar = "ListInvoices"
    operations: ClassVar[Sequence[str]] = EVERYTHING

    def __init__(self) -> None:
        super().__init__()
        self.system = ListedSystem()

    def query_of(self, call: Call) -> dict[str, str]:
        """Return the query, which has each name once."""
        pairs = parse_qsl(call.raw_query, keep_blank_values=True, errors="strict")
        return dict(pairs)

    def bills(self, since: datetime | None = None, *, by_id: bool = False) -> list[Bill]:
        """Return the invoices that have changed since, in order."""

        def key(bill: Bill) -> Any:
            return bill.id if by_id else (bill.changed, bill.id)

        found = [b for b in self.system.bills.values() if since is None or b.changed >= since]
        return sorted(found, key=key)

    def cut(self, rows: list[Any], start: int) -> list[Any]:
        """Return a page of *rows*, perhaps with the last row of the page before."""
        return rows[max(0, start - self.system.repeats_border) : start + SIZE]

    def done(self, data: Any) -> web.Response:
        """Answer with a page, after which the system may change."""
        if self.system.between_pages is not None:
            self.system.between_pages(self.system)
        date = format_datetime(self.system.clock, usegmt=True)
        return exact_json(data, {"Date": date})


def state(bill: Bill, *, open_: str, part: str, paid: str, void: str) -> str:
    """Return the system's word for the state of *bill*."""
    if bill.state == "open" and 0 < bill.open < bill.total:
        return part
    return {"open": open_, "paid": paid, "void": void}[bill.state]


def instant(text: str) -> datetime:
    """Return a time that is written with its zone."""
    return datetime.fromisoformat(text)


def local(text: str, zone: ZoneInfo | Any = UTC, form: str = "%Y-%m-%d %H:%M:%S") -> datetime:
    """Return a time that is written in the system's zone."""
    return datetime.strptime(text, form).replace(tzinfo=zone)


def cents(amount: Decimal) -> int:
    """Return *amount* in minor units."""
    return int(amount * 100)


def stamp(bill: Bill) -> int:
    """Return the second of the last change."""
    return int(bill.changed.timestamp())


def midnight(bill: Bill) -> int:
    """Return the invoice's day as the second of its midnight in UTC."""
    return int(datetime.combine(bill.date, time(), UTC).timestamp())


class ListedStripe(Listed, Stripe):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.known: dict[int, Bill] = {}

    def _write_events(self) -> None:
        for number, bill in self.system.bills.items():
            if self.known.get(number) != bill:
                self._event("invoice.updated", self._invoice(bill), stamp(bill))
                self.known[number] = bill
        for number in [each for each in self.known if each not in self.system.bills]:
            self._event("invoice.deleted", {"id": str(number)}, int(self.system.clock.timestamp()))
            del self.known[number]

    def _event(self, kind: str, record: dict[str, Any], at: int) -> None:
        self.events.append(
            {
                "id": f"evt_{len(self.events)}",
                "type": kind,
                "created": at,
                "data": {"object": record},
            }
        )

    def _invoice(self, bill: Bill) -> dict[str, Any]:
        return {
            "id": str(bill.id),
            "number": bill.number,
            "customer": bill.customer,
            "currency": "eur",
            "total": cents(bill.total),
            "amount_remaining": cents(bill.open),
            "created": stamp(bill),
            "due_date": None,
            "status": bill.state,
        }

    def _after(self, call: Call, rows: list[dict[str, Any]]) -> web.Response:
        check_basic(call, self.secrets["SecretKey"], "")
        after = self.query_of(call).get("starting_after")
        ids = [each["id"] for each in rows]
        start = ids.index(after) + 1 if after in ids else 0
        return self.done({"data": self.cut(rows, start), "has_more": start + SIZE < len(rows)})

    @route("GET", "/v1/events")
    def list_events(self, call: Call) -> web.Response:
        self._write_events()
        since = int(self.query_of(call).get("created[gte]", 0))
        rows = [each for each in reversed(self.events) if each["created"] >= since]
        return self._after(call, rows)

    @route("GET", "/v1/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        self._write_events()
        return self._after(call, [self._invoice(each) for each in self.bills(by_id=True)[::-1]])


class ListedXero(Listed, Xero):
    @route("GET", "/api.xro/2.0/Invoices")
    def list_invoices(self, call: Call) -> web.Response:
        self._check(call)
        query = self.query_of(call)
        if query["where"] != 'Type=="ACCREC"' or query["order"] != "UpdatedDateUTC ASC":
            raise Refused(400, "another where or order")
        since = call.headers.get("If-Modified-Since")
        rows = self.bills(local(since, form="%Y-%m-%dT%H:%M:%S") if since else None)
        start = (int(query["page"]) - 1) * SIZE
        pages = {"page": int(query["page"]), "pageCount": -(-len(rows) // SIZE)}
        shown = [self._row(each) for each in self.cut(rows, start)]
        return self.done({"pagination": pages, "Invoices": shown})

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        milliseconds = stamp(bill) * 1000
        words = {"open_": "AUTHORISED", "part": "AUTHORISED", "paid": "PAID", "void": "VOIDED"}
        return {
            "InvoiceID": str(bill.id),
            "InvoiceNumber": bill.number,
            "Contact": {"ContactID": bill.customer, "Name": bill.customer},
            "Total": bill.total,
            "AmountDue": bill.open,
            "CurrencyCode": "EUR",
            "DateString": f"{bill.date}T00:00:00",
            "DueDateString": f"{bill.due}T00:00:00",
            "Status": state(bill, **words),
            "UpdatedDateUTC": f"/Date({milliseconds}+0000)/",
        }


class ListedQuickBooks(Listed, QuickBooks):
    operations = ("add", "pay", "part", "delete", "touch")

    @route("GET", "/v3/company/{company}/query")
    def query(self, call: Call, company: str) -> web.Response:
        self._check(call, company)
        text = self.query_of(call)["query"]
        match = re.fullmatch(
            r"SELECT \* FROM Invoice WHERE Metadata.LastUpdatedTime >= '([^']+)' ORDER BY "
            r"Metadata.LastUpdatedTime ASC STARTPOSITION (\d+) MAXRESULTS (\d+)",
            text,
        )
        if match is None:
            raise Refused(400, "QueryParserError")
        rows, start = self.bills(instant(match[1])), int(match[2]) - 1
        shown = [self._row(each) for each in self.cut(rows, start)]
        return self.done({"QueryResponse": {"Invoice": shown} if shown else {}})

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        return {
            "Id": str(bill.id),
            "DocNumber": bill.number,
            "CustomerRef": {"value": bill.customer, "name": bill.customer},
            "TotalAmt": bill.total,
            "Balance": bill.open,
            "CurrencyRef": {"value": "EUR"},
            "TxnDate": str(bill.date),
            "DueDate": str(bill.due),
            "MetaData": {"LastUpdatedTime": bill.changed.astimezone(NEW_YORK).isoformat()},
            "BillEmail": {"Address": "a@x.example, b@x.example"},
        }


class ListedZoho(Listed, Zoho):
    @route("GET", "/books/v3/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        names = ("page", "per_page", "sort_column", "sort_order", "last_modified_time")
        query = self._check(call, optional=names)
        since = query.get("last_modified_time")
        rows = self.bills(instant(since) if since else None)
        start = (int(query["page"]) - 1) * SIZE
        shown = [self._listed_row(each) for each in self.cut(rows, start)]
        more = start + SIZE < len(rows)
        return self.done({"code": 0, "invoices": shown, "page_context": {"has_more_page": more}})

    @staticmethod
    def _listed_row(bill: Bill) -> dict[str, Any]:
        words = {"open_": "sent", "part": "partially_paid", "paid": "paid", "void": "void"}
        return {
            "invoice_id": str(bill.id),
            "invoice_number": bill.number,
            "customer_id": bill.customer,
            "total": bill.total,
            "balance": bill.open,
            "currency_code": "EUR",
            "date": str(bill.date),
            "due_date": str(bill.due),
            "status": state(bill, **words),
            "last_modified_time": bill.changed.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        }


class ListedInvoiceNinja(Listed, InvoiceNinja):
    def __init__(self) -> None:
        super().__init__()
        self.deleted: dict[int, Bill] = {}
        self.before: dict[int, Bill] = {}

    @route("GET", "/api/v1/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        call.needs("X-API-TOKEN", self.secrets["ApiToken"], status=403)
        query = self.query_of(call)
        for number in [each for each in self.before if each not in self.system.bills]:
            bill = self.before.pop(number)  # it stays listed, and is marked
            self.deleted[number] = Bill(**{**vars(bill), "changed": self.system.clock})
        self.before = dict(self.system.bills)
        since = datetime.fromtimestamp(int(query.get("updated_at", 0)), UTC)
        every = [*self.system.bills.values(), *self.deleted.values()]
        rows = sorted(
            (each for each in every if each.changed >= since), key=lambda b: (b.changed, b.id)
        )
        start = (int(query["page"]) - 1) * SIZE
        pages = {"total_pages": -(-len(rows) // SIZE), "total": len(rows)}
        shown = [self._row(each) for each in self.cut(rows, start)]
        return self.done({"data": shown, "meta": {"pagination": pages}})

    def _row(self, bill: Bill) -> dict[str, Any]:
        return {
            "id": str(bill.id),
            "number": bill.number,
            "client_id": bill.customer,
            "amount": bill.total,
            "balance": bill.open,
            "date": str(bill.date),
            "due_date": str(bill.due),
            "status_id": state(bill, open_="2", part="3", paid="4", void="5"),
            "is_deleted": bill.id in self.deleted,
            "updated_at": stamp(bill),
            "client": {
                "name": bill.customer,
                "settings": {"currency_id": "3"} if bill.id % 2 else {},
                "contacts": [{"email": "ann@x.example"}, {"email": ""}],
            },
        }


class ListedOdoo(Listed, Odoo):
    def _search_read(self, domain: list[Any], **named: Any) -> list[dict[str, Any]]:
        if named.get("order") != "write_date asc, id asc":
            return super()._search_read(domain, **named)
        since = next(value for name, _, value in domain if name == "write_date")
        rows = self.cut(self.bills(local(since)), named["offset"])
        if self.system.between_pages is not None:
            self.system.between_pages(self.system)
        shown = [self._move(each) for each in rows]
        return [{name: each[name] for name in ("id", *named["fields"])} for each in shown]

    @staticmethod
    def _move(bill: Bill) -> dict[str, Any]:
        payment = state(bill, open_="not_paid", part="partial", paid="paid", void="not_paid")
        return {
            "id": bill.id,
            "name": bill.number,
            "move_type": "out_invoice",
            "invoice_date": str(bill.date),
            "invoice_date_due": False,
            "amount_total": float(bill.total),
            "amount_residual": float(bill.open),
            "currency_id": [1, "EUR"],
            "ref": False,
            "state": "cancel" if bill.state == "void" else "posted",
            "payment_state": payment,
            "partner_id": [7, "Somebody"],
            "commercial_partner_id": [bill.customer, "Their company"],
            "write_date": bill.changed.strftime("%Y-%m-%d %H:%M:%S"),
        }


class ListedErpNext(Listed, ErpNext):
    @route("GET", "/api/resource/Sales%20Invoice")
    def list_invoices(self, call: Call) -> web.Response:
        key = f"token {self.secrets['ApiKey']}:{self.secrets['ApiSecret']}"
        call.needs("Authorization", key, status=403)
        query = self.query_of(call)
        [[field, operator, since]] = json.loads(query["filters"])
        if (field, operator, query["order_by"]) != ("modified", ">=", "modified asc"):
            raise Refused(417, "another filter")
        fields, start = json.loads(query["fields"]), int(query["limit_start"])
        rows = [self._row(each) for each in self.cut(self.bills(local(since)), start)]
        return self.done({"data": [{name: each.get(name) for name in fields} for each in rows]})

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        words = {"open_": "Overdue", "part": "Partly Paid", "paid": "Paid", "void": "Cancelled"}
        return {
            "name": str(bill.id),
            "customer": bill.customer,
            "posting_date": str(bill.date),
            "due_date": str(bill.due),
            "rounded_total": 0.0,
            "grand_total": bill.total,
            "outstanding_amount": bill.open,
            "currency": "EUR",
            "is_return": 0,
            "status": state(bill, **words),
            "modified": bill.changed.strftime("%Y-%m-%d %H:%M:%S.%f"),
        }


class ListedDolibarr(Listed, Dolibarr):
    """Part payments don't count as a change; older versions answer 404 for an empty list."""

    @route("GET", "/dolibarr/api/index.php/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        self._check_key(call)
        query = self.query_of(call)
        if query.get("status") == "unpaid":
            rows = [each for each in self.bills(by_id=True) if each.state == "open"]
        else:
            match = re.fullmatch(r"\(t\.tms:>=:'(\d{14})'\)", query["sqlfilters"])
            if match is None:
                raise Refused(503, "the filter can't be read")
            rows = self.bills(local(match[1], form="%Y%m%d%H%M%S"))
        start = int(query["page"]) * SIZE
        shown = [self._row(each) for each in self.cut(rows, start)]
        response = self.done(shown)
        if not shown:
            response.set_status(404)
        return response

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        return {
            "id": str(bill.id),
            "ref": bill.number,
            "socid": bill.customer,
            "total_ttc": f"{bill.total}000000",
            "remaintopay": str(bill.open),
            "multicurrency_code": None,
            "date": midnight(bill),
            "date_lim_reglement": "",
            "type": "0",
            "statut": state(bill, open_="1", part="1", paid="2", void="3"),
            "date_modification": stamp(bill),
        }


class ListedChargebee(Listed, Chargebee):
    def __init__(self) -> None:
        super().__init__()
        self.before: dict[int, Bill] = {}
        self.deleted: dict[int, Bill] = {}

    @route("GET", "/api/v2/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        check_basic(call, self.secrets["ApiKey"], "")
        query = self.query_of(call)
        self.note_deleted()
        after = datetime.fromtimestamp(int(query.get("updated_at[after]", 0)), UTC)
        every = [*self.system.bills.values(), *self.deleted.values()]
        rows = sorted((b for b in every if b.changed > after), key=lambda b: (b.changed, b.id))
        start = int(json.loads(query.get("offset", '["0"]'))[0])
        page = {"list": [{"invoice": self._row(each)} for each in self.cut(rows, start)]}
        more = {"next_offset": f'["{start + SIZE}"]'} if start + SIZE < len(rows) else {}
        return self.done({**page, **more})

    def note_deleted(self) -> None:
        """Keep what was deleted: it stays listed, and is marked."""
        for number in [each for each in self.before if each not in self.system.bills]:
            bill = self.before.pop(number)
            self.deleted[number] = Bill(**{**vars(bill), "changed": self.system.clock})
        self.before = dict(self.system.bills)

    def _row(self, bill: Bill) -> dict[str, Any]:
        words = {"open_": "payment_due", "part": "not_paid", "paid": "paid", "void": "voided"}
        return {
            "id": str(bill.id),
            "customer_id": bill.customer,
            "total": cents(bill.total),
            "amount_due": cents(bill.open),
            "currency_code": "EUR",
            "date": midnight(bill),
            "status": state(bill, **words),
            "updated_at": stamp(bill),
            "deleted": bill.id in self.deleted,
        }


class ListedRecurly(Listed, Recurly):
    @route("GET", "/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        check_basic(call, self.secrets["ApiKey"], "")
        query = self.query_of(call)
        since = query.get("begin_time")
        rows = self.bills(instant(since) if since else None)
        start = int(query.get("cursor", 0))
        more = start + SIZE < len(rows)
        following = f"{call.raw_path}?{_without(call.raw_query, 'cursor')}&cursor={start + SIZE}"
        return self.done(
            {
                "has_more": more,
                "next": following if more else None,
                "data": [self._row(each) for each in self.cut(rows, start)],
            }
        )

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        return {
            "id": str(bill.id),
            "number": bill.number,
            "account": {"id": bill.customer, "code": bill.customer, "email": "a@x.example"},
            "total": bill.total,
            "balance": bill.open,
            "currency": "EUR",
            "created_at": f"{bill.date}T08:00:00Z",
            "due_at": None,
            "type": "charge",
            "state": state(bill, open_="past_due", part="pending", paid="paid", void="voided"),
            "updated_at": bill.changed.isoformat().replace("+00:00", "Z"),
        }


def _without(query: str, name: str) -> str:
    return "&".join(each for each in query.split("&") if not each.startswith(f"{name}="))


class ListedFreshBooks(Listed, FreshBooks):
    operations = ("add", "pay", "part", "delete", "touch")

    @route("GET", "/accounting/account/{account}/invoices/invoices")
    def list_invoices(self, call: Call, account: str) -> web.Response:
        self._check(call, account)
        query = self.query_of(call)
        since = query.get("search[updated_min]")
        rows = self.bills(local(since, NEW_YORK, "%Y-%m-%d") if since else None)
        start = (int(query["page"]) - 1) * SIZE
        shown = [self._row(each) for each in self.cut(rows, start)]
        result = {"invoices": shown, "pages": -(-len(rows) // SIZE), "page": int(query["page"])}
        return self.done({"response": {"result": result}})

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        return {
            "id": bill.id,
            "invoice_number": bill.number,
            "customerid": bill.customer,
            "amount": {"amount": str(bill.total), "code": "EUR"},
            "outstanding": {"amount": str(bill.open), "code": "EUR"},
            "currency_code": "EUR",
            "create_date": str(bill.date),
            "due_date": str(bill.due),
            "vis_state": 0,
            "v3_status": state(bill, open_="overdue", part="partial", paid="auto-paid", void=""),
            "updated": bill.changed.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S"),
        }


class ListedConnectWise(Listed, ConnectWise):
    operations = ("add", "pay", "part", "delete", "touch")

    @route("GET", f"{_PATH}/finance/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        self._check(call)
        query = self.query_of(call)
        match = re.fullmatch(r"lastUpdated>=\[([^\]]+)\]", query["conditions"])
        if match is None:
            raise Refused(400, "the conditions can't be read")
        start = (int(query["page"]) - 1) * SIZE
        rows = self.cut(self.bills(instant(match[1])), start)
        return self.done([self._listed_row(each) for each in rows])

    @staticmethod
    def _listed_row(bill: Bill) -> dict[str, Any]:
        return {
            "id": bill.id,
            "invoiceNumber": bill.number,
            "company": {"id": bill.customer, "identifier": "X", "name": "X Ltd"},
            "total": bill.total,
            "balance": bill.open,
            "date": f"{bill.date}T00:00:00Z",
            "dueDate": f"{bill.due}T00:00:00Z",
            "_info": {"lastUpdated": bill.changed.strftime("%Y-%m-%dT%H:%M:%SZ")},
        }


class ListedAutotask(Listed, Autotask):
    """It can be asked what was created, and has no open amount."""

    operations = ("add", "pay", "void", "delete", "touch")

    def __init__(self) -> None:
        super().__init__()
        self.created: dict[int, datetime] = {}

    @route("POST", "/ATServicesRest/V1.0/Invoices/query")
    def query(self, call: Call) -> web.Response:
        self._check(call)
        asked = call.json()
        [condition] = asked["filter"]
        for bill in self.system.bills.values():
            self.created.setdefault(bill.id, bill.changed)
        since = instant(condition["value"])
        rows = [b for b in self.bills(by_id=True) if self.created[b.id] >= since]
        after = int(self.query_of(call).get("after", 0))
        rows = [bill for bill in rows if bill.id > after]
        shown = rows[:SIZE]
        following = f"{self.api}{call.raw_path}?after={shown[-1].id}" if rows[SIZE:] else None
        return self.done(
            {
                "items": [self._listed_row(each) for each in shown],
                "pageDetails": {"nextPageUrl": following},
            }
        )

    @staticmethod
    def _listed_row(bill: Bill) -> dict[str, Any]:
        return {
            "id": bill.id,
            "invoiceNumber": bill.number,
            "companyID": bill.customer,
            "invoiceTotal": bill.total,
            "invoiceDateTime": f"{bill.date}T00:00:00Z",
            "dueDate": None,
            "isVoided": bill.state == "void",
            "paidDate": "2026-03-31T00:00:00Z" if bill.state == "paid" else None,
        }


class ListedBusinessCentral(Listed, BusinessCentral):
    @route("GET", _ROOT)
    def list_invoices(self, call: Call, **place: str) -> web.Response:
        self._check(call, **place)
        query = self.query_of(call)
        match = re.fullmatch(r"lastModifiedDateTime ge (\S+)", query["$filter"])
        rows = self.bills(instant(match[1])) if match else self.bills(by_id=True)
        if match is None:
            rows = [each for each in rows if each.state == "open"]
        start = int(query.get("$skiptoken", 0))
        page: dict[str, Any] = {"value": [self._listed_row(each) for each in self.cut(rows, start)]}
        if start + SIZE < len(rows):
            rest = _without(call.raw_query, "$skiptoken")
            page["@odata.nextLink"] = f"{self.api}{call.raw_path}?{rest}&$skiptoken={start + SIZE}"
        return self.done(page)

    @staticmethod
    def _listed_row(bill: Bill) -> dict[str, Any]:
        return {
            "id": str(bill.id),
            "number": bill.number,
            "customerId": bill.customer,
            "totalAmountIncludingTax": bill.total,
            "remainingAmount": bill.open,
            "currencyCode": "EUR",
            "invoiceDate": str(bill.date),
            "dueDate": "0001-01-01",
            "status": state(bill, open_="Open", part="Open", paid="Paid", void="Canceled"),
            "lastModifiedDateTime": bill.changed.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }


class ListedHaloPsa(Listed, HaloPsa):
    @route("GET", "/api/Invoice")
    def list_invoices(self, call: Call) -> web.Response:
        self.oauth.check(call)
        query = self.query_of(call)
        start = (int(query["page_no"]) - 1) * SIZE
        rows = self.bills(by_id=True)
        shown = [self._row(each) for each in self.cut(rows, start)]
        return self.done({"record_count": len(rows), "invoices": shown})

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        return {
            "id": bill.id,
            "invoicenumber": bill.number,
            "client_id": bill.customer,
            "total": bill.total,
            "amountdue": bill.open,
            "currency_code_name": "EUR",
            "invoice_date": f"{bill.date}T00:00:00",
            "duedate": f"{bill.due}T00:00:00",
            "voided": bill.state == "void",
        }


class ListedSevDesk(Listed, SevDesk):
    operations = ("add", "pay", "part", "delete", "touch")

    @route("GET", "/api/v1/Invoice")
    def search(self, call: Call) -> web.Response:
        check_bearer(call, self.secrets["ApiToken"], word="")
        query = self.query_of(call)
        rows = self.bills(datetime.fromtimestamp(int(query.get("updateAfter", 0)), UTC))
        start = int(query["offset"])
        shown = [self._listed_row(each) for each in self.cut(rows, start)]
        return self.done({"total": len(rows), "objects": shown})

    @staticmethod
    def _listed_row(bill: Bill) -> dict[str, Any]:
        return {
            "id": str(bill.id),
            "invoiceNumber": bill.number,
            "contact": {"id": bill.customer, "name": "X", "customerNumber": "1001"},
            "sumGross": str(bill.total),
            "paidAmount": bill.total - bill.open,
            "currency": "EUR",
            "invoiceDate": f"{bill.date}T00:00:00+02:00",
            "invoiceType": "RE",
            "status": "1000" if bill.state == "paid" else "200",
            "update": bill.changed.astimezone(BERLIN).isoformat(),
        }


class ListedLexware(Listed, LexwareOffice):
    @route("GET", "/v1/voucherlist")
    def voucher_list(self, call: Call) -> web.Response:
        check_bearer(call, self.secrets["ApiKey"])
        query = self.query_of(call)
        since = query.get("updatedDateFrom")
        rows = self.bills(local(since, BERLIN, "%Y-%m-%d") if since else None)
        start = int(query["page"]) * SIZE
        shown = [self._listed_row(each) for each in self.cut(rows, start)]
        return self.done({"content": shown, "totalPages": -(-len(rows) // SIZE)})

    @staticmethod
    def _listed_row(bill: Bill) -> dict[str, Any]:
        return {
            "id": str(bill.id),
            "voucherNumber": bill.number,
            "contactId": bill.customer,
            "contactName": "X",
            "totalAmount": bill.total,
            "openAmount": bill.open,
            "currency": "EUR",
            "voucherDate": f"{bill.date}T00:00:00.000+02:00",
            "dueDate": None,
            "voucherType": "invoice",
            "voucherStatus": state(bill, open_="overdue", part="open", paid="paid", void="voided"),
            "updatedDate": bill.changed.astimezone(BERLIN).isoformat(timespec="milliseconds"),
        }


class ListedWhmcs(Listed, Whmcs):
    operations = ("add", "pay", "void", "delete", "touch")

    @route("POST", "/includes/api.php")
    def api_php(self, call: Call) -> web.Response:
        form = dict(parse_qsl(call.body.decode("ascii"), keep_blank_values=True))
        if [form["identifier"], form["secret"]] != list(self.secrets.values()):
            raise Refused(403, "Invalid or missing credentials")
        if (form["action"], form["orderby"], form["order"]) != ("GetInvoices", "id", "asc"):
            raise Refused(403, "another action or order")
        rows, start = self.bills(by_id=True), int(form["limitstart"])
        shown = [self._row(each) for each in self.cut(rows, start)]
        return self.done(
            {"result": "success", "totalresults": len(rows), "invoices": {"invoice": shown}}
        )

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        return {
            "id": bill.id,
            "invoicenum": bill.number,
            "userid": bill.customer,
            "total": str(bill.total),
            "currencycode": "EUR",
            "date": str(bill.date),
            "duedate": "0000-00-00",
            "status": state(bill, open_="Unpaid", part="Unpaid", paid="Paid", void="Cancelled"),
        }


class ListedSquare(Listed, Square):
    def variables(self) -> dict[str, str]:
        return {**super().variables(), "LocationId": "L1"}

    @route("GET", "/v2/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        check_bearer(call, self.secrets["AccessToken"])
        query = self.query_of(call)
        if query["location_id"] != "L1":
            raise Refused(400, "another location")
        rows, start = self.bills(by_id=True), int(query.get("cursor", "c0")[1:])
        page: dict[str, Any] = {"invoices": [self._row(each) for each in self.cut(rows, start)]}
        more = {"cursor": f"c{start + SIZE}"} if start + SIZE < len(rows) else {}
        return self.done({**page, **more})

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        words = {
            "open_": "UNPAID", "part": "PARTIALLY_PAID", "paid": "PAID", "void": "CANCELED",
        }  # fmt: skip
        first = bill.total - 1

        def money(amount: Decimal) -> dict[str, Any]:
            return {"amount": cents(amount), "currency": "EUR"}

        return {
            "id": str(bill.id),
            "invoice_number": bill.number,
            "primary_recipient": {"customer_id": bill.customer, "email_address": "a@x.example"},
            "payment_requests": [
                {
                    "computed_amount_money": money(first),
                    "total_completed_amount_money": money(bill.total - bill.open),
                    "due_date": str(bill.due),
                },
                {"computed_amount_money": money(Decimal(1))},
            ],
            "status": state(bill, **words),
            "created_at": f"{bill.date}T08:00:00Z",
            "updated_at": bill.changed.isoformat(),
        }


class ListedAkaunting(Listed, Akaunting):
    @route("GET", "/api/documents")
    def documents(self, call: Call) -> web.Response:
        check_basic(call, "billhook@example.com", self.secrets["Password"])
        query = self.query_of(call)
        match = re.fullmatch(r"type:invoice updated_at>=(\d{4}-\d\d-\d\d)", query["search"])
        if match is None:
            raise Refused(400, "the search can't be read")
        rows = self.bills(local(match[1], form="%Y-%m-%d"))
        start = (int(query["page"]) - 1) * SIZE
        shown = [self._row(each) for each in self.cut(rows, start)]
        return self.done({"data": shown, "meta": {"last_page": max(1, -(-len(rows) // SIZE))}})

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        paid = bill.total - bill.open
        return {
            "id": bill.id,
            "document_number": bill.number,
            "contact_id": bill.customer,
            "amount": bill.total,
            "transactions": {"data": [{"amount": paid}] if paid else []},
            "currency_code": "EUR",
            "issued_at": f"{bill.date}T00:00:00+00:00",
            "due_at": f"{bill.due}T00:00:00+00:00",
            "status": state(bill, open_="sent", part="partial", paid="paid", void="cancelled"),
            "updated_at": bill.changed.isoformat(),
        }


class ListedInvoiceShelf(Listed, InvoiceShelf):
    operations = ("add", "pay", "part", "delete", "touch")

    @route("GET", "/api/v1/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        self._check(call)
        query = self.query_of(call)
        rows, start = self.bills(by_id=True), (int(query["page"]) - 1) * SIZE
        shown = [self._row(each) for each in self.cut(rows, start)]
        return self.done({"data": shown, "meta": {"last_page": max(1, -(-len(rows) // SIZE))}})

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        words = {"open_": "UNPAID", "part": "PARTIALLY_PAID", "paid": "PAID", "void": ""}
        return {
            "id": bill.id,
            "invoice_number": bill.number,
            "customer": {"id": bill.customer, "name": "X", "email": "a@x.example"},
            "total": cents(bill.total),
            "due_amount": cents(bill.open),
            "currency": {"code": "EUR"},
            "invoice_date": str(bill.date),
            "due_date": str(bill.due),
            "status": "SENT",
            "paid_status": state(bill, **words),
        }


class ListedNetSuite(Listed, NetSuite):
    @route("POST", "/services/rest/query/v1/suiteql")
    def suiteql(self, call: Call) -> web.Response:
        self._check(call)
        match = re.search(r"lastmodifieddate >= TO_DATE\('([^']+)'", call.json()["q"])
        if match is None:
            raise Refused(400, "the query can't be read")
        rows = self.bills(local(match[1], LOS_ANGELES))
        start = int(self.query_of(call)["offset"])
        shown = [self._row(each) for each in self.cut(rows, start)]
        return self.done({"items": shown, "hasMore": start + SIZE < len(rows)})

    @staticmethod
    def _row(bill: Bill) -> dict[str, Any]:
        return {
            "id": str(bill.id),
            "tranid": bill.number,
            "type": "CustInvc",
            "entity": bill.customer,
            "trandate": str(bill.date),
            "foreigntotal": str(bill.total),
            "foreignamountunpaid": str(bill.open),
            "currency": "EUR",
            "status": state(bill, open_="A", part="A", paid="B", void="V"),
            "lastmodifieddate": bill.changed.astimezone(LOS_ANGELES).strftime("%Y-%m-%d %H:%M:%S"),
        }


class ListedSageIntacct(Listed, SageIntacct):
    def _query(self, function: Any) -> web.Response:
        since = function.findtext("filter/greaterthanorequalto/value")
        rows = self.bills(local(since, LOS_ANGELES, "%m/%d/%Y %H:%M:%S"))
        rows.sort(key=lambda bill: bill.id)
        start = int(function.findtext("offset"))
        shown = "".join(self._listed_row(each) for each in self.cut(rows, start))
        if self.system.between_pages is not None:
            self.system.between_pages(self.system)
        data = f'<data listtype="ARINVOICE" totalcount="{len(rows)}">{shown}</data>'
        return self._result("query", data)

    @staticmethod
    def _listed_row(bill: Bill) -> str:
        words = {
            "open_": "Posted", "part": "Partially Paid", "paid": "Paid", "void": "Reversed",
        }  # fmt: skip
        facts = {
            "RECORDNO": bill.id + 1000,
            "RECORDID": bill.id,
            "STATE": state(bill, **words),
            "WHENCREATED": bill.date.strftime("%m/%d/%Y"),
            "WHENDUE": bill.due.strftime("%m/%d/%Y"),
            "TRX_TOTALENTERED": bill.total,
            "TRX_TOTALDUE": bill.open,
            "CURRENCY": "EUR",
            "CUSTOMERID": bill.customer,
            "CUSTOMERNAME": "X",
            "WHENMODIFIED": bill.changed.astimezone(LOS_ANGELES).strftime("%m/%d/%Y %H:%M:%S"),
        }
        inside = "".join(f"<{name}>{value}</{name}>" for name, value in facts.items())
        return f"<ARINVOICE>{inside}</ARINVOICE>"


LISTED: Final = (
    ListedAkaunting,
    ListedAutotask,
    ListedBusinessCentral,
    ListedChargebee,
    ListedConnectWise,
    ListedDolibarr,
    ListedErpNext,
    ListedFreshBooks,
    ListedHaloPsa,
    ListedInvoiceNinja,
    ListedInvoiceShelf,
    ListedLexware,
    ListedNetSuite,
    ListedOdoo,
    ListedQuickBooks,
    ListedRecurly,
    ListedSageIntacct,
    ListedSevDesk,
    ListedSquare,
    ListedStripe,
    ListedWhmcs,
    ListedXero,
    ListedZoho,
)
"""The presets that list, each against its system."""
