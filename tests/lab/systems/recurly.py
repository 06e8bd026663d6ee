"""Recurly: one request, with a word joined to the number and a version in Accept."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.standin import Call, Refused, StandIn, fact, pdf_answer, route
from lab.strict import check_basic


class Recurly(StandIn):
    preset = "recurly"
    row = "Recurly"
    secrets: ClassVar = {"ApiKey": "0bd1keyOfRecurly"}
    quoting = "part of a segment of the path, percent-encoded"

    def variables(self) -> dict[str, str]:
        return {"ApiUrl": self.api}

    @route("GET", "/invoices/{name}")
    def invoice(self, call: Call, name: str) -> web.Response:
        check_basic(call, self.secrets["ApiKey"], "")
        call.no_query()
        if call.header("Accept", status=406) != "application/vnd.recurly.v2021-02-25":
            raise Refused(406, "Accept names no version of the API")
        is_number = name.startswith("number-") and name.endswith(".pdf")
        number = name.removeprefix("number-").removesuffix(".pdf")
        invoice = self.find(number=number) if is_number else None
        if invoice is None or invoice.is_draft:  # a draft has no number yet
            raise Refused(404, "not_found", data={"error": {"type": "not_found"}})
        return pdf_answer(invoice.pdf)

    @fact("Slash, space, percent and sharp of a number stay inside one segment.")
    async def stays_in_one_segment(self, world: Any) -> None:
        for number in ("INV/2024/0001", "x y", "Ñ-100%", "#7"):
            await world.fetch_right(number)
        assert {call.raw_path.count("/") for call in self.calls} == {2}
