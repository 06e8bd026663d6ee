"""One listed system, served on loopback for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lab.lists import ListedSystem, serve_lists


@pytest.fixture
async def system() -> AsyncIterator[ListedSystem]:
    """A system with twenty invoices, running; ``origin`` says where."""
    listed = ListedSystem()
    listed.add_many(20)
    async with serve_lists(listed):
        yield listed
