"""Datagate: two headers that authenticate, and a search that is a POST."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import check_bearer


class Datagate(StandIn):
    preset = "datagate"
    row = "Datagate"
    secrets: ClassVar = {"ApiToken": "eyJtokenOfDatagate", "ClientId": "48213"}
    quoting = "in a JSON string; compared again in the response"

    def __init__(self) -> None:
        super().__init__()
        self.stumbles = 0

    def variables(self) -> dict[str, str]:
        return {"ApiUrl": self.api}

    @route("POST", "/invoices/search")
    def search(self, call: Call) -> web.Response:
        self._check(call)
        wanted = call.json()
        if self.stumbles:
            self.stumbles -= 1
            return json_answer({}, status=502)
        if list(wanted) != ["invoiceNumber"] or not isinstance(wanted["invoiceNumber"], str):
            raise Refused(400, "the search is another")
        number = wanted["invoiceNumber"]  # the search takes parts of numbers
        found = [each for each in self.invoices if number in each.number and not each.is_draft]
        rows = [{"id": each.serial, "invoiceNumber": each.number} for each in found]
        return json_answer({"invoices": rows})

    @route("GET", "/invoices/{serial}/pdf")
    def pdf(self, call: Call, serial: str) -> web.Response:
        self._check(call)
        call.no_query()
        return pdf_answer(self.get(serial=int(serial)).pdf)

    def _check(self, call: Call) -> None:
        check_bearer(call, self.secrets["ApiToken"])
        call.needs("ClientID", self.secrets["ClientId"], status=401)

    @fact("Of the numbers that the search finds, only the identical one is taken.")
    async def takes_the_very_number(self, world: Any) -> None:
        for number in ("INV0000001", "#7", "x y"):
            await world.fetch_right(number)

    @fact("The search is a POST that only reads, so it is sent again after a 502.")
    async def is_repeated_after_a_stumble(self, world: Any) -> None:
        self.stumbles = 1
        await world.fetch_right("INV0000001")
        assert [call.method for call in self.calls] == ["POST", "POST", "GET"]
