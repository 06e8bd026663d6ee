"""Paperless-ngx: a search by title, which may find more than one, then the download."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import check_bearer

_NO_VERSION = {"detail": 'Invalid version in "Accept" header.'}


class Paperless(StandIn):
    preset = "paperless-ngx"
    row = "Paperless-ngx"
    secrets: ClassVar = {"Token": "5d4c3b2a190817263544536271809f8e7d6c5b4a"}
    optional: ClassVar = {
        "Accept": "without it the API's newest version answers, in the same form here"
    }
    quoting = "in the query, percent-encoded; compared again in the response"

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[dict[str, Any]] = []

    @route("GET", "/api/documents/")
    def search(self, call: Call) -> web.Response:
        check_bearer(call, self.secrets["Token"], word="Token")
        accept = call.headers.get("Accept", "*/*")
        if not re.fullmatch(r"\*/\*|application/json(; version=(9|10))?", accept):
            raise Refused(406, 'Invalid version in "Accept" header.', data=_NO_VERSION)
        query = call.query("title__iexact", optional=("page_size",))
        title = query["title__iexact"].casefold()
        found = [each for each in self._documents() if each["title"].casefold() == title]
        results = found[: int(query.get("page_size", "25"))]
        return json_answer(
            {
                "count": len(found),
                "next": None,
                "previous": None,
                "all": [each["id"] for each in found],
                "results": results,
            }
        )

    @route("GET", "/api/documents/{identity}/download/")
    def download(self, call: Call, identity: str) -> web.Response:
        check_bearer(call, self.secrets["Token"], word="Token")
        call.query(optional=("original",))
        invoice = self.get(serial=int(identity))
        if invoice.is_draft:
            raise Refused(404, "the file is missing")
        name = f'attachment; filename="{invoice.serial}.pdf"'
        return pdf_answer(invoice.pdf, headers={"Content-Disposition": name})

    def _documents(self) -> list[dict[str, Any]]:
        documents = [
            {"id": each.serial, "title": each.number, "content": f"Invoice {each.number} Miller"}
            for each in self.invoices
        ]
        return documents + self.letters

    @fact("Two documents with the same title are an error, and neither is taken.")
    async def refuses_two(self, world: Any) -> None:
        self.letters.append({"id": 7, "title": NUMBERS[0], "content": "a copy"})
        assert await world.outcome(NUMBERS[0]) == "ambiguous"
        assert len(self.calls) == 1

    @fact("A title that differs in upper and lower case only isn't taken for the invoice.")
    async def compares_the_case(self, world: Any) -> None:
        self.letters.append({"id": 7, "title": NUMBERS[0].lower(), "content": "a letter"})
        await world.fetch_right(NUMBERS[0])
        self.invoices = tuple(
            each if each.number != NUMBERS[0] else replace(each, number="gone")
            for each in self.invoices
        )
        assert await world.outcome(NUMBERS[0]) == "document-not-found"
