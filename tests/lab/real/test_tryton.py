"""The preset of Tryton against Tryton itself: its session, its search, its stored reports."""

from __future__ import annotations

from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest

from billhook.engine.integration_file.presets import preset_text
from lab.invoices import DRAFT, NUMBERS, UNKNOWN, make_invoices
from lab.real.harness import open_integration
from lab.real.processes import running

PASSWORD = 'p4ss"word<&>7'
PDFS = {invoice.number: invoice.pdf for invoice in make_invoices()}


@pytest.fixture(scope="module")
def tryton(tmp_path_factory):
    """Serve a Tryton that has all invoices, and give its origin."""
    files = tmp_path_factory.mktemp("reports")
    for number, pdf in PDFS.items():
        (files / quote(number, safe="")).write_bytes(pdf)
    with running("tryton_server", tmp_path_factory.mktemp("tryton"), files) as facts:
        yield facts["origin"]


@asynccontextmanager
async def opened(origin, *, user="billhook", password=PASSWORD):
    variables = {"BaseUrl": origin, "Database": "lab", "User": user}
    text, secrets = preset_text("tryton"), {"Password": password}
    async with open_integration(text, origin, variables=variables, secrets=secrets) as it:
        yield it


async def test_tryton_returns_the_report_of_every_number_in_one_session(tryton):
    async with opened(tryton) as it:
        assert [await it.outcome(number) for number in NUMBERS] == [PDFS[n] for n in NUMBERS]


async def test_an_unknown_number_and_a_draft_are_not_found(tryton):
    async with opened(tryton) as it:
        assert [await it.outcome(UNKNOWN), await it.outcome(DRAFT)] == ["document-not-found"] * 2


async def test_a_wrong_password_is_reported_as_failed_authentication(tryton):
    async with opened(tryton, password="another") as it:
        assert await it.outcome(NUMBERS[0]) == "sign-in-failed"


async def test_a_user_without_the_right_reads_why_in_trytons_words(tryton):
    async with opened(tryton, user="stranger") as it:
        assert await it.outcome(NUMBERS[0]) == "source-said-no"
        assert await it.reason(NUMBERS[0]) == 'You are not allowed to access "Invoice".'
