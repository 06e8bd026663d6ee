"""ONLYOFFICE CRM: a lookup, what is known about the file, and then the file, with the token."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

from aiohttp import web

from lab.invoices import DRAFT, NUMBERS
from lab.standin import Call, Refused, StandIn, fact, html_answer, json_answer, pdf_answer, route
from lab.strict import check_bearer


class OnlyOfficeCrm(StandIn):
    preset = "onlyoffice-crm"
    row = "ONLYOFFICE CRM"
    secrets: ClassVar = {"ApiToken": "864FE52C-1C1C-469F-9308-51DAFEFE7436"}
    optional: ClassVar = {"Accept": "without it ONLYOFFICE answers JSON as well"}
    quoting = "in the query, percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.leads_away = False

    @route("GET", "/api/2.0/crm/invoice/bynumber")
    def by_number(self, call: Call) -> web.Response:
        self._check(call)
        invoice = self.find(number=call.query("number")["number"])
        if invoice is None:
            raise Refused(404, "Item not found", data={"statusCode": 404, "error": {}})
        status = {"id": 1, "title": "Draft"} if invoice.is_draft else {"id": 2, "title": "Sent"}
        data = {"id": invoice.serial, "number": invoice.number, "status": status}
        return json_answer({"count": 1, "status": 0, "statusCode": 200, "response": data})

    @route("GET", "/api/2.0/crm/invoice/{serial}/pdf")
    def about_the_file(self, call: Call, serial: str) -> web.Response:
        self._check(call)
        call.no_query()
        invoice = self.get(serial=int(serial))
        base = self.files if self.leads_away else self.api
        handler = f"{base}/products/files/httphandlers/filehandler.ashx"
        data = {
            "id": invoice.serial,
            "title": f"{quote(invoice.number, safe='')}.pdf",
            "viewUrl": f"{handler}?action=download&fileid={invoice.serial}",
            "webUrl": f"{self.api}/products/files/doceditor.aspx?fileid={invoice.serial}",
        }
        return json_answer({"count": 1, "status": 0, "statusCode": 200, "response": data})

    @route("GET", "/products/files/httphandlers/filehandler.ashx")
    def file(self, call: Call) -> web.StreamResponse:
        query = call.query("action", "fileid")
        if call.headers.get("Authorization") != self.secrets["ApiToken"]:
            self.refusals.append("the file is asked for without the token")
            return html_answer("Sign in")
        if query["action"] != "download":
            raise Refused(400, "another action")
        return pdf_answer(self.get(serial=int(query["fileid"])).pdf)

    def _check(self, call: Call) -> None:
        check_bearer(call, self.secrets["ApiToken"], word="")
        if call.headers.get("Accept", "*/*") not in {"application/json", "*/*"}:
            raise Refused(406, "it answers JSON alone")

    @fact("The details of the file aren't mistaken for the file, which is fetched with the token.")
    async def takes_a_further_step(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        assert len(self.calls) == 3
        assert "Authorization" in self.calls[2].headers

    @fact("Only ONLYOFFICE's own address gets the token, whatever address the response contains.")
    async def keeps_the_token_at_home(self, world: Any) -> None:
        self.leads_away = True
        assert await world.outcome(NUMBERS[0]) == "document-not-found"
        assert "Authorization" not in self.calls[2].headers

    @fact("A draft is found, and not shown.")
    async def shows_no_draft(self, world: Any) -> None:
        assert await world.outcome(DRAFT) == "document-not-found"
        assert len(self.calls) == 1
