"""Oracle Billing Care: the bill's id in the path and its number in the query."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, pdf_answer, route
from lab.strict import check_basic


class OracleBillingCare(StandIn):
    preset = "oracle-billing-care"
    row = "Oracle BRM / Billing Care"
    secrets: ClassVar = {"Password": "p4ss-Wörd:7"}
    unknown_outcome = "source-status"
    draft_outcome = "source-status"
    quoting = "in the query, percent-encoded; the bill's id in the path"

    def tokens(self, number: str) -> dict[str, str]:
        invoice = self.find(number=number)
        identity = invoice.serial if invoice else 1
        return {"InvoiceNumber": number, "InvoiceId": f"0.0.0.1+-bill+{identity}"}

    @route("GET", "/bcws/webresources/v1.0/bills/invoice/{identity}")
    def invoice(self, call: Call, identity: str) -> web.Response:
        check_basic(call, "billhook", self.secrets["Password"])
        invoice = self.find(number=call.query("number")["number"])
        if invoice is None or invoice.is_draft or identity != f"0.0.0.1+-bill+{invoice.serial}":
            raise Refused(500, "an internal server error occurred: no such bill")
        return pdf_answer(invoice.pdf)

    @fact("Id and number must belong to the same bill.")
    async def needs_both(self, world: Any) -> None:
        outcome = await world.outcome(NUMBERS[0], InvoiceId="0.0.0.1+-bill+1")
        assert outcome == "source-status"

    @fact("An unknown bill gets the status 500, and the request isn't repeated.")
    async def is_not_sent_again(self, world: Any) -> None:
        assert await world.outcome("B1-9999") == "source-status"
        assert len(self.calls) == 1
