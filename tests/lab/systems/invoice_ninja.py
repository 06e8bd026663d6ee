"""Invoice Ninja: the key of the PDF is in a list inside a list."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import DRAFT, Invoice
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

    @staticmethod
    def _shown(invoice: Invoice, include: str | None) -> dict[str, Any]:
        status = "1" if invoice.is_draft else "2"
        shown: dict[str, Any] = {
            "id": f"hash{invoice.serial}",
            "number": invoice.number,
            "status_id": status,
        }
        if include == "invitations":
            shown["invitations"] = [{"key": invoice.key}, {"key": f"{invoice.key}2"}]
        return shown

    @route("GET", "/api/v1/invoice/{key}/download")
    def download(self, call: Call, key: str) -> web.Response:
        call.needs("X-API-TOKEN", self.secrets["ApiToken"], status=403)
        call.query(optional=("inline",))
        invoice = self.find(key=key)
        if invoice is None:
            raise Refused(400, "no such key", data={"message": "no record found"})
        disposition = {"Content-Disposition": "attachment; filename=invoice.pdf"}
        return pdf_answer(invoice.pdf, headers=disposition)

    @fact("Of several contacts, the document of the first is taken, never a draft's.")
    async def takes_the_first_invitation(self, world: Any) -> None:
        await world.fetch_right("#7")
        assert await world.outcome(DRAFT) == "document-not-found"
        assert len(self.calls) == 3
        assert self.refusals == []
