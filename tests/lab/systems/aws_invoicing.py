"""AWS invoicing: a signed JSON call, and a pre-signed link that is good for one read."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import FILES, Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import Links, check_sigv4


class AwsInvoicing(StandIn):
    preset = "aws-invoicing"
    row = "AWS invoicing"
    secrets: ClassVar = {
        "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }
    quoting = "in a JSON string"

    def __init__(self) -> None:
        super().__init__()
        self.links = Links()

    @route("POST", "/")
    def call_operation(self, call: Call) -> web.Response:
        check_sigv4(
            call,
            host=self.api.removeprefix("http://"),
            access_key=self.secrets["AccessKeyId"],
            secret_key=self.secrets["SecretAccessKey"],
            region="us-east-1",
            service="invoicing",
        )
        call.no_query()
        wanted = call.json(content_type="application/x-amz-json-1.0")
        if call.header("X-Amz-Target") != "Invoicing.GetInvoicePDF":
            raise _error("UnknownOperationException", "another operation")
        if set(wanted) != {"InvoiceId"} or not isinstance(wanted["InvoiceId"], str):
            raise _error("ValidationException", "another parameter")
        invoice = self.find(number=wanted["InvoiceId"])
        if invoice is None or invoice.is_draft:
            raise _error("ResourceNotFoundException", "there is no such invoice")
        expiry = 1893456000.123
        supplement = {
            "DocumentType": "TAX_DOCUMENT",
            "DocumentUrl": self.links.make(self.files, b"%PDF-1.4 another"),
            "DocumentUrlExpirationDate": expiry,
        }
        data = {
            "InvoiceId": invoice.number,
            "DocumentUrl": self.links.make(self.files, invoice.pdf),
            "DocumentUrlExpirationDate": expiry,
            "SupplementalDocuments": [supplement],
        }
        return json_answer({"InvoicePDF": data})

    @route("GET", "/{key:*}", site=FILES)
    def get_object(self, call: Call, key: str) -> web.Response:
        return pdf_answer(self.links.take(call))

    @fact("The link is followed at once and without the signature, and fresh for each click.")
    async def follows_at_once(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[3])
        await world.fetch_right(NUMBERS[3])
        assert [call.site for call in self.calls] == ["api", FILES, "api", FILES]
        assert len({call.target for call in self.calls if call.site == FILES}) == 2
        assert "Authorization" not in self.calls[1].headers
        assert self.refusals == []

    @fact("A number with quotes doesn't change the call.")
    async def keeps_the_call_whole(self, world: Any) -> None:
        assert await world.outcome('INV","X":"') == "document-not-found"
        assert [why.partition(":")[0] for why in self.refusals] == ["400"]


def _error(kind: str, why: str) -> Refused:
    data = {"__type": f"com.amazonaws.invoicing#{kind}", "message": why}
    return Refused(400, why, data=data, content_type="application/x-amz-json-1.0")
