"""Stigg: the PDF is made when asked for: generate, poll, get; the customer's id goes along."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.invoices import NUMBERS, Invoice
from lab.standin import Call, Refused, StandIn, fact, json_answer, pdf_answer, route

_CUSTOMER = "cus/7 & Söhne"
_PATH = "/api/v1/customers/{customer}/invoices/{number}/pdf"


class Stigg(StandIn):
    preset = "stigg"
    row = "Stigg"
    secrets: ClassVar = {"ApiKey": "key$7f3a9c1e5b2d"}
    quoting = "one segment of the path, percent-encoded; the customer's id another"

    def __init__(self) -> None:
        super().__init__()
        self.polls_needed = 0
        self.polls: dict[str, int] = {}
        self.fails_to_make = False

    def tokens(self, number: str) -> dict[str, str]:
        return {"InvoiceNumber": number, "CustomerNumber": _CUSTOMER}

    @route("POST", f"{_PATH}/generate")
    def generate(self, call: Call, customer: str, number: str) -> web.Response:
        call.no_body()
        invoice = self._invoice(call, customer, number)
        if invoice.is_draft:
            raise _error(409, "a draft has no PDF")
        self.polls.setdefault(number, 0)
        return _status("PENDING" if self.polls_needed else "READY")

    @route("GET", f"{_PATH}/status")
    def status(self, call: Call, customer: str, number: str) -> web.Response:
        self._invoice(call, customer, number)
        if number not in self.polls:
            raise _error(404, "its PDF wasn't generated")
        self.polls[number] += 1
        if self.fails_to_make:
            return _status("FAILED")
        return _status("READY" if self._is_ready(number) else "PENDING")

    @route("GET", _PATH)
    def pdf(self, call: Call, customer: str, number: str) -> web.Response:
        invoice = self._invoice(call, customer, number)
        if not self._is_ready(number):
            raise _error(409, "the PDF isn't ready")
        return pdf_answer(invoice.pdf)

    def _is_ready(self, number: str) -> bool:
        return self.polls.get(number, 0) > self.polls_needed

    def _invoice(self, call: Call, customer: str, number: str) -> Invoice:
        call.needs("X-API-KEY", self.secrets["ApiKey"], status=401)
        call.no_query()
        if customer != _CUSTOMER:
            raise _error(404, "another customer")
        return self.get(number=number)

    @fact("It is generated, polled until it is ready, and then fetched.")
    async def waits_until_it_is_ready(self, world: Any) -> None:
        self.polls_needed = 2
        await world.fetch_right("INV/2024/0001")
        ends = [call.raw_path.rpartition("/")[2] for call in self.calls]
        assert ends == ["generate", "status", "status", "status", "pdf"]
        assert self.refusals == []

    @fact("A PDF that Stigg fails to make ends the waiting, as a failure.")
    async def ends_when_it_fails(self, world: Any) -> None:
        self.polls_needed, self.fails_to_make = 2, True
        assert await world.outcome(NUMBERS[0]) == "source-said-no"
        assert len(self.calls) == 2

    @fact("The invoice of another customer isn't found.")
    async def needs_the_customer(self, world: Any) -> None:
        outcome = await world.outcome(NUMBERS[0], CustomerNumber="cus")
        assert outcome == "document-not-found"


def _status(word: str) -> web.Response:
    return json_answer({"data": {"status": word}})


def _error(status: int, why: str) -> Refused:
    return Refused(status, why, data={"message": why, "code": "error"})
