"""sevDesk: a bare token, and a read that marks the invoice as sent unless a parameter says no."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS, Invoice
from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import check_bearer


class SevDesk(StandIn):
    preset = "sevdesk"
    row = "sevDesk"
    secrets: ClassVar = {"ApiToken": "8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5"}
    quoting = "in the query, percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.sent: set[int] = set()
        self.search_stumbles = 0
        self.read_stumbles = 0

    @route("GET", "/api/v1/Invoice")
    def search(self, call: Call) -> web.Response:
        check_bearer(call, self.secrets["ApiToken"], word="")
        if self.search_stumbles:
            self.search_stumbles -= 1
            raise Refused(503, "busy")
        number = call.query("invoiceNumber")["invoiceNumber"]
        found = [self._row(each) for each in self.invoices if number in each.number]
        return json_answer({"objects": found})

    @route("GET", "/api/v1/Invoice/{identity}/getPdf")
    def get_pdf(self, call: Call, identity: str) -> web.Response:
        check_bearer(call, self.secrets["ApiToken"], word="")
        query = call.query(optional=("download", "preventSendBy"))
        invoice = self.get(serial=int(identity))
        if query.get("preventSendBy") not in {"true", "1"}:
            self.sent.add(invoice.serial)
        if self.read_stumbles:
            self.read_stumbles -= 1
            raise Refused(503, "busy")
        if query.get("download") in {"true", "1"}:
            return pdf_answer(invoice.pdf)
        content = base64.b64encode(invoice.pdf).decode()
        return json_answer({"objects": {"base64encoded": True, "content": content}})

    @staticmethod
    def _row(invoice: Invoice) -> dict[str, Any]:
        return {
            "id": str(invoice.serial),
            "objectName": "Invoice",
            "invoiceNumber": invoice.number,
            "status": "100" if invoice.is_draft else "200",
        }

    @fact("No invoice is marked as sent.")
    async def marks_nothing(self, world: Any) -> None:
        await world.fetch_all()
        assert self.sent == set()

    @fact("The read is never repeated automatically; the search is.")
    async def reads_once(self, world: Any) -> None:
        self.search_stumbles = 1
        self.read_stumbles = 1
        assert await world.outcome(NUMBERS[0]) == "source-status"
        paths = [call.raw_path.rpartition("/")[2] for call in self.calls]
        assert paths == ["Invoice", "Invoice", "getPdf"]
