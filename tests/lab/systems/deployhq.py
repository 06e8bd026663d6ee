"""DeployHQ: one request, with Basic, and .pdf behind the number."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, pdf_answer, route
from lab.strict import check_basic


class DeployHq(StandIn):
    preset = "deployhq"
    row = "DeployHQ"
    secrets: ClassVar = {"ApiKey": "9c1e5b2d7f3a"}
    quoting = "in the path before .pdf, percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.is_billing_manager = True

    @route("GET", "/account/invoices/{number}.pdf")
    def invoice(self, call: Call, number: str) -> web.Response:
        check_basic(call, "ann@example.com", self.secrets["ApiKey"])
        call.no_query()
        if not self.is_billing_manager:
            raise Refused(403, "the user isn't a billing manager")
        invoice = self.get(number=number)
        if invoice.is_draft:
            raise Refused(404, "the invoice isn't finalised")
        return pdf_answer(invoice.pdf)

    @fact("The key of a user who isn't a billing manager is reported as refused.")
    async def tells_what_is_forbidden(self, world: Any) -> None:
        self.is_billing_manager = False
        assert await world.outcome(NUMBERS[0]) == "source-refused"
