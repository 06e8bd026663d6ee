"""JTL Cloud ERP: OAuth 2 for the application, a tenant header, and a POST that only reads."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from aiohttp import web

from lab.invoices import NUMBERS, Invoice
from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import OAuthServer

_TENANT: Final = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


class JtlCloud(StandIn):
    preset = "jtl-cloud"
    row = "JTL Cloud ERP"
    secrets: ClassVar = {"ClientSecret": "jtl-7Hs2kQ9:x"}
    quoting = "in the query, percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.in_small_letters = False
        self.stumbles = 0
        self.oauth = OAuthServer(
            client_id="5c0a7b1e-2d3f-4a5b-8c6d-7e8f9a0b1c2d",
            client_secret=self.secrets["ClientSecret"],
        )

    def variables(self) -> dict[str, str]:
        return {
            "BaseUrl": f"{self.api}/erp",
            "SignInUrl": self.api,
            "TenantId": _TENANT,
            "ClientId": self.oauth.client_id,
        }

    @route("POST", "/oauth2/token", sign_in=True)
    def token(self, call: Call) -> web.Response:
        return self.oauth.token(call, "client_credentials")

    @route("GET", "/erp/v1/invoices")
    def query_invoices(self, call: Call) -> web.Response:
        self._check(call)
        number = call.query("invoiceNumber")["invoiceNumber"]
        found = [self._row(each) for each in self.invoices if number in each.number]
        name = "items" if self.in_small_letters else "Items"
        return json_answer({"TotalItems": len(found), "PageNumber": 1, name: found})

    @route("POST", "/erp/v1/invoices/{identity}/output/pdf")
    def output(self, call: Call, identity: str) -> web.Response:
        self._check(call)
        call.no_query()
        call.no_body()
        if self.stumbles:
            self.stumbles -= 1
            raise Refused(503, "busy")
        invoice = self.get(serial=int(identity))
        if invoice.is_draft:
            raise Refused(404, "it isn't written yet")
        return pdf_answer(invoice.pdf, content_type="application/octet-stream")

    def _check(self, call: Call) -> None:
        self.oauth.check(call)
        call.needs("x-tenant-id", _TENANT, status=403)

    def _row(self, invoice: Invoice) -> dict[str, Any]:
        row = {"Id": invoice.serial, "Number": invoice.number, "CompanyId": 1}
        return (
            {name.lower(): value for name, value in row.items()} if self.in_small_letters else row
        )

    @fact("A search that finds more than the number asked for is narrowed to it.")
    async def narrows_the_search(self, world: Any) -> None:
        await world.fetch_right("INV0000001")  # INV0000001-2 and INV00000010 hold it, too

    @fact("The names in the response may be in lower case.")
    async def reads_either_case(self, world: Any) -> None:
        self.in_small_letters = True
        await world.fetch_right(NUMBERS[1])

    @fact("The POST only reads, so that it is sent again when the system is busy.")
    async def repeats_the_post(self, world: Any) -> None:
        self.stumbles = 1
        await world.fetch_right(NUMBERS[0])

    @fact("An access token that has expired is replaced once, and the request sent again.")
    async def renews_the_token(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.oauth.expire()
        await world.fetch_right(NUMBERS[1])
        assert self.oauth.given_out == 2
