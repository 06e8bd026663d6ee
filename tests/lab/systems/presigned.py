"""An operator's own program, which sends us on to a pre-signed link that is good for one read."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import FILES, Call, Refused, StandIn, fact, moved, pdf_answer, route
from lab.strict import Links, check_bearer


class Presigned(StandIn):
    preset = "presigned"
    row = "S3 object / presigned"
    secrets: ClassVar = {"ApiKey": "fk-3b1c5d7e9f"}
    quoting = "in the path, percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.links = Links()

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": f"{self.api}/invoices"}

    @route("GET", "/invoices/{number}")
    def redirect(self, call: Call, number: str) -> web.Response:
        check_bearer(call, self.secrets["ApiKey"])
        call.no_query()
        invoice = self.get(number=number)
        if invoice.is_draft:
            raise Refused(404, "a draft has no document")
        return moved(self.links.make(self.files, invoice.pdf), status=307)

    @route("GET", "/{key:*}", site=FILES)
    def get_object(self, call: Call, key: str) -> web.Response:
        return pdf_answer(self.links.take(call))

    @fact("Only the program gets the key; the link doesn't.")
    async def drops_the_key(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        assert [call.site for call in self.calls] == ["api", FILES]
        assert "Authorization" in self.calls[0].headers
        assert "Authorization" not in self.calls[1].headers

    @fact("Each click takes a fresh link; none is read twice.")
    async def takes_fresh_links(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        await world.fetch_right(NUMBERS[0])
        assert len({call.target for call in self.calls if call.site == FILES}) == 2
        assert self.refusals == []
