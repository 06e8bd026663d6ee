"""BILL: a session that is opened with a form, a filter in JSON inside a form, then a servlet."""

from __future__ import annotations

import json
import secrets
from typing import Any, ClassVar, Final

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route

_ORGANISATION: Final = "00801ABCDEFGHIJ12345"


class Bill(StandIn):
    preset = "bill"
    row = "BILL (bill.com)"
    secrets: ClassVar = {
        "DeveloperKey": "01ABCDEFGHIJKLMN2345",
        "UserName": "billhook@example.com",
        "Password": "p&ss=W0rd%+",
    }
    draft_outcome = "not-a-document"
    quoting = "as a JSON string inside a form"

    def __init__(self) -> None:
        super().__init__()
        self.sessions: set[str] = set()
        self.logins = 0
        self.is_locked = False
        self.ends_before_servlet = False

    def secret_texts(self) -> Any:
        yield from super().secret_texts()
        yield from self.sessions

    @route("POST", "/api/v2/Login.json", sign_in=True)
    def login(self, call: Call) -> web.Response:
        self.logins += 1
        form = call.form("devKey", "userName", "password", "orgId")
        wanted = {
            "devKey": self.secrets["DeveloperKey"],
            "userName": self.secrets["UserName"],
            "password": self.secrets["Password"],
            "orgId": _ORGANISATION,
        }
        if form != wanted or self.is_locked:
            raise _failed("BDC_1102", "the name, password, organisation or key is another")
        session = secrets.token_urlsafe(18)
        self.sessions.add(session)
        return _done({"sessionId": session, "orgId": _ORGANISATION, "usersId": "00601"})

    @route("POST", "/api/v2/List/Invoice.json")
    def list_invoices(self, call: Call) -> web.Response:
        form = call.form("devKey", "sessionId", "data")
        if form["devKey"] != self.secrets["DeveloperKey"]:
            raise _failed("BDC_1105", "the developer key is another")
        self._check(form["sessionId"])
        asked = json.loads(form["data"])
        [condition] = asked["filters"]
        if (condition["field"], condition["op"]) != ("invoiceNumber", "="):
            raise _failed("BDC_1144", "another field or operator")
        found = [each for each in self.invoices if each.number == condition["value"]]
        rows = [{"entity": "Invoice", "id": f"00e{each.serial}"} for each in found]
        return _done(rows[asked["start"] : asked["start"] + asked["max"]])

    @route("GET", "/Invoice2PdfServlet")
    def servlet(self, call: Call) -> web.Response:
        if self.ends_before_servlet:
            self.ends_before_servlet = False
            self.sessions.clear()
        self._check(call.headers.get("sessionId", ""))
        query = call.query("Id", "PresentationType")
        if query["PresentationType"] != "PDF" or not query["Id"].startswith("00e"):
            raise _failed("BDC_1145", "another type, or no invoice's id")
        invoice = self.find(serial=int(query["Id"].removeprefix("00e")))
        if invoice is None or invoice.is_draft:
            raise _failed("BDC_1145", "there is no such document")
        return pdf_answer(invoice.pdf, headers={"Content-Disposition": "attachment"})

    def _check(self, session: str) -> None:
        if session not in self.sessions:
            raise _failed("BDC_1109", "the session is missing or has ended")

    @fact("All runs share one session, and it is opened again when it has ended.")
    async def renews_the_session(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        await world.fetch_right(NUMBERS[1])
        assert self.logins == 1
        self.sessions.clear()
        await world.fetch_right(NUMBERS[2])
        assert self.logins == 2

    @fact("A session that ends between search and document is opened again there.")
    async def renews_in_between(self, world: Any) -> None:
        self.ends_before_servlet = True
        await world.fetch_right(NUMBERS[0])
        assert self.logins == 2

    @fact("A refused login isn't tried a second time, so that no user is locked out.")
    async def signs_in_once(self, world: Any) -> None:
        self.is_locked = True
        assert await world.outcome(NUMBERS[0]) == "sign-in-failed"
        assert self.logins == 1

    @fact("A quotation mark and a backslash in the number don't change the filter.")
    async def escapes_the_filter(self, world: Any) -> None:
        assert await world.outcome('x","op":"!=') == "document-not-found"
        assert await world.outcome("x\\") == "document-not-found"
        assert self.refusals == []


def _done(data: Any) -> web.Response:
    return json_answer({"response_status": 0, "response_message": "Success", "response_data": data})


def _failed(code: str, why: str) -> Refused:
    """Return a failure as version 2 of the API reports it: with status 200, inside the JSON."""
    data = {
        "response_status": 1,
        "response_message": "Error",
        "response_data": {"error_code": code, "error_message": why},
    }
    return Refused(200, why, data=data)
