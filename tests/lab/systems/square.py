"""Square: no PDF in the API; the invoice's page, found among the newest of a location."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import DRAFT, Invoice
from lab.standin import Call, Refused, StandIn, fact, json_answer, route
from lab.strict import check_bearer

_LOCATION = "S8GWD5R9QB376"


class Square(StandIn):
    preset = "square"
    row = "Square"
    secrets: ClassVar = {"AccessToken": "EAAAlKeyOfSquare"}
    optional: ClassVar = {"Square-Version": "without it the application's own version counts"}
    quoting = "as a literal in the path through the answer"

    def expected(self, invoice: Invoice) -> bytes:
        return _page(invoice).encode()

    @route("POST", "/v2/invoices/search")
    def search(self, call: Call) -> web.Response:
        check_bearer(call, self.secrets["AccessToken"])
        call.no_query()
        wanted = call.json()
        if set(wanted) - {"query", "limit", "cursor"} or not 0 < wanted.get("limit", 100) <= 200:
            raise _error("another property, or too many are asked for")
        if wanted["query"]["filter"] != {"location_ids": [_LOCATION]}:
            raise _error("there has to be exactly one location")
        if wanted["query"].get("sort", {}).get("field") != "INVOICE_SORT_DATE":
            raise _error("it can be sorted by INVOICE_SORT_DATE alone")
        return json_answer({"invoices": [_row(each) for each in reversed(self.invoices)]})

    @fact("The contact is sent to the invoice's page, since there is no PDF.")
    async def gives_the_page(self, world: Any) -> None:
        with await world.open("A&B=C") as document:
            assert document.media_type == "text/uri-list"

    @fact("Pay leads to the same page; a draft has none.")
    async def leads_to_the_page(self, world: Any) -> None:
        assert await world.link("A&B=C") == _page(self.get(number="A&B=C"))
        assert await world.link(DRAFT) == "no-payment-link"

    @fact("A draft is found, and has no page yet.")
    async def a_draft_has_no_page(self, world: Any) -> None:
        assert await world.outcome(DRAFT) == "document-not-found"

    @fact("A number with quotes doesn't change the path in the response.")
    async def keeps_the_path_whole(self, world: Any) -> None:
        for number in ("' || true || '", "'] , $..public_url, $['"):
            assert await world.outcome(number) == "document-not-found"


def _page(invoice: Invoice) -> str:
    return f"https://squareup.com/pay-invoice/invtmp:{invoice.uuid}"


def _row(invoice: Invoice) -> dict[str, Any]:
    row = {
        "id": f"inv:0-{invoice.key}",
        "version": 1,
        "location_id": _LOCATION,
        "invoice_number": invoice.number,
        "status": "DRAFT" if invoice.is_draft else "UNPAID",
    }
    return row if invoice.is_draft else {**row, "public_url": _page(invoice)}


def _error(why: str) -> Refused:
    error = {"category": "INVALID_REQUEST_ERROR", "code": "BAD_REQUEST", "detail": why}
    return Refused(400, why, data={"errors": [error]})
