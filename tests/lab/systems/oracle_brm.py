"""Oracle BRM: the bill's number in the path, OAuth 2 before it, and errors as JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, pdf_answer, route
from lab.strict import OAuthServer


class OracleBrm(StandIn):
    preset = "oracle-brm"
    row = "Oracle BRM / Billing Care"
    secrets: ClassVar = {"ClientSecret": "5c7e9a+1/2=3"}
    optional: ClassVar = {"Accept": "without it BRM answers as for */*"}
    quoting = "one segment of the path, percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.oauth = OAuthServer(
            client_id="billhook",
            client_secret=self.secrets["ClientSecret"],
            scope="urn:opc:brm:read",
        )

    def variables(self) -> dict[str, str]:
        return {
            "BaseUrl": f"{self.api}/brm/billing/v1",
            "TokenUrl": f"{self.api}/oauth2/v1/token",
            "ClientId": "billhook",
            "Scope": "urn:opc:brm:read",
        }

    @route("POST", "/oauth2/v1/token", sign_in=True)
    def token(self, call: Call) -> web.Response:
        return self.oauth.token(call, "client_credentials")

    @route("GET", "/brm/billing/v1/invoice/{number}")
    def invoice(self, call: Call, number: str) -> web.Response:
        self.oauth.check(call)
        call.no_query()
        accepted = call.headers.get("Accept", "*/*")
        if not any(each in accepted for each in ("application/pdf", "*/*")):
            raise _error(406, "it is asked for something else than a PDF")
        invoice = self.find(number=number)
        if invoice is None or invoice.is_draft:
            raise _error(404, "there is no such bill, or it has no invoice")
        return pdf_answer(invoice.pdf)

    @fact("An access token that has expired is replaced once, and the request sent again.")
    async def renews_the_token(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.oauth.expire()
        await world.fetch_right(NUMBERS[1])
        assert self.oauth.given_out == 2


def _error(status: int, why: str) -> Refused:
    data = {"@type": "Error", "code": "BRM-1", "reason": why, "status": str(status)}
    return Refused(status, why, data=data, content_type="application/json;charset=utf-8")
