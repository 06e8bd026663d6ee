"""The end of a run: what only the whole list shows, and what the safeguard asks about.

Rows that would change their customer or amount have waited for this. Rows that a whole list no
longer has are hidden now, if they aren't suspiciously many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from billhook.portal.customers.models import Contact, Customer
from billhook.portal.customers.services import remove_contacts
from billhook.portal.invoices.models import Hidden, Invoice
from billhook.portal.invoices.services import hide_invoices, remove_invoices
from billhook.portal.sync.effects import SyncEffect, Tally
from billhook.portal.sync.models import Question, SeenRow, SyncRun, WaitingRow, WaitsFor
from billhook.portal.sync.pages import BATCH, PageWriter, contacts_list, end_access
from billhook.portal.sync.rows.row_json import contact_row, invoice_row
from billhook.portal.sync.scope import CONTACTS, CREDIT_NOTES, CUSTOMERS, INVOICES, SyncScope

HIDDEN_KEPT: Final = timedelta(days=90)
"""Time for which a hidden invoice is kept, in case it is listed again."""
RUNS_KEPT: Final = 50
_SEEN_AT_ONCE: Final = 500
_INVOICES: Final = (INVOICES, CREDIT_NOTES)
_WATCHED: Final = (WaitsFor.MOVE, WaitsFor.AMOUNT, WaitsFor.CONTACT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """Settles one run. Each step does a little and returns whether there is more of it."""

    writer: PageWriter
    tally: Tally

    @property
    def run(self) -> SyncRun:
        """The run that is settled."""
        return self.writer.run

    def assign(self) -> bool:
        """Write invoices whose customer has become known."""
        ours = Customer.objects.filter(
            organisation=self.writer.scope.organisation,
            integration_id=self.writer.scope.integration_id,
            source_id=OuterRef("customer"),
        )
        rows = self._waiting(WaitsFor.CUSTOMER).filter(Exists(ours))
        return self._write(rows, frozenset())

    def apply(self, kind: WaitsFor) -> bool:
        """Write rows that have waited for this end, or for a member."""
        rows = self._waiting(kind).filter(is_discarded=False)
        if kind is WaitsFor.MOVE:
            return self._write(rows, frozenset({WaitsFor.MOVE, WaitsFor.AMOUNT}))
        return self._write(rows, frozenset({kind}))

    def hide(self, list_: str) -> bool:
        """Hide what the whole *list_* no longer has."""
        command = command_of(list_)
        if list_ == command:
            return self._hide_invoices(command)
        return self._remove_contacts(command)

    def drop_absent_waiting(self, command: str) -> bool:
        """Forget rows that waited and are no longer listed."""
        seen = SeenRow.objects.filter(run=self.run, command=command, key=OuterRef("key"))
        waiting = self.writer.source.waiting.filter(command=command)
        gone = waiting.filter(created_at__lt=self.run.started_at)
        ids = list(gone.filter(~Exists(seen)).values_list("id", flat=True)[:BATCH])
        with self.writer.saving():
            WaitingRow.objects.filter(id__in=ids).delete()
        return bool(ids)

    def forget_seen(self) -> bool:
        """Forget a chunk of the seen rows: of this run, or of one before."""
        runs = SyncRun.objects.filter(source=self.writer.source).exclude(question=Question.OPEN)
        rows = SeenRow.objects.filter(run__in=runs).values_list("id", flat=True)
        ids = list(rows[:_SEEN_AT_ONCE])
        with self.writer.saving():
            SeenRow.objects.filter(id__in=ids).delete()
        return bool(ids)

    def forget_old(self) -> bool:
        """Delete invoices that were hidden long ago, and runs of long ago."""
        oldest = self.writer.scope.now - HIDDEN_KEPT
        hidden = _ours(self.writer).filter(hidden_at__lt=oldest)
        ids = list(hidden.values_list("id", flat=True)[:BATCH])
        newest = self.writer.source.runs.values_list("id", flat=True)[:RUNS_KEPT]
        old = self.writer.source.runs.exclude(id__in=list(newest))
        with self.writer.saving():
            remove_invoices(ids=ids)
            old.filter(question__in=["", Question.APPLIED, Question.DISCARDED]).delete()
        return bool(ids)

    def _waiting(self, kind: WaitsFor) -> QuerySet[WaitingRow]:
        return self.writer.source.waiting.filter(waits_for=kind).order_by("id")

    def _write(self, rows: QuerySet[WaitingRow], allowed: frozenset[WaitsFor]) -> bool:
        found = list(rows[:BATCH])
        for command in {each.command for each in found}:
            ours = [each for each in found if each.command == command]
            contacts = [contact_row(e.row) for e in ours if e.waits_for == WaitsFor.CONTACT]
            invoices = [invoice_row(e.row) for e in ours if e.waits_for != WaitsFor.CONTACT]
            self.writer.write_contacts(command, contacts, self.tally, asks=False)
            if invoices and command in self.writer.scope.lists:
                self.writer.write_invoices(command, invoices, self.tally, allowed=allowed)
        self._drop(found)
        return bool(found)

    def _drop(self, found: list[WaitingRow]) -> None:
        """Forget those of *found* that wait as before: they can't be written."""
        for kind in {each.waits_for for each in found}:
            same = WaitingRow.objects.filter(id__in=[e.id for e in found if e.waits_for == kind])
            with self.writer.saving():
                same.filter(waits_for=kind).delete()

    def _hide_invoices(self, command: str) -> bool:
        ids = list(absent_invoices(self.writer, command).values_list("id", flat=True)[:BATCH])
        with self.writer.saving():
            hide_invoices(ids=ids, because=Hidden.ABSENT, now=self.writer.scope.now)
        self.tally.effects[SyncEffect.HIDDEN] += len(ids)
        return bool(ids)

    def _remove_contacts(self, command: str) -> bool:
        gone = list(absent_contacts(self.writer, command).select_related("user")[:BATCH])
        with self.writer.saving():
            remove_contacts(contacts=gone)
        end_access(gone, self.writer.scope)
        self.tally.effects[f"contacts {SyncEffect.HIDDEN}"] += len(gone)
        return bool(gone)


