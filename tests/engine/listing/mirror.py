"""A copy of a list in memory, kept in step as the portal does it, for tests of the engine alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from billhook.engine.integration import CompiledIntegration
from billhook.engine.listing.page import ListedPage
from billhook.engine.listing.plan import ListMemory, ListPart, plan_list
from billhook.engine.listing.rows import ListedInvoice
from billhook.engine.listing.rules import newer_wins, remember, remember_slice
from billhook.engine.source import Source
from lab.lists import ListedSystem

NAME = "ListInvoices"


@dataclass(kw_only=True)
class Mirror:
    """The rows, those that are hidden, and what is remembered from sync to sync."""

    name: str = NAME
    rows: dict[str, ListedInvoice] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    memory: ListMemory = field(default_factory=ListMemory)
    pages: list[ListedPage] = field(default_factory=list)
    parts: list[ListPart] = field(default_factory=list)

    async def sync(
        self,
        integration: CompiledIntegration,
        source: Source,
        *,
        now: datetime,
        full: bool = False,
        **more: Any,
    ) -> None:
        """Do what is due at *now*."""
        listing = integration.lists[self.name]
        for part in plan_list(listing, self.memory, now=now, full=full):
            self.parts.append(part)
            present: set[str] = set()
            newest: datetime | None = None
            async for page in source.read_list(self.name, part, **more):
                self.pages.append(page)
                present |= self._store(page)
                times = [each for each in (newest, page.newest_change) if each]
                newest = max(times, default=None)
                if page.slice_is_over and not page.is_last:
                    self.memory = remember_slice(self.memory, part, page.slice)
            if part.can_hide and page.complete:
                self.hidden |= self.rows.keys() - present
            self.memory = remember(
                self.memory,
                listing,
                part,
                newest=newest,
                began=page.began,
                now=now,
                validators=page.validators,
            )

    def _store(self, page: ListedPage) -> set[str]:
        for row in page.rows:
            assert isinstance(row, ListedInvoice)
            stored = self.rows.get(row.id)
            if stored is None or newer_wins(stored.changed, row.changed):
                self.rows[row.id] = row
                self.hidden.discard(row.id)
                if row.is_removed:
                    self.hidden.add(row.id)
        return {row.id for row in page.rows} | {each.id for each in page.skipped}

    @property
    def shown(self) -> dict[str, tuple[str, str, Decimal, Decimal | None, str]]:
        """The rows that are shown, as :func:`state_of` has them."""
        return {
            id_: (row.number, row.customer, row.amount, row.open_amount, row.status)
            for id_, row in self.rows.items()
            if id_ not in self.hidden
        }


def state_of(system: ListedSystem) -> dict[str, tuple[str, str, Decimal, Decimal | None, str]]:
    """Return the invoices of *system* as they should be shown."""

    def status(state: str, total: Decimal, left: Decimal) -> str:
        return "part-paid" if state == "open" and 0 < left < total else state

    return {
        str(bill.id): (
            bill.number,
            bill.customer,
            bill.total,
            bill.open,
            status(bill.state, bill.total, bill.open),
        )
        for bill in system.bills.values()
    }
