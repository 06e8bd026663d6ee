"""Invoice Ninja: the key of the PDF is in a list inside a list."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

import pytest
from aiohttp import web

from billhook.engine.errors import DocumentNotFound
from billhook.engine.testing import make_pdf
from lab.invoices import DRAFT, NUMBERS, Invoice
from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route


class InvoiceNinja(StandIn):
    preset = "invoice-ninja"
    row = "Invoice Ninja v5"
    secrets: ClassVar = {"ApiToken": "Xg4kTokenOfInvoiceNinja0123456789"}
    quoting = "in the query, percent-encoded; compared again in the response"

    @route("GET", "/api/v1/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        call.needs("X-API-TOKEN", self.secrets["ApiToken"], status=403)
        query = call.query("number", optional=("include", "per_page", "page"))
        invoice = self.find(number=query["number"])
        found = [] if invoice is None else [self._shown(invoice, query.get("include"))]
        return json_answer({"data": found, "meta": {"pagination": {"total": len(found)}}})

    def _shown(self, invoice: Invoice, include: str | None) -> dict[str, Any]:
        status = "1" if invoice.is_draft else "2"
        shown: dict[str, Any] = {
            "id": f"hash{invoice.serial}",
            "number": invoice.number,
            "status_id": status,
        }
        if include == "invitations":
            keys = (invoice.key, f"{invoice.key}2")
            shown["invitations"] = [{"key": key, "link": self._portal(key)} for key in keys]
        return shown

    def _portal(self, key: str) -> str:
        return f"{self.api}/client/invoice/{key}"

    @route("GET", "/api/v1/invoice/{key}/download")
    def download(self, call: Call, key: str) -> web.Response:
        call.needs("X-API-TOKEN", self.secrets["ApiToken"], status=403)
        call.query(optional=("inline",))
        invoice = self.find(key=key)
        if invoice is None:
            raise Refused(400, "no such key", data={"message": "no record found"})
        disposition = {"Content-Disposition": "attachment; filename=invoice.pdf"}
        return pdf_answer(invoice.pdf, headers=disposition)

    @route("GET", "/api/v1/clients")
    def list_clients(self, call: Call) -> web.Response:
        """Find clients by their number, which several may have: one of these is deleted."""
        call.needs("X-API-TOKEN", self.secrets["ApiToken"], status=403)
        number = call.query("number")["number"]
        found = [
            {"id": f"{state}{each.serial}", "number": number, "is_deleted": state == "deleted"}
            for each in self.invoices
            for state in ("deleted", "client")
            if each.number == number
        ]
        return json_answer({"data": found, "meta": {"pagination": {"total": len(found)}}})

    @route("POST", "/api/v1/client_statement")
    def make_statement(self, call: Call) -> web.Response:
        call.needs("X-API-TOKEN", self.secrets["ApiToken"], status=403)
        call.needs("X-Requested-With", "XMLHttpRequest")
        call.no_query()
        asked = call.json()
        flags = {"show_payments_table", "show_aging_table"}
        if set(asked) != {"client_id", "start_date", "end_date", *flags}:
            raise Refused(422, "other fields", data={"message": "The given data was invalid."})
        days = [date.fromisoformat(asked[name]) for name in ("start_date", "end_date")]
        serial = int(str(asked["client_id"]).removeprefix("client"))
        if self.find(serial=serial) is None or not all(asked[name] is True for name in flags):
            raise Refused(422, "no such client", data={"message": "The given data was invalid."})
        return pdf_answer(self.statement(serial, *days))

    def statement(self, serial: int, start: date, end: date) -> bytes:
        return make_pdf(1000 + serial % 1000 + start.toordinal() % 100 + end.toordinal() % 100)

    @fact("Statement finds the client by the customer's number, and asks for the period.")
    async def makes_the_statement_of_a_client(self, world: Any) -> None:
        start, end = date(2026, 3, 1), date(2026, 3, 31)
        for number in NUMBERS:
            expected = self.statement(self.get(number=number).serial, start, end)
            assert await world.statement(number, start, end) == expected, number
        assert self.refusals == []
        with pytest.raises(DocumentNotFound):
            await world.statement("C-unknown", start, end)

    @fact("Pay leads to the invoice's page in the client portal; a draft has none.")
    async def leads_to_the_client_portal(self, world: Any) -> None:
        assert await world.link("#7") == self._portal(self.get(number="#7").key)
        assert await world.link(DRAFT) == "no-payment-link"

    @fact("Of several contacts, the document of the first is taken, never a draft's.")
    async def takes_the_first_invitation(self, world: Any) -> None:
        await world.fetch_right("#7")
        assert await world.outcome(DRAFT) == "document-not-found"
        assert len(self.calls) == 3
        assert self.refusals == []
