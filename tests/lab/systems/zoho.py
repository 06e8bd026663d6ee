"""Zoho Books: a scheme that isn't Bearer, a code in every answer, and PDF by Accept."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import OAuthServer

ORGANISATION = "10234695"


class Zoho(StandIn):
    preset = "zoho"
    row = "Zoho Books / Invoice"
    secrets: ClassVar = {"ClientSecret": "c0ffee-secret-of-the-client"}
    quoting = "in the query, percent-encoded; compared again in the response"

    def __init__(self) -> None:
        super().__init__()
        self.oauth = OAuthServer(
            client_id="1000.AB12",
            client_secret=self.secrets["ClientSecret"],
            client_auth="body",
            scope="ZohoBooks.invoices.READ,ZohoBooks.creditnotes.READ",
            rotates=False,
            ignored=("access_type", "prompt"),
        )

    def variables(self) -> dict[str, str]:
        return {
            "ApiUrl": f"{self.api}/books/v3",
            "AccountsUrl": self.api,
            "ClientId": "1000.AB12",
            "OrganisationId": ORGANISATION,
        }

    @route("GET", "/oauth/v2/auth", sign_in=True)
    def authorize(self, call: Call) -> web.Response:
        # without access_type=offline Zoho gives no refresh token
        return self.oauth.authorize(call, "access_type", "prompt")

    @route("POST", "/oauth/v2/token", sign_in=True)
    def token(self, call: Call) -> web.Response:
        return self.oauth.token(call, "authorization_code", "refresh_token")

    @route("GET", "/books/v3/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        query = self._check(call, "invoice_number")
        invoice = self.find(number=query["invoice_number"])
        found = [] if invoice is None else [self._shown(invoice)]
        return json_answer({"code": 0, "message": "success", "invoices": found})

    @staticmethod
    def _shown(invoice: Any) -> dict[str, Any]:
        return {
            "invoice_id": str(invoice.serial),
            "invoice_number": invoice.number,
            "status": "draft" if invoice.is_draft else "sent",
        }

    @route("GET", "/books/v3/invoices/{serial}")
    def get_invoice(self, call: Call, serial: str) -> web.Response:
        query = self._check(call, optional=("accept",))
        invoice = self.find(serial=int(serial))
        if invoice is None:
            raise _error(404, 1002, "Invoice does not exist.")
        if "application/pdf" not in {call.headers.get("Accept"), query.get("accept")}:
            return json_answer({"code": 0, "invoice": self._shown(invoice)})
        disposition = {"Content-Disposition": f'attachment; filename="INV-{serial}.pdf"'}
        kind = "application/pdf;charset=UTF-8"
        return pdf_answer(invoice.pdf, content_type=kind, headers=disposition)

    def _check(self, call: Call, *names: str, optional: tuple[str, ...] = ()) -> dict[str, str]:
        self.oauth.check(call, word="Zoho-oauthtoken")
        query = call.query("organization_id", *names, optional=optional)
        if query["organization_id"] != ORGANISATION:
            raise _error(400, 6041, "This user is not associated with the organization.")
        return query

    @fact("The access token follows Zoho-oauthtoken; a refresh token stays valid.")
    async def uses_zohos_own_word(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        self.oauth.expire()
        await world.fetch_right("00123")
        assert self.calls[-1].headers["Authorization"].startswith("Zoho-oauthtoken ")
        assert not self.oauth.used


def _error(status: int, code: int, message: str) -> Refused:
    return Refused(status, message, data={"code": code, "message": message})
