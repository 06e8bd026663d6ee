"""Autotask PSA: three secret headers, a query in JSON, and the PDF in base 64 inside JSON."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, json_answer, route

_QUERYABLE = {"id", "invoiceNumber", "companyID"}


class Autotask(StandIn):
    preset = "autotask"
    row = "Autotask PSA"
    secrets: ClassVar = {
        "IntegrationCode": "HXGHQ7PSU4X2XPFK3Q6E5RZ4A",
        "UserName": "abc7def8@example.com",
        "Secret": "k7~T2@pQz",
    }
    quoting = "as a JSON string in the query's filter"

    def __init__(self) -> None:
        super().__init__()
        self.twice: str | None = None
        self.is_wrapped = False

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": f"{self.api}/ATServicesRest"}

    @route("POST", "/ATServicesRest/V1.0/Invoices/query")
    def query(self, call: Call) -> web.Response:
        self._check(call)
        asked = call.json(status=500)
        if set(asked) - {"MaxRecords", "IncludeFields", "filter"}:
            raise Refused(500, "the query has unknown keys")
        [condition] = asked["filter"]
        if condition["field"] not in _QUERYABLE:  # dueDate and others aren't
            raise Refused(500, "this field can't be queried")
        if condition["op"] != "eq" or not isinstance(condition["value"], str):
            raise Refused(500, "the filter isn't a comparison with a text")
        found = [each for each in self.invoices if each.number == condition["value"]]
        if self.twice is not None and condition["value"] == self.twice:
            found.append(self.invoices[-1])
        items = [{"id": each.serial} for each in found[: asked["MaxRecords"]]]
        return json_answer({"items": items, "pageDetails": {"count": len(items)}})

    @route("GET", "/ATServicesRest/V1.0/Invoices/{identity}/InvoicePDF")
    def invoice_pdf(self, call: Call, identity: str) -> web.Response:
        self._check(call)
        call.no_query()
        invoice = self.get(serial=int(identity))
        data = None if invoice.is_draft else base64.b64encode(invoice.pdf).decode()
        model: dict[str, Any] = {
            "id": invoice.serial,
            "contentType": "application/pdf",
            "fileName": f"Invoice_{invoice.serial}.pdf",
            "fileSize": len(invoice.pdf),
            "data": data,
        }
        return json_answer({"item": model} if self.is_wrapped else model)

    def _check(self, call: Call) -> None:
        wanted = {
            "ApiIntegrationCode": "IntegrationCode",
            "UserName": "UserName",
            "Secret": "Secret",
        }
        for header, name in wanted.items():
            call.needs(header, self.secrets[name], status=401)

    @fact("Two invoices with the same number are an error, and neither is requested.")
    async def refuses_two(self, world: Any) -> None:
        self.twice = NUMBERS[0]
        assert await world.outcome(NUMBERS[0]) == "ambiguous"
        assert [call.method for call in self.calls] == ["POST"]

    @fact("The PDF is also found with an item around it.")
    async def reads_either_form(self, world: Any) -> None:
        self.is_wrapped = True
        await world.fetch_right(NUMBERS[1])
