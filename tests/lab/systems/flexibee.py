"""ABRA Flexi: .pdf behind the number, a redirect to its own id, and 500 for a wrong report name."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, moved, pdf_answer, route
from lab.strict import check_basic

_LANGUAGES: Final = {"cs", "sk", "en", "de"}


class Flexi(StandIn):
    preset = "flexibee"
    row = "ABRA FlexiBee"
    secrets: ClassVar = {"Password": "p4ss-Wörd:7"}
    quoting = "in the path behind code: and before .pdf, percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.reports = {"faktura", "dodaciList"}

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": self.api, "Company": "acme_s_r_o_", "ReportName": "faktura"}

    @route("GET", "/c/{company}/faktura-vydana/{record}.pdf")
    def print_report(self, call: Call, company: str, record: str) -> web.Response:
        check_basic(call, "billhook", self.secrets["Password"])
        query = call.query("report-name", optional=("report-lang", "report-sign"))
        if company != "acme_s_r_o_":
            raise Refused(404, "another company")
        if record.startswith("code:"):
            invoice = self.get(number=record.removeprefix("code:"))
            path = call.raw_path.rpartition("/")[0]
            return moved(f"{path}/{invoice.serial}.pdf?{call.raw_query}", status=303)
        if query["report-name"] not in self.reports:
            raise Refused(500, "there is no such report")
        if query.get("report-lang", "cs") not in _LANGUAGES:
            raise Refused(400, "there is no such language")
        invoice = self.get(serial=int(record))
        if invoice.is_draft:
            raise Refused(404, "it can't be printed yet")
        return pdf_answer(invoice.pdf)

    @fact("The redirect from the number to Flexi's own id is followed with the password.")
    async def follows_to_the_id(self, world: Any) -> None:
        await world.fetch_right("INV/2024/0001")
        assert [call.raw_path.rpartition("/")[2] for call in self.calls] == [
            "code:INV%2F2024%2F0001.pdf",
            "48218.pdf",
        ]
        assert all("Authorization" in call.headers for call in self.calls)

    @fact("A report name that doesn't exist is a failure with its status, not an empty document.")
    async def tells_a_wrong_report_name(self, world: Any) -> None:
        self.reports = {"dodaciList"}
        assert await world.outcome(NUMBERS[0]) == "source-status"
