"""Chargebee: a POST that only reads, and a link with an expiry."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.standin import FILES, Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import Links, check_basic


class Chargebee(StandIn):
    preset = "chargebee"
    row = "Chargebee"
    secrets: ClassVar = {"ApiKey": "live_4kZKeyOfChargebee"}
    quoting = "one segment of the path, percent-encoded"
    optional: ClassVar = {"Content-Type": "the request has no parameters"}

    def __init__(self) -> None:
        super().__init__()
        self.links = Links()
        self.stumbles = 0

    @route("POST", "/api/v2/invoices/{number}/pdf")
    def pdf(self, call: Call, number: str) -> web.Response:
        check_basic(call, self.secrets["ApiKey"], "")
        call.no_query()
        call.no_body()
        if self.stumbles:
            self.stumbles -= 1
            return json_answer({"api_error_code": "internal_temporary_error"}, status=503)
        invoice = self.find(number=number)
        if invoice is None:
            raise _error(404, "resource_not_found")
        if invoice.is_draft:
            raise _error(400, "invalid_state_for_request")
        link = self.links.make(self.files, invoice.pdf)
        download = {
            "object": "download",
            "download_url": link,
            "valid_till": 1893456000,
            "mime_type": "application/pdf",
        }
        return json_answer({"download": download})

    @route("GET", "/file/{name}", site=FILES)
    def download(self, call: Call, name: str) -> web.Response:
        return pdf_answer(self.links.take(call), content_type="binary/octet-stream")

    @fact("The POST only reads, so it is sent again after a 503.")
    async def is_repeated_after_a_stumble(self, world: Any) -> None:
        self.stumbles = 1
        await world.fetch_right("INV0000001")
        assert [call.method for call in self.calls] == ["POST", "POST", "GET"]

    @fact("The key isn't sent to the store that the link leads to.")
    async def keeps_the_key_to_itself(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        assert "Authorization" in self.calls[0].headers
        assert "Authorization" not in self.calls[1].headers


def _error(status: int, code: str) -> Refused:
    return Refused(status, code, data={"api_error_code": code, "http_status_code": status})
