"""DoiT: by number, compressed if asked; large ones come no other way. One 404 for two reasons."""

from __future__ import annotations

import gzip
from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import DRAFT, NUMBERS, UNKNOWN
from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import check_bearer


class DoiT(StandIn):
    preset = "doit"
    row = "DoiT"
    secrets: ClassVar = {"ApiKey": "eyJhbGciOiJIUzI1NiJ9.doit"}
    quoting = "one segment of the path, percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.largest = 500
        self.is_bomb = False

    @route("GET", "/billing/v1/invoices/{number}/pdf")
    def pdf(self, call: Call, number: str) -> web.Response:
        check_bearer(call, self.secrets["ApiKey"])
        call.no_query()
        invoice = self.find(number=number)
        if invoice is None or invoice.is_draft:
            return json_answer({"error": "not found"}, status=404)
        if call.header("Accept-Encoding") != "gzip":
            if len(invoice.pdf) > self.largest:
                raise Refused(500, "the answer is too large without gzip")
            return pdf_answer(invoice.pdf)
        document = b"%PDF-1.4\n" + bytes(200_000_000) if self.is_bomb else invoice.pdf
        return pdf_answer(gzip.compress(document), headers={"Content-Encoding": "gzip"})

    @fact("It is requested compressed, and unpacked.")
    async def asks_for_gzip(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        assert self.refusals == []

    @fact("A small response that unpacks to a huge one ends at the size limit.")
    async def stops_a_bomb(self, world: Any) -> None:
        self.is_bomb = True
        assert await world.outcome(NUMBERS[0]) == "source-too-large"

    @fact("Its 404 has two reasons that can't be distinguished: both count as not found.")
    async def cannot_tell_two_reasons_apart(self, world: Any) -> None:
        assert await world.outcome(UNKNOWN) == await world.outcome(DRAFT) == "document-not-found"
