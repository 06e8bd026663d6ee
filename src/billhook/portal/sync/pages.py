"""One page of a list: what its rows change, written in short transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, TypeVar

from django.db import transaction

from billhook.engine.listing.page import ListedPage
from billhook.engine.listing.rows import (
    ListedContact,
    ListedCustomer,
    ListedInvoice,
    ListedRemoval,
    ListedRow,
)
from billhook.portal.accounts.services import end_sessions_without_access
from billhook.portal.customers.models import Contact
from billhook.portal.invoices.models import Hidden, InvoiceType
from billhook.portal.invoices.services import hide_invoices
from billhook.portal.mail.services import withdraw_mail
from billhook.portal.sync.effects import SyncEffect, Tally
from billhook.portal.sync.models import SeenRow, SyncRun, SyncSource, WaitingRow, WaitsFor
from billhook.portal.sync.rows.contacts import (
    PlannedContacts,
    contact_key,
    contacts_of_customers,
    contacts_of_invoices,
    plan_contacts,
    write_contacts,
)
from billhook.portal.sync.rows.customers import plan_customers, write_customers
from billhook.portal.sync.rows.invoices import (
    invoice_key,
    plan_invoices,
    removed_invoices,
    save_waiting,
    write_invoices,
)
from billhook.portal.sync.scope import CONTACTS, INVOICES, SyncScope

BATCH: Final = 100
"""Rows that are written in one transaction at most."""
Saving = Callable[[], AbstractContextManager[None]]
_Row = TypeVar("_Row")
NOTHING_ALLOWED: Final[frozenset[WaitsFor]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWriter:
    """Writes rows of one run. ``saving`` is a transaction of a turn.

    With ``counts_absent`` each row is noted as seen, so that the absent ones are known at the end.
    """

    source: SyncSource
    run: SyncRun
    scope: SyncScope
    saving: Saving
    counts_absent: bool = False
    fitting: Callable[[int], int] = int
    """Gives the size of the next batch, of at most so many rows."""
    rest: Callable[[], None] = lambda: None
    """Rests after a batch, so that others can write."""

    def write(self, command: str, rows: Sequence[ListedRow], tally: Tally) -> None:
        """Write *rows*, which are of one kind."""
        written = 0
        while batch := rows[written : written + self.fitting(BATCH)]:
            self._write_batch(command, batch, tally)
            written += len(batch)
            self.rest()

    def note_seen(self, command: str, keys: Sequence[str]) -> None:
        """Note that the list has rows with these keys."""
        if self.counts_absent and keys:
            seen = [SeenRow(run=self.run, command=command, key=key) for key in dict.fromkeys(keys)]
            SeenRow.objects.bulk_create(seen, ignore_conflicts=True)

    def note_skipped(self, command: str, page: ListedPage) -> None:
        """Note that the list has rows that are left out: they aren't absent."""
        listed = contacts_list(command) if command == CONTACTS else command
        ids = [problem.id for problem in page.skipped if problem.id]
        for batch in batches([key for id_ in ids for key in _possible_keys(command, id_)]):
            with self.saving():
                self.note_seen(listed, batch)

    def _write_batch(self, command: str, rows: Sequence[ListedRow], tally: Tally) -> None:
        match rows[0]:
            case ListedInvoice():
                invoices = [row for row in rows if isinstance(row, ListedInvoice)]
                self.write_invoices(command, invoices, tally)
            case ListedCustomer():
                customers = [row for row in rows if isinstance(row, ListedCustomer)]
                self._write_customers(command, customers, tally)
            case ListedContact():
                contacts = [row for row in rows if isinstance(row, ListedContact)]
                self.write_contacts(command, contacts, tally)
            case ListedRemoval():
                self._write_removed([row.id for row in rows], tally)

    def write_invoices(
        self,
        command: str,
        rows: Sequence[ListedInvoice],
        tally: Tally,
        *,
        allowed: frozenset[WaitsFor] = NOTHING_ALLOWED,
    ) -> None:
        """Write invoices, and the contacts that only they name."""
        planned = plan_invoices(self.scope, rows, command=command, allowed=allowed)
        with self.saving():
            write_invoices(
                self.source, planned, run=self.run, scope=self.scope, asks_again=self.counts_absent
            )
            self.note_seen(command, [invoice_key(row) for row in rows])
        tally.add(planned.tally)
        if self.scope.creates_contacts and "contact_email" in self.scope.mapped(command):
            self.write_contacts(command, contacts_of_invoices(rows), tally)

    def write_contacts(
        self, command: str, rows: Sequence[ListedContact], tally: Tally, *, asks: bool = True
    ) -> None:
        """Write contacts, and end the sessions of those who may see nothing any more."""
        if not rows:
            return
        planned = plan_contacts(self.scope, rows, command=command, asks=asks)
        with self.saving():
            write_contacts(planned, scope=self.scope)
            self._keep_waiting(planned)
            self.note_seen(contacts_list(command), planned.seen)
        end_access(planned.removed, self.scope)
        tally.add(planned.tally, within="contacts")

    def _keep_waiting(self, planned: PlannedContacts) -> None:
        if planned.settled:
            WaitingRow.objects.filter(source=self.source, key__in=planned.settled).delete()
        save_waiting(self.source, planned.waiting, run=self.run, asks_again=self.counts_absent)

    def _write_customers(self, command: str, rows: Sequence[ListedCustomer], tally: Tally) -> None:
        planned = plan_customers(self.scope, rows)
        with self.saving():
            write_customers(planned)
        tally.add(planned.tally)
        contacts = contacts_of_customers(rows, mapped=self.scope.mapped(command))
        self.write_contacts(command, contacts, tally)

    def _write_removed(self, ids: Sequence[str], tally: Tally) -> None:
        hidden = removed_invoices(self.scope, ids)
        with self.saving():
            hide_invoices(ids=hidden, because=Hidden.REMOVED, now=self.scope.now)
            keys = [key for id_ in ids for key in _possible_keys(INVOICES, id_)]
            WaitingRow.objects.filter(source=self.source, command=INVOICES, key__in=keys).delete()
        tally.effects[SyncEffect.HIDDEN] += len(hidden)


def contacts_list(command: str) -> str:
    """Return the name under which the contacts within the rows of *command* are seen."""
    return f"{command} contacts"


def _possible_keys(command: str, id_: str) -> list[str]:
    """Return the keys that a row with this id may have."""
    if command == CONTACTS:
        return [contact_key(command, id_)]
    return [f"{kind.value}:{id_[:200]}" for kind in InvoiceType]


def batches(rows: Sequence[_Row], size: int = BATCH) -> Iterator[Sequence[_Row]]:
    """Yield *rows* in chunks that one short transaction can write."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def end_access(contacts: Sequence[Contact], scope: SyncScope) -> None:
    """End the sessions of people who are nobody's contact any more, and unsend their mail."""
    if not contacts:
        return
    with transaction.atomic():
        for contact in contacts:
            withdraw_mail(user=contact.user, organisation=scope.organisation)
    end_sessions_without_access({contact.user_id for contact in contacts})
