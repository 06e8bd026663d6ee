"""HostBill: secrets in the query, and an answer that is keyed by the invoice's id."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, json_answer, route


class HostBill(StandIn):
    preset = "hostbill"
    row = "HostBill"
    secrets: ClassVar = {"ApiId": "a3f0c1d2e4b5968778a9", "ApiKey": "0b1c2d3e4f5a69788796"}
    refused_outcome = "source-said-no"
    quoting = "by HostBill's own id: in the query, and as a key in the answer's path"

    def __init__(self) -> None:
        super().__init__()
        self.gives_more = False
        self.is_flat = False

    def tokens(self, number: str) -> dict[str, str]:
        invoice = self.find(number=number)
        identity = str(invoice.serial) if invoice else "999999"
        return {"InvoiceNumber": number, "InvoiceId": identity}

    @route("GET", "/admin/api.php")
    def api_php(self, call: Call) -> web.Response:
        query = call.query("api_id", "api_key", "call", "invoices[]")
        if [query["api_id"], query["api_key"]] != list(self.secrets.values()):
            raise _failed("Wrong API ID or key")
        if query["call"] != "getInvoicesPDF":
            raise _failed("This call isn't allowed")
        identity = query["invoices[]"]
        invoice = self.find(serial=int(identity)) if identity.isdecimal() else None
        if invoice is None:
            raise _failed(f"Invoice {identity} not found")
        chosen = [invoice, *(self.invoices[:5] if self.gives_more else ())]
        found = {
            str(each.serial): "" if each.is_draft else base64.b64encode(each.pdf).decode()
            for each in chosen
        }
        rest = {"success": True, "call": query["call"], "server_time": 1323445047}
        return json_answer(rest | (found if self.is_flat else {"invoices": found}))

    @fact("Of several documents, the one under the invoice's id is taken, wherever it is.")
    async def takes_the_one_with_the_id(self, world: Any) -> None:
        self.gives_more = True
        await world.fetch_right(NUMBERS[3])
        self.is_flat = True
        await world.fetch_right(NUMBERS[3])

    @fact("An id that looks like part of a path finds nothing and breaks nothing.")
    async def keeps_the_path_whole(self, world: Any) -> None:
        for identity in ("'] , $..['48211", "*", "48211'"):
            assert await world.outcome(NUMBERS[0], InvoiceId=identity) == "document-not-found"

    @fact("A 200 whose success is false is a failure.")
    async def reads_the_flag(self, world: Any) -> None:
        self.secrets = {**self.secrets, "ApiKey": "changed there"}
        assert await world.outcome(NUMBERS[0]) == "source-said-no"


def _failed(why: str) -> Refused:
    return Refused(200, why, data={"success": False, "error": [why]})
