"""WHMCS: no document in its API, so a link that signs in once as the invoice's own client."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, html_answer, json_answer, moved, route

_PATH = "/dl.php"


class Whmcs(StandIn):
    preset = "whmcs"
    row = "WHMCS"
    secrets: ClassVar = {
        "Identifier": "D4j1dKYE3g40VROOPCGyJ9zRwP0ADJIv",
        "Secret": "F1CKGXRIpylMfsrig3mwwdSdYUdLiFlo",
    }
    refused_outcome = "source-refused"
    quoting = "by WHMCS's own id, in a form"

    def __init__(self) -> None:
        super().__init__()
        self.links: dict[str, tuple[str, str]] = {}
        self.sessions: dict[str, str] = {}
        self.blocks_sign_in = False

    def tokens(self, number: str) -> dict[str, str]:
        invoice = self.find(number=number)
        identity = str(invoice.serial) if invoice else "999999"
        return {"InvoiceNumber": number, "InvoiceId": identity}

    def secret_texts(self) -> Any:
        yield from super().secret_texts()
        yield from self.links

    @route("POST", "/includes/api.php")
    def api_php(self, call: Call) -> web.Response:
        names = ("invoiceid", "client_id", "destination", "sso_redirect_path")
        form = call.form("identifier", "secret", "action", "responsetype", optional=names)
        if [form["identifier"], form["secret"]] != list(self.secrets.values()):
            raise _failed("Invalid or missing credentials", status=403)
        if form["responsetype"] != "json":
            raise _failed("the response is asked for as XML")
        actions = {"GetInvoice": self._get_invoice, "CreateSsoToken": self._create_link}
        if form["action"] not in actions:
            raise _failed("Invalid Permissions: API action is not allowed", status=403)
        return actions[form["action"]](form)

    def _get_invoice(self, form: dict[str, str]) -> web.Response:
        identity = form["invoiceid"]
        invoice = self.find(serial=int(identity)) if identity.isdecimal() else None
        if invoice is None:
            raise _failed("Invoice ID Not Found")
        status = "Draft" if invoice.is_draft else "Unpaid"
        shown = {"invoiceid": invoice.serial, "invoicenum": "", "userid": 2361, "status": status}
        return json_answer({"result": "success", **shown})

    def _create_link(self, form: dict[str, str]) -> web.Response:
        if form["client_id"] != "2361":
            raise _failed("Invalid client_id")
        if self.blocks_sign_in:
            raise _failed("SSO authentication blocked for client 2361")
        if form["destination"] != "sso:custom_redirect":
            raise _failed("Invalid destination")
        token = secrets.token_hex(20)
        self.links[token] = (form["client_id"], form["sso_redirect_path"])
        address = f"{self.api}/oauth/singlesignon.php?access_token={token}"
        return json_answer({"result": "success", "access_token": token, "redirect_url": address})

    @route("GET", "/oauth/singlesignon.php")
    def sign_in_once(self, call: Call) -> web.Response:
        query = call.query("access_token")
        if query["access_token"] not in self.links:
            return html_answer("<title>Client Area</title>Login", status=200)
        client, path = self.links.pop(query["access_token"])
        session = secrets.token_hex(13)
        self.sessions[session] = client
        response = moved(f"{self.api}{path}")
        cookie = f"WHMCSy551iLvnhYt7={session}; path=/; HttpOnly; SameSite=Lax"
        response.headers["Set-Cookie"] = cookie
        return response

    @route("GET", _PATH)
    def download(self, call: Call) -> web.Response:
        cookie = call.headers.get("Cookie", "").removeprefix("WHMCSy551iLvnhYt7=")
        if cookie not in self.sessions:
            raise Refused(403, "nobody is signed in", body=b"Login", content_type="text/html")
        query = dict(parse_qsl(call.raw_query, strict_parsing=True))
        invoice = self.find(serial=int(query["id"]))
        if query["type"] != "i" or invoice is None or invoice.is_draft:
            raise Refused(404, "no such download")
        disposition = {"Content-Disposition": 'attachment; filename="Invoice.pdf"'}
        body = invoice.pdf
        return web.Response(body=body, content_type="application/octet-stream", headers=disposition)

    @fact("Each document takes a link of its own, which is used once.")
    async def uses_links_once(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        await world.fetch_right(NUMBERS[1])
        assert self.links == {}
        assert len(self.sessions) == 2

    @fact("WHMCS's own sentence is shown to members when a client can't be signed in.")
    async def shows_why_a_client_is_blocked(self, world: Any) -> None:
        self.blocks_sign_in = True
        assert await world.outcome(NUMBERS[0]) == "source-said-no"


def _failed(why: str, *, status: int = 200) -> Refused:
    return Refused(status, why, data={"result": "error", "message": why})
