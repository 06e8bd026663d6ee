"""The sample billing system, in this process and as one of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest
from aiohttp.test_utils import TestClient, TestServer

from billhook.sample.books import Books
from billhook.sample.ledger import SampleInvoice, make_ledger
from billhook.sample.server import System, make_app

TODAY = date(2026, 7, 20)
KEY = "the-sample-key"


@pytest.fixture(scope="session")
def ledger() -> tuple[SampleInvoice, ...]:
    return make_ledger(TODAY)


@pytest.fixture
async def sample(ledger) -> AsyncIterator[TestClient]:
    """A client of a sample system whose slow invoice isn't slow; it sends the key."""
    system = System(books=Books(ledger), key=KEY, slow_seconds=0)
    async with TestClient(TestServer(make_app(system)), headers={"X-Api-Key": KEY}) as client:
        yield client
