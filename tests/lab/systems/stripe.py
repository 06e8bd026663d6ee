"""Stripe: a search in a query language, and a link to the PDF that takes no credentials."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import DRAFT, Invoice
from lab.standin import FILES, Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import Links, check_basic

_CLAUSE = re.compile(r"number:'((?:[^'\\]|\\['\\])*)'")


class Stripe(StandIn):
    preset = "stripe"
    row = "Stripe"
    secrets: ClassVar = {"SecretKey": "rk_live_51LabABCDEFGHIJKLMNOP"}
    quoting = "between quotes of a query language, with backslashes (`quote`)"

    def __init__(self) -> None:
        super().__init__()
        self.links = Links()

    def variables(self) -> dict[str, str]:
        return {"ApiUrl": self.api}

    @route("GET", "/v1/invoices/search")
    def search(self, call: Call) -> web.Response:
        check_basic(call, self.secrets["SecretKey"], "")
        clause = _CLAUSE.fullmatch(call.query("query", optional=("limit", "page"))["query"])
        if clause is None:
            why = "We were unable to parse your search query"
            raise Refused(400, why, data={"error": {"type": "invalid_request_error"}})
        number = re.sub(r"\\(.)", r"\1", clause[1])
        found = [each for each in self.invoices if each.number.lower() == number.lower()]
        data = [self._shown(each) for each in found]
        return json_answer({"object": "search_result", "has_more": False, "data": data})

    def _shown(self, invoice: Invoice) -> dict[str, Any]:
        link = None if invoice.is_draft else self.links.make(self.files, invoice.pdf)
        number = invoice.number
        page = None if invoice.is_draft else f"https://invoice.stripe.com/i/{invoice.key}?s=ap"
        shown = {"id": f"in_{invoice.key}", "number": number}
        return {**shown, "invoice_pdf": link, "hosted_invoice_url": page}

    @route("GET", "/file/{name}", site=FILES)
    def download(self, call: Call, name: str) -> web.Response:
        return pdf_answer(self.links.take(call))

    @fact("Only the API gets the key; the link gets none of our headers.")
    async def keeps_the_key_to_itself(self, world: Any) -> None:
        await world.fetch("INV0000001")
        api, file = self.calls
        assert "Authorization" in api.headers
        assert "Authorization" not in file.headers
        assert self.secrets["SecretKey"] not in file.target

    @fact("Before it is finalised an invoice has no link, and counts as not found.")
    async def drafts_have_no_link(self, world: Any) -> None:
        assert await world.outcome(DRAFT) == "document-not-found"
        assert [call.site for call in self.calls] == ["api"]

    @fact("Pay leads to the invoice's page at Stripe; a draft has none.")
    async def leads_to_the_hosted_page(self, world: Any) -> None:
        key = self.get(number='O\'Brien "7"').key
        assert await world.link('O\'Brien "7"') == f"https://invoice.stripe.com/i/{key}?s=ap"
        assert await world.link(DRAFT) == "no-payment-link"

    @fact("A link is requested each time, since it works only once.")
    async def asks_for_a_fresh_link(self, world: Any) -> None:
        for _ in range(3):
            await world.fetch_right("00123")
        assert self.refusals == []
