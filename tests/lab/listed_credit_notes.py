"""Stand-ins whose credit notes can be listed, for presets of systems that list them apart.

They extend those of :mod:`lab.listed`; the bills of the system are its credit notes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from lab.listed import (
    SIZE,
    ListedBusinessCentral,
    ListedChargebee,
    ListedInvoiceNinja,
    ListedQuickBooks,
    ListedXero,
    ListedZoho,
    cents,
    instant,
    local,
    state,
)
from lab.lists import Bill
from lab.standin import Call, Refused, route
from lab.strict import check_basic
from lab.systems.business_central import _ROOT

_MEMOS: Final = _ROOT.replace("salesInvoices", "salesCreditMemos")


class XeroCreditNotes(ListedXero):
    command = "ListCreditNotes"

    @route("GET", "/api.xro/2.0/CreditNotes")
    def list_credit_notes(self, call: Call) -> web.Response:
        self._check(call)
        query = self.query_of(call)
        if query["where"] != 'Type=="ACCRECCREDIT"' or query["order"] != "UpdatedDateUTC ASC":
            raise Refused(400, "another where or order")
        since = call.headers.get("If-Modified-Since")
        rows = self.bills(local(since, form="%Y-%m-%dT%H:%M:%S") if since else None)
        page = int(query["page"])
        shown = [self._credit_note(each) for each in self.cut(rows, (page - 1) * SIZE)]
        pages = {"page": page, "pageCount": -(-len(rows) // SIZE)}
        return self.done({"pagination": pages, "CreditNotes": shown})

    def _credit_note(self, bill: Bill) -> dict[str, Any]:
        row = self._row(bill)
        names = {
            "InvoiceID": "CreditNoteID",
            "InvoiceNumber": "CreditNoteNumber",
            "AmountDue": "RemainingCredit",
        }
        return {names.get(name, name): value for name, value in row.items()}


class QuickBooksCreditNotes(ListedQuickBooks):
    command = "ListCreditNotes"

    @route("GET", "/v3/company/{company}/query")
    def query(self, call: Call, company: str) -> web.Response:
        self._check(call, company)
        match = re.fullmatch(
            r"SELECT \* FROM CreditMemo WHERE Metadata.LastUpdatedTime >= '([^']+)' ORDER BY "
            r"Metadata.LastUpdatedTime ASC STARTPOSITION (\d+) MAXRESULTS 1000",
            self.query_of(call)["query"],
        )
        if match is None:
            raise Refused(400, "QueryParserError")
        rows = self.cut(self.bills(instant(match[1])), int(match[2]) - 1)
        shown = [{**self._row(each), "RemainingCredit": each.open, "Balance": 0} for each in rows]
        return self.done({"QueryResponse": {"CreditMemo": shown} if shown else {}})


class ZohoCreditNotes(ListedZoho):
    command = "ListCreditNotes"

    @route("GET", "/books/v3/creditnotes")
    def list_credit_notes(self, call: Call) -> web.Response:
        names = ("page", "per_page", "sort_column", "sort_order", "last_modified_time")
        query = self._check(call, optional=names)
        since = query.get("last_modified_time")
        rows = self.bills(instant(since) if since else None)
        start = (int(query["page"]) - 1) * SIZE
        shown = [self._credit_note(each) for each in self.cut(rows, start)]
        more = {"has_more_page": start + SIZE < len(rows)}
        return self.done({"code": 0, "creditnotes": shown, "page_context": more})

    def _credit_note(self, bill: Bill) -> dict[str, Any]:
        row = self._listed_row(bill)
        words = {"open_": "open", "part": "open", "paid": "closed", "void": "void"}
        return {
            **row,
            "creditnote_id": row.pop("invoice_id"),
            "creditnote_number": row.pop("invoice_number"),
            "status": state(bill, **words),
        }


class InvoiceNinjaCreditNotes(ListedInvoiceNinja):
    command = "ListCreditNotes"
    operations = ("add", "pay", "part", "delete", "touch")

    @route("GET", "/api/v1/credits")
    def list_credits(self, call: Call) -> web.Response:
        return self.list_invoices(call)


class ChargebeeCreditNotes(ListedChargebee):
    """They are listed by date, whatever changed since."""

    command = "ListCreditNotes"

    @route("GET", "/api/v2/credit_notes")
    def list_credit_notes(self, call: Call) -> web.Response:
        check_basic(call, self.secrets["ApiKey"], "")
        query = self.query_of(call)
        self.note_deleted()
        after = datetime.fromtimestamp(int(query.get("updated_at[after]", 0)), UTC)
        every = [*self.system.bills.values(), *self.deleted.values()]
        rows = sorted((b for b in every if b.changed > after), key=lambda b: b.id)
        start = int(query.get("offset", "0"))
        shown = [{"credit_note": self._credit_note(each)} for each in self.cut(rows, start)]
        more = {"next_offset": f"{start + SIZE}"} if start + SIZE < len(rows) else {}
        return self.done({"list": shown, **more})

    def _credit_note(self, bill: Bill) -> dict[str, Any]:
        words = {
            "open_": "refund_due", "part": "refund_due", "paid": "refunded", "void": "voided",
        }  # fmt: skip
        row = {**self._row(bill), "amount_available": cents(bill.open)}
        return {**row, "status": state(bill, **words)}


class BusinessCentralCreditNotes(ListedBusinessCentral):
    """A memo has no open amount."""

    command = "ListCreditNotes"

    @route("GET", _MEMOS)
    def list_memos(self, call: Call, **place: str) -> web.Response:
        return self.list_invoices(call, **place)

    @staticmethod
    def _listed_row(bill: Bill) -> dict[str, Any]:
        row = ListedBusinessCentral._listed_row(bill)
        del row["remainingAmount"]
        return {**row, "creditMemoDate": row.pop("invoiceDate")}


LISTED_CREDIT_NOTES: Final = (
    BusinessCentralCreditNotes,
    ChargebeeCreditNotes,
    InvoiceNinjaCreditNotes,
    QuickBooksCreditNotes,
    XeroCreditNotes,
    ZohoCreditNotes,
)
"""The presets that list credit notes, each against its system."""
