"""Wello: an OData lookup, then ids by POST; a PDF for one, a zip for several."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any, ClassVar, Final

from aiohttp import web

from lab.invoices import NUMBERS, Invoice
from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import check_basic

_FILTER: Final = re.compile(r"invoice_number eq '((?:[^']|'')*)'")


class Wello(StandIn):
    preset = "wello"
    row = "Wello"
    secrets: ClassVar = {"Password": "p4ss-Wörd:7"}
    optional: ClassVar = {"Accept": "without it Wello answers JSON as well"}
    quoting = "as an OData literal in the query: ' is doubled, then percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.always_zips = False
        self.adds_another = False

    @route("GET", "/api/InvoiceView")
    def search(self, call: Call) -> web.Response:
        self._check(call)
        query = call.query("$filter", optional=("$top",))
        literal = _FILTER.fullmatch(query["$filter"])
        if literal is None:
            raise Refused(400, "the filter can't be read")
        number = literal[1].replace("''", "'")
        found = [each for each in self.invoices if each.number == number and not each.is_draft]
        rows = [{"id": each.uuid, "invoice_number": each.number} for each in found]
        return json_answer({"@odata.context": f"{self.api}/api/$metadata", "value": rows})

    @route("POST", "/api/Invoices/Download")
    def download(self, call: Call) -> web.Response:
        self._check(call)
        call.no_query()
        ids = call.json()
        if not isinstance(ids, list) or not ids:
            raise Refused(400, "it isn't a list of ids")
        found = [self.get(uuid=each) for each in ids]
        if len(found) == 1 and not self.always_zips:
            return pdf_answer(found[0].pdf)
        if self.adds_another:
            found.append(self.invoices[-2])
        return pdf_answer(_zip(found), content_type="application/zip")

    def _check(self, call: Call) -> None:
        check_basic(call, "billhook", f"{self.secrets['Password']}@ACME")

    @fact("A ZIP with one PDF works like the PDF itself.")
    async def takes_both(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.always_zips = True
        await world.fetch_all()

    @fact("A ZIP with two PDFs is an error, not a guess.")
    async def takes_none_of_two(self, world: Any) -> None:
        self.always_zips = self.adds_another = True
        assert await world.outcome(NUMBERS[0]) == "ambiguous"


def _zip(invoices: list[Invoice]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", "Your invoices")
        for invoice in invoices:
            archive.writestr(f"invoices/../{invoice.key}.PDF", invoice.pdf)
    return file.getvalue()
