"""Odoo: JSON-RPC with a login, then the customer portal, which answers a stranger with a page."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import Invoice
from lab.standin import (
    Call,
    Refused,
    StandIn,
    fact,
    html_answer,
    json_answer,
    moved,
    pdf_answer,
    route,
)

DATABASE, LOGIN, USER = "acme", "billhook@acme.example", 7


class Odoo(StandIn):
    preset = "odoo"
    row = "Odoo"
    secrets: ClassVar = {"ApiKey": 'f00d"key\\of-odoo'}
    quoting = "in a JSON string; nothing of a URL"

    def __init__(self) -> None:
        super().__init__()
        self.shared: dict[int, str] = {}
        self.is_shut = False
        self.key = self.secrets["ApiKey"]

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": self.api, "Database": DATABASE, "Login": LOGIN}

    @route("POST", "/jsonrpc", sign_in=True)
    def jsonrpc(self, call: Call) -> web.Response:
        message = call.json()
        if message.get("jsonrpc") != "2.0" or message.get("method") != "call":
            raise Refused(400, "this is no JSON-RPC 2.0")
        params = message["params"]
        service, method = params["service"], params["method"]
        if (service, method) == ("common", "login"):
            return _result(message, self._login(*params["args"]))
        if self.is_failing:
            return json_answer({}, status=500)
        return self._execute(message, *params["args"])

    def _login(self, database: str, login: str, key: str) -> int | bool:
        is_right = (database, login, key) == (DATABASE, LOGIN, self.key)
        return USER if is_right else False

    def _execute(self, message: Any, *args: Any) -> web.Response:
        database, user, key, model, method, positional, named = args
        if (database, int(user), key) != (DATABASE, USER, self.key) or model != "account.move":
            self.refusals.append("Odoo: AccessDenied")
            return _error(message, "odoo.exceptions.AccessDenied")
        if method == "search_read":
            return _result(message, self._search_read(*positional, **named))
        if method == "get_portal_url":
            return _result(message, self._get_portal_url(*positional, **named))
        return _error(message, "builtins.AttributeError")

    def _search_read(self, domain: list[Any], *, fields: list[str]) -> list[dict[str, Any]]:
        wanted = {field: value for field, operator, value in domain if operator == "="}
        kinds = next(value for field, operator, value in domain if operator == "in")
        assert set(wanted) == {"name", "state"}
        assert fields == ["id"]
        assert "out_invoice" in kinds
        found = [
            each
            for each in self.invoices
            if each.number == wanted["name"] and _state(each) == wanted["state"]
        ]
        return [{"id": each.serial} for each in found]

    def _get_portal_url(self, ids: list[int]) -> str:
        [serial] = ids
        token = self.shared.setdefault(serial, str(uuid.uuid5(uuid.NAMESPACE_OID, str(serial))))
        return f"/my/invoices/{serial}?access_token={token}"

    @route("GET", "/my/invoices/{serial}")
    def portal(self, call: Call, serial: str) -> web.Response:
        query = call.query(optional=("access_token", "report_type", "download"))
        invoice = self.find(serial=int(serial))
        token = self.shared.get(int(serial))
        if invoice is None or self.is_shut or token is None or query.get("access_token") != token:
            return moved("/my")
        if query.get("report_type") != "pdf":
            return html_answer("Invoice")
        return pdf_answer(invoice.pdf)

    @route("GET", "/my")
    def home(self, call: Call) -> web.Response:
        return html_answer("Log in")

    @fact("Later runs use the same login.")
    async def keeps_the_login(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        await world.fetch_right("00123")
        assert sum(b'"common"' in call.body for call in self.calls) == 1

    @fact("The portal's page instead of the PDF is reported as a web page.")
    async def tells_a_page_from_a_document(self, world: Any) -> None:
        self.is_shut = True
        assert await world.outcome("INV0000001") == "web-page-instead"

    @fact("A revoked key is refused, and the login is repeated once.")
    async def logs_in_again_once(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        self.key = "another"
        assert await world.outcome("INV0000001") == "sign-in-failed"
        assert sum(b'"common"' in call.body for call in self.calls) == 2


def _state(invoice: Invoice) -> str:
    return "draft" if invoice.is_draft else "posted"


def _result(message: Any, result: Any) -> web.Response:
    return json_answer({"jsonrpc": "2.0", "id": message["id"], "result": result})


def _error(message: Any, name: str) -> web.Response:
    error = {"code": 200, "message": "Odoo Server Error", "data": {"name": name}}
    return json_answer({"jsonrpc": "2.0", "id": message["id"], "error": error})
