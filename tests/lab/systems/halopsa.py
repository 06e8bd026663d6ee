"""HaloPSA: client credentials, a search that finds too much, then a POST for the PDF."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import OAuthServer


class HaloPsa(StandIn):
    preset = "halopsa"
    row = "HaloPSA"
    secrets: ClassVar = {"ClientSecret": "9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d-7f3a9b1c"}
    quoting = "in the query, percent-encoded; compared again in the response"

    def __init__(self) -> None:
        super().__init__()
        self.oauth = OAuthServer(
            client_id="0f2c3d4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f",
            client_secret=self.secrets["ClientSecret"],
            client_auth="body",
            scope="all",
        )

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": self.api, "ClientId": self.oauth.client_id}

    def secret_texts(self) -> Any:
        yield from super().secret_texts()
        yield from self.oauth.access

    @route("POST", "/auth/token", sign_in=True)
    def token(self, call: Call) -> web.Response:
        return self.oauth.token(call, "client_credentials")

    @route("GET", "/api/Invoice")
    def list_invoices(self, call: Call) -> web.Response:
        self.oauth.check(call)
        kinds = ("postedonly", "includeinvoices", "includecredits")
        query = call.query("search", optional=(*kinds, "count"))
        wanted = query["search"].casefold()
        posted = [each for each in self.invoices if not each.is_draft]
        chosen = posted if query.get("postedonly") == "true" else self.invoices
        found = [each for each in chosen if wanted in each.number.casefold()]
        rows = [
            {"id": each.serial, "invoicenumber": each.number, "posted": not each.is_draft}
            for each in found
        ]
        return json_answer({"record_count": len(rows), "invoices": rows})

    @route("POST", "/api/Invoice/PDF/{id}")
    def pdf(self, call: Call, id: str) -> web.Response:  # noqa: A002 - the route's own word
        self.oauth.check(call)
        call.no_body()
        invoice = self.get(serial=int(id))
        if invoice.is_draft:
            raise Refused(400, "the invoice isn't posted")
        return pdf_answer(invoice.pdf)

    @fact("Of several numbers that the search finds, only the exact one is taken.")
    async def compares_the_number(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        assert await world.outcome(NUMBERS[0].lower()) == "document-not-found"
