"""Dolibarr: a list of files under names of its own, base 64 in JSON, a PDF built if missing."""

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
    quoting = "in the query, percent-encoded; in a JSON string"

    def __init__(self) -> None:
        super().__init__()
        self.built = {each.number for each in self.invoices if "/" in each.number}
        self.built |= {each.number for each in self.invoices[::2]}
        self.attached: set[str] = set()
        self.may_read = True

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": f"{self.api}/dolibarr"}

    @route("GET", "/dolibarr/api/index.php/documents")
    def list_files(self, call: Call) -> web.Response:
        self._check_key(call)
        query = call.query("modulepart", "ref")
        invoice = self.find(number=query["ref"])
        if query["modulepart"] not in {"facture", "invoice"} or invoice is None:
            return _error(404, "Not Found: Invoice not found").answer()
        if invoice.is_draft or invoice.number not in self.built:  # drafts are called (PROV…)
            return _error(404, "Not Found: no document").answer()  # which is no refusal: build it
        folder = _folder(invoice)
        names = [f"{folder}.pdf", *(["terms.pdf"] if invoice.number in self.attached else [])]
        return json_answer(
            [{"name": name, "level1name": folder, "relativename": name} for name in names]
        )

    @route("GET", "/dolibarr/api/index.php/documents/download")
    def download(self, call: Call) -> web.Response:
        self._check_key(call)
        query = call.query("modulepart", "original_file")
        file = query["original_file"]
        if query["modulepart"] != "facture" or ".." in file or re.search(r"[<>|]", file):
            raise _error(403, "Forbidden")
        built = (each for each in self.invoices if each.number in self.built)
        named = [each for each in built if file == f"{_folder(each)}/{_folder(each)}.pdf"]
        if not named:
            raise _error(404, "Not Found: File not found")
        return _file(named[0])

    @route("PUT", "/dolibarr/api/index.php/documents/builddoc")
    def build(self, call: Call) -> web.Response:
        self._check_key(call)
        wanted = call.json()
        if set(wanted) != {"modulepart", "original_file", "doctemplate", "langcode"}:
            raise _error(400, "Bad Request: other properties")
        file = wanted["original_file"]
        reference = file.rpartition("/")[2].removesuffix(".pdf")  # PHP's basename
        invoice = self.find(number=reference)
        if invoice is None or invoice.is_draft:
            return _error(404, "Not Found: Invoice not found").answer()
        if wanted["doctemplate"] or wanted["langcode"]:
            raise _error(500, "Error generating document")  # as where there is no such template
        self.built.add(invoice.number)
        if file != f"{_folder(invoice)}/{_folder(invoice)}.pdf":
            return _error(404, "Not Found: File not found").answer()
        return _file(invoice)

    def _check_key(self, call: Call) -> None:
        if call.header("DOLAPIKEY", status=401) != self.secrets["ApiKey"]:
            raise _error(401, "Unauthorized: Access denied")
        if not self.may_read:
            raise _error(403, "Forbidden: Module Api must be enabled")

    @fact("A PDF that was never built is built, then taken; one that is there is only taken.")
    async def builds_what_is_missing(self, world: Any) -> None:
        self.built = {"INV0000001"}
        await world.fetch_right("INV0000001")
        assert [call.method for call in self.calls] == ["GET", "GET"]
        await world.fetch_right("00123")
        assert [call.method for call in self.calls[2:]] == ["GET", "PUT", "GET", "GET"]

    @fact("A reference whose file has another name, such as one with a quotation mark, is built.")
    async def builds_under_another_name(self, world: Any) -> None:
        self.built = set()
        await world.fetch_right('O\'Brien "7"')
        await world.fetch_right("Ñ-100%")

    @fact("A reference with / is found where its PDF was built before; the API can't build it.")
    async def finds_a_reference_with_a_slash(self, world: Any) -> None:
        await world.fetch_right("INV/2024/0001")
        self.built = set()
        assert await world.outcome("INV/2024/0001") == "document-not-found"

    @fact("Other files that are attached to the invoice are left out.")
    async def leaves_out_attachments(self, world: Any) -> None:
        self.attached = {"INV0000001"}
        await world.fetch_right("INV0000001")

    @fact("A document that can't be built counts as not found.")
    async def cannot_build_what_is_unknown(self, world: Any) -> None:
        assert await world.outcome(UNKNOWN) == "document-not-found"
        assert [call.method for call in self.calls] == ["GET", "PUT", "GET"]

    @fact("A missing right is reported in Dolibarr's own words.")
    async def says_what_is_missing(self, world: Any) -> None:
        self.may_read = False
        assert await world.reason("INV0000001") == "Forbidden: Module Api must be enabled"


def _folder(invoice: Invoice) -> str:
    """Return the name of the invoice's folder and file, in which Dolibarr changes characters."""
    plain = invoice.number.replace("Ñ", "N")
    return re.sub(r'[<>/\\?*|":°$;`]', "_", plain)


def _file(invoice: Invoice) -> web.Response:
    return json_answer(
        {
            "filename": f"{_folder(invoice)}.pdf",
            "content-type": "application/pdf",
            "filesize": len(invoice.pdf),
            "content": base64.b64encode(invoice.pdf).decode(),
            "encoding": "base64",
        }
    )


def _error(status: int, message: str) -> Refused:
    return Refused(status, message, data={"error": {"code": status, "message": message}})
