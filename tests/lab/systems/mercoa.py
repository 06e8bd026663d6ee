"""Mercoa, Deel and Salesbricks: a link with an expiry in JSON, for one read here."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS, Invoice
from lab.standin import FILES, Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import Links, check_bearer


class _Linking(StandIn):
    """The common part of the three: the link works once, and takes no credentials."""

    row = "Mercoa / Deel / Salesbricks"

    def __init__(self) -> None:
        super().__init__()
        self.links = Links()

    def link_to(self, invoice: Invoice | None) -> str:
        if invoice is None or invoice.is_draft:
            raise Refused(404, "there is no such document")
        return self.links.make(self.files, invoice.pdf)

    @route("GET", "/{key:*}", site=FILES)
    def download(self, call: Call, key: str) -> web.Response:
        return pdf_answer(self.links.take(call), content_type="binary/octet-stream")

    @fact("The link is followed at once and without the key; each click takes a fresh one.")
    async def never_keeps_a_link(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        await world.fetch_right(NUMBERS[0])
        assert [call.site for call in self.calls] == ["api", FILES, "api", FILES]
        assert len({call.target for call in self.calls if call.site == FILES}) == 2
        assert "Authorization" not in self.calls[1].headers
        assert self.refusals == []


class _ById(_Linking):
    """The invoice's id comes from the import."""

    def tokens(self, number: str) -> dict[str, str]:
        invoice = self.find(number=number)
        return {"InvoiceNumber": number, "InvoiceId": invoice.uuid if invoice else "none"}


class Mercoa(_Linking):
    preset = "mercoa"
    secrets: ClassVar = {"ApiKey": "mk_7f3a9c1e5b2d"}
    quoting = "one segment of the path, percent-encoded"

    @route("GET", "/invoice/{foreign_id}/pdf/generate")
    def generate(self, call: Call, foreign_id: str) -> web.Response:
        check_bearer(call, self.secrets["ApiKey"])
        call.no_query()
        link = self.link_to(self.find(number=foreign_id))
        return json_answer({"mimeType": "application/pdf", "type": "INVOICE", "uri": link})


class Deel(_ById):
    preset = "deel"
    secrets: ClassVar = {"ApiToken": "eyJhbGciOiJIUzI1NiJ9.deel"}
    quoting = "by Deel's own id: one segment of the path"

    @route("GET", "/rest/invoices/{identity}/download")
    def link(self, call: Call, identity: str) -> web.Response:
        check_bearer(call, self.secrets["ApiToken"])
        call.no_query()
        link = self.link_to(self.find(uuid=identity))
        return json_answer({"data": {"url": link, "expires_at": "2030-01-01T00:00:00Z"}})


class Salesbricks(_ById):
    preset = "salesbricks"
    secrets: ClassVar = {"ApiKey": "sb_7f3a9c1e5b2d"}
    quoting = "by Salesbricks' own id: one segment of the path"

    @route("GET", "/api/v2/invoices/{identity}/pdf")
    def link(self, call: Call, identity: str) -> web.Response:
        call.needs("X-SALESBRICKS-KEY", self.secrets["ApiKey"], status=401)
        call.query(optional=("download",))
        invoice = self.find(uuid=identity)
        return json_answer({"invoice_id": identity, "url": self.link_to(invoice)})
