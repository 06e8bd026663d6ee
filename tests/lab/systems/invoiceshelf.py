"""InvoiceShelf: a token for a password, a search for a part of the number, then the PDF by hash."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar, Final

from aiohttp import web

from lab.invoices import DRAFT, NUMBERS, Invoice
from lab.standin import Call, Refused, StandIn, fact, json_answer, moved, pdf_answer, route

_EMAIL: Final = "billhook@example.com"
_COMPANY: Final = "3"


class InvoiceShelf(StandIn):
    preset = "invoiceshelf"
    row = "InvoiceShelf / Crater"
    secrets: ClassVar = {"Password": "p&ss=W0rd%+"}
    refused_outcome = "sign-in-failed"
    quoting = "in the query, percent-encoded; compared again in the response"
    optional: ClassVar = {"Accept": "without it, a token that has ended leads to a page"}

    def __init__(self) -> None:
        super().__init__()
        self.tokens_given: set[str] = set()

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": self.api, "CompanyId": _COMPANY, "Email": _EMAIL}

    def secret_texts(self) -> Any:
        yield from super().secret_texts()
        yield from self.tokens_given

    @route("POST", "/api/v1/auth/login", sign_in=True)
    def login(self, call: Call) -> web.Response:
        given = call.json()
        if set(given) != {"username", "password", "device_name"}:
            raise Refused(422, "a field is missing", data={"message": "A field is required."})
        if (given["username"], given["password"]) != (_EMAIL, self.secrets["Password"]):
            message = "The provided credentials are incorrect."
            raise Refused(422, message, data={"message": message, "errors": {"email": [message]}})
        token = f"{len(self.tokens_given) + 1}|{secrets.token_urlsafe(30)}"
        self.tokens_given.add(token)
        return json_answer({"type": "Bearer", "token": token})

    @route("GET", "/api/v1/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        self._check(call)
        call.needs("company", _COMPANY)
        query = call.query("invoice_number", optional=("limit",))
        found = [each for each in self.invoices if query["invoice_number"] in each.number]
        found.sort(key=lambda each: -each.serial)
        rows = found if query.get("limit") == "all" else found[:10]
        return json_answer({"data": [_row(each) for each in rows]})

    @route("GET", "/invoices/pdf/{hash}")
    def pdf(self, call: Call, hash: str) -> web.Response:  # noqa: A002 - the route's own word
        self._check(call)
        call.no_query()
        invoice = self.get(key=hash)
        return pdf_answer(invoice.pdf, headers={"Content-Disposition": 'inline; filename="i.pdf"'})

    def _check(self, call: Call) -> None:
        given = call.headers.get("Authorization", "")
        if given.removeprefix("Bearer ") in self.tokens_given and given.startswith("Bearer "):
            return
        if call.headers.get("Accept") != "application/json":
            raise _Redirected(f"{self.api}/login")
        raise Refused(401, "no token", data={"message": "Unauthenticated."})

    @fact("Numbers that only contain the wanted one are left out, and drafts aren't found.")
    async def compares_the_whole_number(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        assert await world.outcome(DRAFT) == "document-not-found"
        assert await world.outcome("INV00000") == "document-not-found"

    @fact("A token that was revoked is replaced.")
    async def renews_the_token(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.tokens_given.clear()
        await world.fetch_right(NUMBERS[1])


class _Redirected(Refused):
    """Laravel leads a caller that accepts pages to the page for signing in."""

    def __init__(self, target: str) -> None:
        super().__init__(302, "no token")
        self._target = target

    def answer(self) -> web.Response:
        return moved(self._target)


def _row(invoice: Invoice) -> dict[str, Any]:
    return {
        "id": invoice.serial,
        "invoice_number": invoice.number,
        "status": "DRAFT" if invoice.is_draft else "SENT",
        "paid_status": "UNPAID",
        "unique_hash": invoice.key,
    }