def absent_invoices(writer: PageWriter, command: str) -> QuerySet[Invoice]:
    """Return the shown invoices that the list of *command* no longer has.

    What was written after the run began was listed later.
    """
    key = Concat(OuterRef("type"), Value(":"), OuterRef("source_id"))
    seen = SeenRow.objects.filter(run=writer.run, command=command, key=key)
    shown = _listed(writer, command).filter(changed_at__lt=writer.run.started_at)
    start = writer.scope.lists[command].full_request[1].changes.start
    if start is not None:
        shown = shown.filter(source_changed_at__gte=start)
    return shown.filter(~Exists(seen)).order_by("id")


def absent_contacts(writer: PageWriter, command: str) -> QuerySet[Contact]:
    """Return the synced contacts that the list of *command* no longer has."""
    seen = SeenRow.objects.filter(
        run=writer.run, command=contacts_list(command), key=OuterRef("source_id")
    )
    ours = _synced_contacts(writer, command).filter(created_at__lt=writer.run.started_at)
    return ours.filter(~Exists(seen)).order_by("id")


def lists_that_ended(scope: SyncScope, command: str) -> list[str]:
    """Return the lists of ours that a whole list of *command* is compared with."""
    lists = [command] if command in _INVOICES else []
    is_of_contacts = command in {CUSTOMERS, CONTACTS}
    by_invoices = scope.creates_contacts and "contact_email" in scope.mapped(command)
    return [*lists, contacts_list(command)] if is_of_contacts or by_invoices else lists


def command_of(list_: str) -> str:
    """Return the command whose rows a list of ours is compared with."""
    return list_.partition(" ")[0]


def doubts_about_absence(writer: PageWriter, list_: str) -> Iterator[str]:
    """Yield the reason for asking before absent rows are hidden, if there is one."""
    absent, there = count_absent(writer, list_)
    guard = writer.scope.lists[command_of(list_)].safeguard
    is_many = absent >= guard.min_rows and absent > guard.hidden * there
    things = "invoices" if list_ in _INVOICES else "contacts"
    if absent and absent == there and not _has_seen(writer, list_):
        yield f"The list of {things} is empty. Before, it had {there}."
    elif is_many:
        yield f"{absent} of {there} {things} are no longer listed, and would be hidden."


def count_absent(writer: PageWriter, list_: str) -> tuple[int, int]:
    """Return how many rows are shown that the list no longer has, and how many are shown."""
    command = command_of(list_)
    if list_ == command:
        return absent_invoices(writer, command).count(), _listed(writer, command).count()
    return absent_contacts(writer, command).count(), _synced_contacts(writer, command).count()


def doubts_about_changes(writer: PageWriter) -> Iterator[tuple[WaitsFor, str]]:
    """Yield the reasons for asking before rows that wait are written."""
    source, scope = writer.source, writer.scope
    guard = scope.lists[INVOICES].safeguard
    counts = {
        kind: source.waiting.filter(waits_for=kind, is_discarded=False).count() for kind in _WATCHED
    }
    if (moves := counts[WaitsFor.MOVE]) > guard.moved:
        yield WaitsFor.MOVE, f"{_number(moves, 'invoice')} would move to another customer."
    amounts, shown = counts[WaitsFor.AMOUNT], _ours(writer).filter(hidden_at=None).count()
    if amounts >= guard.min_rows and amounts > guard.amounts * shown:
        sentence = f"The amount or currency of {amounts} of {shown} invoices would change."
        yield WaitsFor.AMOUNT, sentence
    if contacts := counts[WaitsFor.CONTACT]:
        yield WaitsFor.CONTACT, f"{_number(contacts, 'contact')} would see many customers."


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _has_seen(writer: PageWriter, list_: str) -> bool:
    return SeenRow.objects.filter(run=writer.run, command=list_).exists()


def _ours(writer: PageWriter) -> QuerySet[Invoice]:
    return Invoice.objects.filter(
        organisation=writer.scope.organisation, integration_id=writer.scope.integration_id
    )


def _listed(writer: PageWriter, command: str) -> QuerySet[Invoice]:
    return _ours(writer).filter(hidden_at=None, type__in=writer.scope.types_of(command))


def _synced_contacts(writer: PageWriter, command: str) -> QuerySet[Contact]:
    return Contact.objects.filter(
        customer__organisation=writer.scope.organisation,
        integration_id=writer.scope.integration_id,
        source_id__startswith=f"{command}:",
    )
