"""Xero: OAuth 2 by two clicks, a tenant to name, and one URL that is JSON or PDF by Accept."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import DRAFT, Invoice
from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route, xml_answer
from lab.strict import OAuthServer

TENANT = "45e4708e-d862-4111-ab3a-dd8cd03913e1"
OTHER_TENANT = "9a1b2c3d-0000-4111-ab3a-dd8cd03913e1"


class Xero(StandIn):
    preset = "xero"
    row = "Xero"
    secrets: ClassVar = {"ClientSecret": "vT3secret-of-the-app"}
    quoting = "in the query, percent-encoded; compared again in the response"

    def __init__(self) -> None:
        super().__init__()
        self.oauth = OAuthServer(
            client_id="app-5B1A9D2E",
            client_secret=self.secrets["ClientSecret"],
            scope="offline_access accounting.transactions.read accounting.contacts.read",
        )

    def variables(self) -> dict[str, str]:
        return {
            "ApiUrl": self.api,
            "LoginUrl": self.api,
            "IdentityUrl": self.api,
            "ClientId": "app-5B1A9D2E",
            "Organisation": "Acme & Söhne",
        }

    @route("GET", "/identity/connect/authorize", sign_in=True)
    def authorize(self, call: Call) -> web.Response:
        return self.oauth.authorize(call)

    @route("POST", "/connect/token", sign_in=True)
    def token(self, call: Call) -> web.Response:
        return self.oauth.token(call, "authorization_code", "refresh_token")

    @route("GET", "/connections")
    def connections(self, call: Call) -> web.Response:
        self.oauth.check(call)
        names = {OTHER_TENANT: "Acme", TENANT: "Acme & Söhne"}
        return json_answer([{"tenantId": key, "tenantName": name} for key, name in names.items()])

    @route("GET", "/api.xro/2.0/Invoices")
    def list_invoices(self, call: Call) -> web.Response:
        self._check(call)
        numbers = call.query("InvoiceNumbers")["InvoiceNumbers"].split(",")
        if call.headers.get("Accept") != "application/json":
            return xml_answer("<Response><Invoices/></Response>")  # what Xero gives unless asked
        found = [self._shown(each) for each in self.invoices if each.number in numbers]
        bills = [{**each, "InvoiceID": TENANT, "Type": "ACCPAY"} for each in found]
        return json_answer({"Status": "OK", "Invoices": [*bills, *found]})

    @staticmethod
    def _shown(invoice: Invoice) -> dict[str, Any]:
        status = "DRAFT" if invoice.is_draft else "AUTHORISED"
        return {
            "Type": "ACCREC",
            "InvoiceID": invoice.uuid,
            "InvoiceNumber": invoice.number,
            "Status": status,
        }

    @route("GET", "/api.xro/2.0/Invoices/{uuid}")
    def get_invoice(self, call: Call, uuid: str) -> web.Response:
        self._check(call)
        call.no_query()
        invoice = self.get(uuid=uuid)
        if call.headers.get("Accept") != "application/pdf":
            return json_answer({"Invoices": [self._shown(invoice)]})
        if invoice.is_draft:
            raise Refused(400, "a draft isn't rendered")
        return pdf_answer(invoice.pdf)

    @route("GET", "/api.xro/2.0/Invoices/{uuid}/OnlineInvoice")
    def online_invoice(self, call: Call, uuid: str) -> web.Response:
        self._check(call)
        call.no_query()
        invoice = self.get(uuid=uuid)
        if invoice.is_draft:
            raise Refused(400, "a draft has no online invoice")
        return json_answer({"OnlineInvoices": [{"OnlineInvoiceUrl": _online(invoice)}]})

    def _check(self, call: Call) -> None:
        self.oauth.check(call)
        call.needs("xero-tenant-id", TENANT, status=403)

    @fact("An access token that has expired is refreshed once; the new refresh token is kept.")
    async def refreshes_once(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        first = await world.token_store.load()
        self.oauth.expire()
        await world.fetch_right("00123")
        kept = await world.token_store.load()
        assert kept.refresh.reveal() != first.refresh.reveal()
        assert self.oauth.refresh == {kept.refresh.reveal()}
        assert not self.oauth.used & self.oauth.refresh

    @fact("After a refresh token that was used before, a person must connect again.")
    async def says_when_to_connect_again(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        self.oauth.expire()
        self.oauth.used |= self.oauth.refresh
        assert await world.outcome("00123") == "sign-in-failed"

    @fact("The configured organisation is searched; a bill with the same number doesn't count.")
    async def asks_the_named_tenant(self, world: Any) -> None:
        await world.fetch_right("A&B=C")
        tenants = [call.headers.get("xero-tenant-id") for call in self.calls]
        assert [each for each in tenants if each] == [TENANT, TENANT]

    @fact("Pay leads to the online invoice at Xero, in the named organisation; a draft has none.")
    async def leads_to_the_online_invoice(self, world: Any) -> None:
        assert await world.link("A&B=C") == _online(self.get(number="A&B=C"))
        assert await world.link(DRAFT) == "document-not-found"
        assert self.refusals == []

    @fact("A draft is recognised by its status; its PDF isn't requested.")
    async def leaves_drafts_alone(self, world: Any) -> None:
        assert await world.outcome(DRAFT) == "document-not-found"
        assert self.refusals == []


def _online(invoice: Invoice) -> str:
    return f"https://in.xero.com/{invoice.key}"
