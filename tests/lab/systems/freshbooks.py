"""FreshBooks: OAuth 2 with refresh tokens for one use, and a link to a page as the answer."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import DRAFT, Invoice
from lab.standin import Call, Refused, StandIn, fact, json_answer, route
from lab.strict import OAuthServer

ACCOUNT = "aB12c3"


class FreshBooks(StandIn):
    preset = "freshbooks"
    row = "FreshBooks"
    secrets: ClassVar = {"ClientSecret": "9f8esecret-of-the-app"}
    quoting = "in the query, percent-encoded; compared again in the response"

    def __init__(self) -> None:
        super().__init__()
        self.oauth = OAuthServer(
            client_id="a1b2client",
            client_secret=self.secrets["ClientSecret"],
            client_auth="body",
            scope="user:profile:read user:invoices:read user:clients:read",
        )

    def variables(self) -> dict[str, str]:
        return {
            "ApiUrl": self.api,
            "LoginUrl": self.api,
            "ClientId": "a1b2client",
            "AccountId": ACCOUNT,
        }

    def expected(self, invoice: Invoice) -> bytes:
        return _link(invoice).encode()

    @route("GET", "/oauth/authorize/", sign_in=True)
    def authorize(self, call: Call) -> web.Response:
        return self.oauth.authorize(call)

    @route("POST", "/auth/oauth/token", sign_in=True)
    def token(self, call: Call) -> web.Response:
        return self.oauth.token(call, "authorization_code", "refresh_token")

    @route("GET", "/accounting/account/{account}/invoices/invoices")
    def list_invoices(self, call: Call, account: str) -> web.Response:
        self._check(call, account)
        number = call.query("search[invoice_number]")["search[invoice_number]"]
        found = [each for each in self.invoices if each.number == number]
        rows = [{"id": each.serial, "invoice_number": each.number} for each in found]
        return _result({"invoices": rows, "total": len(rows)})

    @route("GET", "/accounting/account/{account}/invoices/invoices/{serial}/share_link")
    def share_link(self, call: Call, account: str, serial: str) -> web.Response:
        self._check(call, account)
        if call.query("share_method")["share_method"] != "share_link":
            raise Refused(422, "another share_method")
        invoice = self.get(serial=int(serial))
        if invoice.is_draft:
            raise Refused(422, "an invoice that wasn't sent has no link")
        link = {"resourceid": serial, "share_link": _link(invoice), "share_method": "share_link"}
        return _result({"share_link": link})

    def _check(self, call: Call, account: str) -> None:
        self.oauth.check(call)
        if account != ACCOUNT:
            raise Refused(403, "another account")

    @fact("The result is a link, which isn't fetched: the contact is sent there.")
    async def gives_the_link(self, world: Any) -> None:
        assert (await world.fetch("00123")).startswith(b"https://my.freshbooks.com/#/link/")
        assert len(self.calls) == 4  # authorise, token, search, share

    @fact("Pay leads to the same page; an invoice that was never sent has none.")
    async def leads_to_the_page(self, world: Any) -> None:
        assert await world.link("00123") == _link(self.get(number="00123"))
        assert await world.link(DRAFT) == "document-not-found"

    @fact("A refresh token is used once, and the next one is kept.")
    async def rotates(self, world: Any) -> None:
        for _ in range(3):
            await world.fetch_right("00123")
            self.oauth.expire()
        assert len(self.oauth.used) == 2
        assert self.refusals.count("401: the access token is missing, wrong or expired") == 2

    @fact("An invoice that was never sent has no link, and counts as not found.")
    async def unsent_has_no_link(self, world: Any) -> None:
        assert await world.outcome(DRAFT) == "document-not-found"


def _link(invoice: Invoice) -> str:
    return f"https://my.freshbooks.com/#/link/{invoice.key}"


def _result(result: Any) -> web.Response:
    return json_answer({"response": {"result": result}})
