"""Dolibarr: base 64 in JSON, the number twice in one parameter, a PDF that is built if missing."""

from __future__ import annotations

import base64
import re
from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import UNKNOWN, Invoice
from lab.standin import Call, Refused, StandIn, fact, json_answer, route


class Dolibarr(StandIn):
    preset = "dolibarr"
    row = "Dolibarr"
    secrets: ClassVar = {"ApiKey": "p3RmKeyOfDolibarr000000000000000"}
    quoting = "twice in one parameter, percent-encoded; in a JSON string"

    def __init__(self) -> None:
        super().__init__()
        self.built = {each.number for each in self.invoices[::2]}

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": f"{self.api}/dolibarr", "Template": "sponge", "Language": "de_DE"}

    @route("GET", "/dolibarr/api/index.php/documents/download")
    def download(self, call: Call) -> web.Response:
        self._check_key(call)
        query = call.query("modulepart", "original_file")
        invoice = self._invoice_of(query["modulepart"], query["original_file"])
        if invoice is None or invoice.number not in self.built:
            return _error(404, "File not found").answer()  # which is no refusal: build it
        return _file(invoice)

    @route("PUT", "/dolibarr/api/index.php/documents/builddoc")
    def build(self, call: Call) -> web.Response:
        self._check_key(call)
        wanted = call.json()
        if set(wanted) != {"modulepart", "original_file", "doctemplate", "langcode"}:
            raise _error(400, "Bad Request: other properties")
        invoice = self._invoice_of(wanted["modulepart"], wanted["original_file"])
        if invoice is None:
            raise _error(404, "Invoice not found")
        if wanted["doctemplate"] not in {"crabe", "sponge"}:
            raise _error(500, "Error generating document")
        self.built.add(invoice.number)
        return _file(invoice)

    def _check_key(self, call: Call) -> None:
        if call.header("DOLAPIKEY", status=401) != self.secrets["ApiKey"]:
            raise _error(401, "Unauthorized: Access denied")

    def _invoice_of(self, module: str, file: str) -> Invoice | None:
        if module != "facture" or ".." in file or re.search(r"[<>|]", file):
            raise _error(403, "Forbidden")
        named = [each for each in self.invoices if file == f"{each.number}/{each.number}.pdf"]
        return named[0] if named and not named[0].is_draft else None  # drafts are called (PROV…)

    @fact("A PDF that was never built is built, then taken; one that is there is only taken.")
    async def builds_what_is_missing(self, world: Any) -> None:
        self.built = {"INV0000001"}
        await world.fetch_right("INV0000001")
        assert [call.method for call in self.calls] == ["GET"]
        await world.fetch_right("00123")
        assert [call.method for call in self.calls[1:]] == ["GET", "PUT", "GET"]

    @fact("A document that can't be built counts as not found.")
    async def cannot_build_what_is_unknown(self, world: Any) -> None:
        assert await world.outcome(UNKNOWN) == "document-not-found"
        assert [call.method for call in self.calls] == ["GET", "PUT"]


def _file(invoice: Invoice) -> web.Response:
    return json_answer(
        {
            "filename": f"{invoice.number}.pdf",
            "content-type": "application/pdf",
            "filesize": len(invoice.pdf),
            "content": base64.b64encode(invoice.pdf).decode(),
            "encoding": "base64",
        }
    )


def _error(status: int, message: str) -> Refused:
    return Refused(status, message, data={"error": {"code": status, "message": message}})
