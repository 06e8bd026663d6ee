"""Sellercloud: a token for name and password; base 64 as the whole body, the name in a header."""

from __future__ import annotations

import base64
import secrets
from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, json_answer, route
from lab.strict import check_bearer


class Sellercloud(StandIn):
    preset = "sellercloud"
    row = "Sellercloud"
    secrets: ClassVar = {"Password": 'p4ss"Wörd\\7'}
    quoting = "by the order's id: as a number in JSON"

    def __init__(self) -> None:
        super().__init__()
        self.token = ""
        self.logins = 0
        self.is_quoted = False

    def tokens(self, number: str) -> dict[str, str]:
        invoice = self.find(number=number)
        return {"InvoiceNumber": number, "InvoiceId": str(invoice.serial) if invoice else "1"}

    @route("POST", "/rest/api/token", sign_in=True)
    def sign_in(self, call: Call) -> web.Response:
        wanted = {"Username": "billhook@example.com", "Password": self.secrets["Password"]}
        if call.json() != wanted:
            raise Refused(401, "The user name or password is incorrect")
        self.logins += 1
        self.token = f"jwt.{secrets.token_urlsafe(16)}"
        return json_answer({"access_token": self.token, "token_type": "Bearer", "expires_in": 3600})

    @route("POST", "/rest/api/Orders/PrintPdfInvoice")
    def print_invoice(self, call: Call) -> web.Response:
        check_bearer(call, self.token or "none")
        call.no_query()
        wanted = call.json()
        if set(wanted) != {"OrderIDs"} or [type(each) for each in wanted["OrderIDs"]] != [int]:
            raise Refused(400, "OrderIDs isn't a list with a whole number")
        invoice = self.get(serial=wanted["OrderIDs"][0])
        if invoice.is_draft:
            raise Refused(400, "the order has no invoice")
        text = base64.b64encode(invoice.pdf).decode()
        name = f"attachment; filename=Invoice_{invoice.serial}.pdf; size={len(invoice.pdf)}"
        headers = {"Content-Type": "application/pdf", "Content-Disposition": name}
        return web.Response(text=f'"{text}"' if self.is_quoted else text, headers=headers)

    @fact("The body is decoded, whatever the Content-Type says, with or without quotes.")
    async def decodes_the_body(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.is_quoted = True
        await world.fetch_right(NUMBERS[0])

    @fact("The document has the name in the header.")
    async def takes_the_name(self, world: Any) -> None:
        with await world.open(NUMBERS[0]) as document:
            assert document.name == "Invoice_48211.pdf"

    @fact("The order's id is sent as a number; an id that isn't a number isn't sent at all.")
    async def sends_a_number(self, world: Any) -> None:
        assert await world.outcome(NUMBERS[0], InvoiceId="INV-7") == "token"
        assert self.calls == []

    @fact("An expired token is fetched again, once.")
    async def renews_the_token(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.token = "another"
        await world.fetch_right(NUMBERS[1])
        assert self.logins == 2
