"""ERPNext: one request; the number is the name of the document."""

from __future__ import annotations

import json
from typing import ClassVar

from aiohttp import web

from lab.standin import Call, Refused, StandIn, fact, pdf_answer, route


class ErpNext(StandIn):
    preset = "erpnext"
    row = "ERPNext / Frappe"
    secrets: ClassVar = {"ApiKey": "7f3a9c1e5b2d480", "ApiSecret": "e1d0c9b8a7f6543"}
    quoting = "in the query, percent-encoded"

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": self.api, "PrintFormat": "Standard", "NoLetterhead": "0"}

    @route("GET", "/api/method/frappe.utils.print_format.download_pdf")
    def download_pdf(self, call: Call) -> web.Response:
        # the word may be in any case, the pair is compared as it is
        word, _, pair = call.header("Authorization", status=403).partition(" ")
        if word.lower() != "token" or pair != ":".join(self.secrets.values()):
            raise _error(401, "AuthenticationError", "the token isn't one of ours")
        query = call.query("doctype", "name", "format", "no_letterhead")
        if query["doctype"] != "Sales Invoice" or query["format"] != "Standard":
            raise _error(404, "DoesNotExistError", "no such kind of document, or print format")
        if query["no_letterhead"] not in {"0", "1"}:
            raise _error(417, "ValidationError", "no_letterhead is neither 0 nor 1")
        invoice = self.find(number=query["name"])
        if invoice is None:
            raise _error(404, "DoesNotExistError", "no such invoice")
        if invoice.is_draft:
            raise _error(403, "PermissionError", "Not allowed to print draft documents")
        return pdf_answer(invoice.pdf)

    @fact("A slash and a space in the number stay inside the parameter.")
    async def keeps_the_number_together(self, world) -> None:
        await world.fetch("INV/2024/0001")
        await world.fetch("x y")
        assert [call.raw_path.count("/") for call in self.calls] == [3, 3]
        assert "name=INV%2F2024%2F0001&" in self.calls[0].raw_query
        assert "name=x%20y&" in self.calls[1].raw_query


def _error(status: int, kind: str, message: str) -> Refused:
    texts = json.dumps([json.dumps({"message": message})])  # so it is: JSON in JSON in JSON
    return Refused(status, message, data={"exc_type": kind, "_server_messages": texts})
