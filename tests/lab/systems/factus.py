"""Factus: two tokens with each request, base 64 and the file's name in JSON."""

from __future__ import annotations

import base64
import secrets
from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, json_answer, route
from lab.strict import check_bearer


class Factus(StandIn):
    preset = "factus"
    row = "Factus"
    secrets: ClassVar = {"Password": "p&ss=W0rd% +", "FactusPassword": 'f4ctus"2024%\\'}
    quoting = "one segment of the path, percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.local = ""
        self.remote = ""
        self.logins = 0

    def secret_texts(self) -> Any:
        yield from super().secret_texts()
        yield from filter(None, (self.local, self.remote))

    @route("POST", "/api/v1/auth/login", sign_in=True)
    def login(self, call: Call) -> web.Response:
        form = call.form("username", "password")
        if form != {"username": "billhook", "password": self.secrets["Password"]}:
            raise Refused(401, "Incorrect username or password")
        self.logins += 1
        self.local = f"jwt.{secrets.token_urlsafe(16)}"
        return json_answer({"access_token": self.local, "token_type": "bearer"})

    @route("POST", "/api/v1/auth/factus/login")
    def factus_login(self, call: Call) -> web.Response:
        self._check_local(call)
        wanted = {"email": "facturas@example.com", "password": self.secrets["FactusPassword"]}
        if call.json() != wanted:
            raise _error(401, "Factus doesn't know this account")
        self.remote = f"factus-{secrets.token_urlsafe(16)}"
        data = {"access_token": self.remote, "refresh_token": "unused", "expires_in": 3600}
        return _done(data)

    @route("GET", "/api/v1/invoices/{number}/pdf")
    def pdf(self, call: Call, number: str) -> web.Response:
        self._check_local(call)
        call.needs("X-Factus-Token", self.remote, status=401)
        call.no_query()
        invoice = self.find(number=number)
        if invoice is None or invoice.is_draft:
            raise _error(404, "No existe la factura")
        content = base64.b64encode(invoice.pdf).decode()
        return _done({"file_name": f"{number}.pdf", "file_content": content, "extension": "pdf"})

    def _check_local(self, call: Call) -> None:
        check_bearer(call, self.local or "none", status=401)

    @fact("Both tokens go with the request; the first is kept for the next document.")
    async def sends_both_tokens(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        await world.fetch_right(NUMBERS[1])
        assert self.logins == 1
        assert self.refusals == []

    @fact("An expired first token is fetched again, once.")
    async def renews_the_first_token(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.local = "another"
        await world.fetch_right(NUMBERS[1])
        assert self.logins == 2

    @fact("The document has the name that Factus gives it, made safe.")
    async def takes_the_name(self, world: Any) -> None:
        for number, name in (("A&B=C", "A&B=C.pdf"), ("INV/2024/0001", "INV-2024-0001.pdf")):
            with await world.open(number) as document:
                assert document.name == name


def _done(data: Any) -> web.Response:
    return json_answer({"success": True, "message": "hecho", "data": data})


def _error(status: int, why: str) -> Refused:
    return Refused(status, why, data={"success": False, "message": why, "data": None})
