"""ConnectWise PSA: a language of conditions, and two credentials of different kinds."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from aiohttp import web

from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import check_basic

_CONDITION = re.compile(r"invoiceNumber='((?:[^'\\]|\\['\\])*)'")
_PATH = "/v4_6_release/apis/3.0"


class ConnectWise(StandIn):
    preset = "connectwise"
    row = "ConnectWise PSA"
    secrets: ClassVar = {
        "PublicKey": "5QBrPublic",
        "PrivateKey": "gNfvPrivate",
        "ClientId": "5f0c2b1e-client",
    }
    quoting = "between quotes of a condition, with backslashes (`quote`)"

    def variables(self) -> dict[str, str]:
        return {"ApiUrl": f"{self.api}{_PATH}", "Company": "acme"}

    @route("GET", f"{_PATH}/finance/invoices")
    def list_invoices(self, call: Call) -> web.Response:
        self._check(call)
        query = call.query("conditions", optional=("page", "pageSize", "fields", "orderBy"))
        condition = _CONDITION.fullmatch(query["conditions"])
        if condition is None:
            raise Refused(400, "the condition can't be read", data={"code": "InvalidCondition"})
        number = re.sub(r"\\(.)", r"\1", condition[1])
        found = [each for each in self.invoices if each.number == number and not each.is_draft]
        return json_answer([{"id": each.serial, "invoiceNumber": each.number} for each in found])

    @route("GET", f"{_PATH}/finance/invoices/{{serial}}/pdf")
    def pdf(self, call: Call, serial: str) -> web.Response:
        self._check(call)
        call.no_query()
        return pdf_answer(self.get(serial=int(serial)).pdf)

    def _check(self, call: Call) -> None:
        username = f"acme+{self.secrets['PublicKey']}"
        check_basic(call, username, self.secrets["PrivateKey"])
        call.needs("clientId", self.secrets["ClientId"], status=401)

    @fact("A quote mark in the number can't add a condition.")
    async def quotes_cannot_break_out(self, world: Any) -> None:
        assert await world.outcome("x' OR invoiceNumber='00123") == "document-not-found"
        assert self.refusals == []
