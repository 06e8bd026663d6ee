"""Odoo: JSON-RPC with a login; the stored document, or the customer portal, which makes one."""

from __future__ import annotations

import base64
import io
import uuid
import zipfile
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
NOT_ALLOWED = "You are not allowed to access 'Journal Entry' (account.move) records."


class OdooServer(StandIn):
    """The login and the search, which both presets use."""

    secrets: ClassVar = {"ApiKey": 'f00d"key\\of-odoo'}
    quoting = "in a JSON string; nothing of a URL"

    def __init__(self) -> None:
        super().__init__()
        self.key = self.secrets["ApiKey"]
        self.database = DATABASE
        self.may_read = True
        self.twins: set[str] = set()

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
            return self._login(message, *params["args"])
        if self.is_failing:
            return json_answer({}, status=500)
        return self._execute(message, *params["args"])

    def _login(self, message: Any, database: str, login: str, key: str) -> web.Response:
        if database != self.database:
            why = f'FATAL:  database "{database}" does not exist'
            return _error(message, "psycopg2.OperationalError", why)
        return _result(message, USER if (login, key) == (LOGIN, self.key) else False)

    def _execute(self, message: Any, *args: Any) -> web.Response:
        database, user, key, model, method, positional, named = args
        if (database, int(user), key) != (DATABASE, USER, self.key) or model != "account.move":
            self.refusals.append("Odoo: AccessDenied")
            return _error(message, "odoo.exceptions.AccessDenied", "Access Denied")
        if not self.may_read:
            return _error(message, "odoo.exceptions.AccessError", NOT_ALLOWED)
        if method == "search_read":
            return _result(message, self._search_read(*positional, **named))
        return self._call(message, method, *positional, **named)

    def _call(self, message: Any, method: str, *positional: Any, **named: Any) -> web.Response:
        return _error(message, "builtins.AttributeError", f"no method {method}")

    def _search_read(self, domain: list[Any], *, fields: list[str]) -> list[dict[str, Any]]:
        wanted = {field: value for field, operator, value in domain if operator == "="}
        kinds = next(value for field, operator, value in domain if operator == "in")
        assert set(wanted) == {"name", "state"}
        assert "out_invoice" in kinds
        found = [
            each
            for each in self.invoices
            if each.number == wanted["name"] and _state(each) == wanted["state"]
        ]
        found += [each for each in found if each.number in self.twins]
        return [
            {name: self._field(each, name) for name in fields} | {"id": each.serial + twin}
            for twin, each in enumerate(found)
        ]

    def _field(self, invoice: Invoice, name: str) -> Any:
        assert name == "id"
        return invoice.serial

    @fact("A missing right is reported in Odoo's own words.")
    async def says_what_is_not_allowed(self, world: Any) -> None:
        self.may_read = False
        assert await world.reason("INV0000001") == NOT_ALLOWED

    @fact("A wrong database is reported in Odoo's own words.")
    async def says_that_there_is_no_database(self, world: Any) -> None:
        self.database = "another"
        assert 'database "acme" does not exist' in await world.reason("INV0000001")

    @fact("Two invoices with the same number are an error, and neither is shown.")
    async def refuses_twins(self, world: Any) -> None:
        self.twins = {"INV0000001"}
        assert await world.outcome("INV0000001") in {"ambiguous", "source-said-no"}


class Odoo(OdooServer):
    preset = "odoo"
    row = "Odoo"

    def __init__(self) -> None:
        super().__init__()
        self.never_sent: set[str] = set()

    def _field(self, invoice: Invoice, name: str) -> Any:
        assert name == "invoice_pdf_report_file"
        if invoice.number in self.never_sent:
            return False
        return base64.b64encode(invoice.pdf).decode()

    @fact("Later runs use the same login, and take one request.")
    async def keeps_the_login(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        await world.fetch_right("00123")
        assert len(self.calls) == 3

    @fact("A posted invoice that was never sent has no document yet.")
    async def finds_no_document_that_was_never_sent(self, world: Any) -> None:
        self.never_sent = {"INV0000001"}
        assert await world.outcome("INV0000001") == "document-not-found"

    @fact("A revoked key is refused, and the login is repeated once.")
    async def logs_in_again_once(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        self.key = "another"
        assert await world.outcome("INV0000001") == "sign-in-failed"
        assert sum(b'"common"' in call.body for call in self.calls) == 2


class OdooPortal(OdooServer):
    preset = "odoo-portal"
    row = "Odoo"

    def __init__(self) -> None:
        super().__init__()
        self.shared: dict[int, str] = {}
        self.is_shut = False
        self.electronic: set[str] = set()

    def _call(self, message: Any, method: str, *positional: Any, **named: Any) -> web.Response:
        if method != "get_portal_url":
            return super()._call(message, method, *positional, **named)
        [[serial]] = positional
        token = self.shared.setdefault(serial, str(uuid.uuid5(uuid.NAMESPACE_OID, str(serial))))
        return _result(message, f"/my/invoices/{serial}?access_token={token}")

    @route("GET", "/my/invoices/{serial}")
    def portal(self, call: Call, serial: str) -> web.Response:
        query = call.query(optional=("access_token", "report_type", "download"))
        invoice = self.find(serial=int(serial))
        token = self.shared.get(int(serial))
        if invoice is None or self.is_shut or token is None or query.get("access_token") != token:
            return moved("/my")
        if query.get("report_type") != "pdf":
            return html_answer("Invoice")
        if invoice.number in self.electronic:
            return pdf_answer(_zip(invoice), content_type="application/zip")
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

    @fact("Of a ZIP with an e-invoice's PDF and XML, the PDF is shown.")
    async def takes_the_pdf_of_an_e_invoice(self, world: Any) -> None:
        self.electronic = {"INV0000001"}
        await world.fetch_right("INV0000001")


def _zip(invoice: Invoice) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr(f"{invoice.serial}_ubl.xml", "<Invoice/>")
        files.writestr(f"{invoice.serial}.pdf", invoice.pdf)
    return packed.getvalue()


def _state(invoice: Invoice) -> str:
    return "draft" if invoice.is_draft else "posted"


def _result(message: Any, result: Any) -> web.Response:
    return json_answer({"jsonrpc": "2.0", "id": message["id"], "result": result})


def _error(message: Any, name: str, why: str) -> web.Response:
    data = {"name": name, "message": why, "arguments": [why], "debug": "Traceback …"}
    error = {"code": 200, "message": "Odoo Server Error", "data": data}
    return json_answer({"jsonrpc": "2.0", "id": message["id"], "error": error})
