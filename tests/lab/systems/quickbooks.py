"""QuickBooks Online: a query language, and a refresh token that is replaced whenever it is used."""

from __future__ import annotations

import asyncio
import re
from typing import Any, ClassVar

from aiohttp import web

from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route, xml_answer
from lab.strict import OAuthServer

COMPANY = "9130357849105826"
_QUERY = re.compile(
    r"select \* from invoice where docnumber = '((?:[^'\\]|\\['\\])*)'", re.IGNORECASE
)


class QuickBooks(StandIn):
    preset = "quickbooks"
    row = "QuickBooks Online"
    secrets: ClassVar = {"ClientSecret": "t9Xsecret-of-the-app"}
    quoting = "between quotes of a query language, with backslashes (`quote`)"

    def __init__(self) -> None:
        super().__init__()
        self.oauth = OAuthServer(
            client_id="ABq1client",
            client_secret=self.secrets["ClientSecret"],
            scope="com.intuit.quickbooks.accounting",
        )

    def variables(self) -> dict[str, str]:
        return {
            "ApiUrl": self.api,
            "LoginUrl": self.api,
            "TokenUrl": self.api,
            "ClientId": "ABq1client",
            "CompanyId": COMPANY,
        }

    @route("GET", "/connect/oauth2", sign_in=True)
    def authorize(self, call: Call) -> web.Response:
        return self.oauth.authorize(call)

    @route("POST", "/oauth2/v1/tokens/bearer", sign_in=True)
    def token(self, call: Call) -> web.Response:
        return self.oauth.token(call, "authorization_code", "refresh_token")

    @route("GET", "/v3/company/{company}/query")
    def query(self, call: Call, company: str) -> web.Response:
        self._check(call, company)
        query = _QUERY.fullmatch(call.query("query", optional=("minorversion",))["query"])
        if query is None:
            raise Refused(400, "QueryParserError", data={"Fault": {"type": "ValidationFault"}})
        number = re.sub(r"\\(.)", r"\1", query[1])
        if call.headers.get("Accept") != "application/json":
            return xml_answer("<IntuitResponse/>")  # what Intuit gives unless asked
        invoice = self.find(number=number)
        if invoice is None or invoice.is_draft:  # QuickBooks has no drafts with a number
            return json_answer({"QueryResponse": {}})
        found = {"Id": str(invoice.serial), "DocNumber": invoice.number}
        return json_answer({"QueryResponse": {"Invoice": [found], "maxResults": 1}})

    @route("GET", "/v3/company/{company}/invoice/{serial}/pdf")
    def pdf(self, call: Call, company: str, serial: str) -> web.Response:
        self._check(call, company)
        call.needs("Accept", "application/pdf", status=406)
        return pdf_answer(self.get(serial=int(serial)).pdf)

    def _check(self, call: Call, company: str) -> None:
        self.oauth.check(call)
        if company != COMPANY:
            raise Refused(403, "another company", data={"fault": {"type": "AuthorizationFault"}})

    @fact("Many runs at once refresh once, and no refresh token is used twice.")
    async def refreshes_once_for_many(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        before = self.oauth.given_out
        self.oauth.expire()
        await asyncio.gather(*(world.fetch_right("00123") for _ in range(8)))
        assert self.oauth.given_out == before + 1
        assert len(self.oauth.refresh) == 1

    @fact("A refresh token that another client has used ends the connection, as the run reports.")
    async def notices_a_stolen_token(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        self.oauth.expire()
        self.oauth.used |= self.oauth.refresh
        assert await world.outcome("00123") == "sign-in-failed"

    @fact("A quote mark in the number can't end the query's text.")
    async def quotes_cannot_break_out(self, world: Any) -> None:
        assert await world.outcome("x' OR DocNumber = '00123") == "document-not-found"
        assert self.refusals == []
