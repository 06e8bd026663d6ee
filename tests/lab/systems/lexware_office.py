"""Lexware Office: a search in parts of numbers, HTML inside the query, and XML for an XRechnung."""

from __future__ import annotations

import html
from typing import Any, ClassVar, Final

from aiohttp import web

from lab.invoices import DRAFT, NUMBERS, Invoice
from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import check_bearer

_XRECHNUNG: Final = "Ñ-100%"
_STATUSES: Final = {"any", "draft", "open", "paid", "voided"}


class LexwareOffice(StandIn):
    preset = "lexware-office"
    row = "Lexware Office"
    secrets: ClassVar = {"ApiKey": "a1b2c3d4-e5f6-4789-8abc-def012345678"}
    optional: ClassVar = {"Accept": "without it Lexware Office answers as for */*"}
    quoting = "in the query: & < > as in HTML, then percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.is_too_often = False

    def expected(self, invoice: Invoice) -> bytes:
        return _xrechnung(invoice) if invoice.number == _XRECHNUNG else invoice.pdf

    @route("GET", "/v1/voucherlist")
    def voucher_list(self, call: Call) -> web.Response:
        check_bearer(call, self.secrets["ApiKey"])
        if self.is_too_often:
            self.is_too_often = False
            raise Refused(429, "more than two requests a second")
        if call.headers.get("Accept", "*/*") not in {"application/json", "*/*"}:
            raise Refused(406, "the list is JSON alone")
        query = call.query("voucherType", "voucherStatus", optional=("voucherNumber", "size"))
        if query["voucherType"] != "invoice" or query["voucherStatus"] not in _STATUSES:
            raise Refused(400, "another type or status")
        size = int(query.get("size", "25"))
        if not 1 <= size <= 250:
            raise Refused(400, "the page is too large")
        part = query.get("voucherNumber", "")
        found = [each for each in self.invoices if part in html.escape(each.number, quote=False)]
        content = [self._row(each) for each in found[:size]]
        return json_answer({"content": content, "last": len(found) <= size, "size": size})

    @route("GET", "/v1/invoices/{identity}/file")
    def file(self, call: Call, identity: str) -> web.Response:
        check_bearer(call, self.secrets["ApiKey"])
        call.no_query()
        invoice = self.get(uuid=identity)
        if invoice.is_draft:
            raise Refused(409, "it is in status 'draft' and therefore cannot be downloaded")
        accept = call.headers.get("Accept", "*/*")
        if accept not in {"*/*", "application/xml", "application/pdf"}:
            raise Refused(406, "this type isn't there")
        is_xml = invoice.number == _XRECHNUNG
        if accept == "application/xml" and not is_xml:
            raise Refused(404, "only an XRechnung is XML")
        if is_xml and accept != "application/pdf":
            return pdf_answer(_xrechnung(invoice), content_type="application/xml")
        return pdf_answer(invoice.pdf)

    @staticmethod
    def _row(invoice: Invoice) -> dict[str, Any]:
        return {
            "id": invoice.uuid,
            "voucherType": "invoice",
            "voucherStatus": "draft" if invoice.is_draft else "open",
            "voucherNumber": invoice.number,
            "totalAmount": 80.04,
            "openAmount": None if invoice.is_draft else 80.04,
            "archived": False,
        }

    @fact("An XRechnung is delivered as its XML, not as the PDF that is only a preview.")
    async def takes_the_xml(self, world: Any) -> None:
        assert (await world.fetch(_XRECHNUNG)).startswith(b"<?xml")

    @fact("A draft that the search finds is reported as a document that doesn't exist yet.")
    async def tells_what_is_not_issued(self, world: Any) -> None:
        assert await world.outcome(DRAFT) == "document-not-found"
        assert len(self.calls) == 2

    @fact("A search that also finds longer numbers takes the exact one.")
    async def takes_the_exact_one(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        assert await world.outcome("INV000000") == "document-not-found"

    @fact("Too many requests at once are sent again after a pause.")
    async def waits_its_turn(self, world: Any) -> None:
        self.is_too_often = True
        await world.fetch_right(NUMBERS[0])


def _xrechnung(invoice: Invoice) -> bytes:
    number = html.escape(invoice.number)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2">'
        f"<ID>{number}</ID></Invoice>"
    ).encode()
