"""The dry run: everything is read, nothing is written, and a page shows what would change.

:func:`dry_turn` is the turn of its job, for an integration that is saved. For a draft there are
:func:`read_some`, which reads the first pages, and :func:`effects_of`, which says what their rows
would change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from django.utils import timezone

from billhook.engine.errors import BillhookError, ListParked
from billhook.engine.integration import CompiledIntegration
from billhook.engine.listing.pace import ListPace
from billhook.engine.listing.page import ListedPage
from billhook.engine.listing.plan import ListMemory, plan_list
from billhook.engine.listing.rows import ListedContact, ListedCustomer, ListedInvoice, ListedRow
from billhook.portal.fields.currencies import plain_amount
from billhook.portal.integrations.policy import Wiring
from billhook.portal.jobs.turn import Turn
from billhook.portal.organisations.models import Organisation
from billhook.portal.sync.access import source_to_try
from billhook.portal.sync.effects import FieldChange, SyncEffect, Tally
from billhook.portal.sync.failures import reason_of
from billhook.portal.sync.models import SeenRow, SyncState
from billhook.portal.sync.pages import batches, contacts_list
from billhook.portal.sync.position import open_position
from billhook.portal.sync.progress import PlannedPart
from billhook.portal.sync.reader import PageTooSlow, SourceReader, open_reader, short_pause
from billhook.portal.sync.rows.contacts import (
    contacts_of_customers,
    contacts_of_invoices,
    plan_contacts,
)
from billhook.portal.sync.rows.customers import plan_customers
from billhook.portal.sync.rows.invoices import invoice_key, plan_invoices, removed_invoices
from billhook.portal.sync.runs import begin_run, wiring_of
from billhook.portal.sync.scope import CUSTOMERS, INVOICES, SyncScope
from billhook.portal.sync.settling import count_absent, lists_that_ended
from billhook.portal.sync.work import ActiveRun

ROWS_SHOWN: Final = 20


def dry_turn(turn: Turn) -> None:
    """Do one turn of a dry run."""
    source = source_to_try(turn.subject)
    wiring = wiring_of(source) if source is not None else None
    if source is None or wiring is None or INVOICES not in wiring.integration.lists:
        turn.finish(note="There is no list to read.")
        return
    run = begin_run(source, wiring.integration, now=timezone.now(), is_dry=True)
    dry = DryRun.of(turn, source, run, wiring.integration)
    if dry.still_waits():
        return
    try:
        with open_reader(wiring) as reader:
            dry.read(reader)
    except ListParked as parked:
        dry.park(parked.seconds)
    except (BillhookError, PageTooSlow) as error:
        dry.fail(error)
    else:
        dry.end_turn()


class DryRun(ActiveRun):
    """A run that counts what it would write."""

    def read_part(self, reader: SourceReader, pace: ListPace) -> None:
        """Read pages of one part, and count."""
        planned = PlannedPart.from_json(self.run.parts[self.progress.part])
        pages = reader.pages(
            planned.command,
            planned.part,
            position=open_position(self.source, self.run),
            customers=self.customers(planned),
            pace=pace,
            run_id=self.run.id,
            tolerant=True,
        )
        self.take_pages(planned, pages)

    def write(self, planned: PlannedPart, page: ListedPage) -> None:
        """Count the rows of *page*; only that they were seen is noted."""
        tally = self.tally_of(planned.command)
        for problem in (*page.skipped, *page.remarks, *page.stops):
            tally.note(problem.code, problem.message)
        tally.effects[SyncEffect.REFUSED] += len(page.skipped) + len(page.stops)
        for batch in batches(page.rows):
            self._count(planned.command, batch, tally)
        self.note_page(planned, page)

    def _count(self, command: str, rows: Sequence[ListedRow], tally: Tally) -> None:
        scope = replace(self.scope, expected=self._expected(rows))
        shown = effects_of(scope, command, rows, tally)
        samples = self.run.report.setdefault("rows", [])
        samples += shown[: ROWS_SHOWN - len(samples)]
        _add_facts(self.run.report, rows)
        with self.turn.saving():
            writer = self.writer(counts_absent=True)
            for name, keys in _keys(command, rows, self.scope).items():
                writer.note_seen(name, keys)

    def _expected(self, rows: Sequence[ListedRow]) -> frozenset[str]:
        """Return the customers of *rows* that the run would have created by now."""
        ids = [row.customer for row in rows if isinstance(row, ListedInvoice | ListedContact)]
        ids += [row.id for row in rows if isinstance(row, ListedCustomer)]
        seen = SeenRow.objects.filter(run=self.run, command=CUSTOMERS, key__in=ids)
        listed = [row.id for row in rows if isinstance(row, ListedCustomer)]
        return frozenset([*seen.values_list("key", flat=True), *listed])

    def reads_again(self, planned: PlannedPart, page: ListedPage) -> bool:
        """Count what would be hidden; a dry run reads nothing twice."""
        if planned.part.can_hide and page.complete and not page.not_modified:
            writer = self.writer(counts_absent=True)
            for list_ in lists_that_ended(self.scope, planned.command):
                absent, there = count_absent(writer, list_)
                self.run.report.setdefault("absent", {})[list_] = [absent, there]
        return False

    def keep(self, command: str, memory: ListMemory) -> None:
        """Remember nothing."""

    def end_turn(self) -> None:
        """End the run once everything is read."""
        is_over = self.progress.is_read
        if is_over:
            SeenRow.objects.filter(run=self.run).delete()
            self.run.state, self.run.ended_at = SyncState.DONE, timezone.now()
        with self.turn.saving():
            self.save()
            if not is_over:
                self.turn.again()

    def fail(self, error: Exception) -> None:
        """Show the reason on the page of the dry run; nothing counts as failed."""
        self.run.state, self.run.ended_at = SyncState.FAILED, timezone.now()
        self.run.code, self.run.reason = reason_of(error)
        with self.turn.saving():
            self.save()
            self.turn.fail(self.run.reason)


def read_some(wiring: Wiring, command: str, *, pages: int = 1) -> list[ListedPage]:
    """Return the first pages of a list, of settings that needn't be saved; for a thread.

    Raises:
        BillhookError: see :meth:`billhook.engine.source.Source.read_list`.
        PageTooSlow: after 25 seconds without a page.
    """
    listing = wiring.integration.lists[command]
    [part, *_] = plan_list(listing, ListMemory(), now=timezone.now(), full=True)
    pace = ListPace(listing.limits, sleep=short_pause)
    with open_reader(wiring) as reader:
        found = reader.pages(
            command, part, position=None, customers=(), pace=pace, run_id="", tolerant=True
        )
        return list(islice(found, pages))


def scope_of_draft(
    organisation: Organisation, integration: CompiledIntegration, *, integration_id: str = ""
) -> SyncScope:
    """Return the scope in which the rows of a draft are compared; it may have no id yet."""
    return SyncScope(
        organisation=organisation,
        integration_id=integration_id,
        lists=integration.lists,
        takes_over=False,
        now=timezone.now(),
    )


def effects_of(
    scope: SyncScope, command: str, rows: Sequence[ListedRow], tally: Tally
) -> list[dict[str, Any]]:
    """Count what *rows* would change, and return the invoices among them, side by side.

    Each has the source's texts, the result, the effect and what changes. Nothing is written.
    """
    invoices = [row for row in rows if isinstance(row, ListedInvoice)]
    customers = [row for row in rows if isinstance(row, ListedCustomer)]
    contacts = [row for row in rows if isinstance(row, ListedContact)]
    contacts += contacts_of_customers(customers, mapped=scope.mapped(command))
    if customers:
        tally.add(plan_customers(replace(scope, expected=frozenset()), customers).tally)
    planned = plan_invoices(scope, invoices, command=command) if invoices else None
    if planned is not None:
        tally.add(planned.tally)
        if scope.creates_contacts and "contact_email" in scope.mapped(command):
            named = frozenset(row.customer for row in invoices)
            scope = replace(scope, expected=scope.expected | named)
            contacts += contacts_of_invoices(invoices)
    if contacts:
        tally.add(plan_contacts(scope, contacts, command=command).tally, within="contacts")
    if command == "ListRemovedInvoices":
        gone = removed_invoices(scope, [row.id for row in rows])
        tally.effects[SyncEffect.HIDDEN] += len(gone)
    return [_side_by_side(*each) for each in planned.shown] if planned is not None else []


def _side_by_side(
    row: ListedInvoice, effect: SyncEffect, changes: tuple[FieldChange, ...]
) -> dict[str, Any]:
    result = {
        "number": row.number,
        "customer": row.customer_name or row.customer,
        "date": row.date.isoformat() if row.date else "",
        "due date": row.due_date.isoformat() if row.due_date else "",
        "amount": f"{plain_amount(row.amount, row.currency)} {row.currency}",
        "open amount": ""
        if row.open_amount is None
        else f"{plain_amount(row.open_amount, row.currency)} {row.currency}",
        "status": row.status,
        "type": row.type,
        "PO number": row.po_number,
        "link": row.link,
    }
    return {
        "row": row.row,
        "source": [[name, text[:200]] for name, text in row.source],
        "result": [[name, text[:200]] for name, text in result.items() if text],
        "effect": effect.value,
        "changes": [[each.field, each.before[:200], each.after[:200]] for each in changes],
    }


def _keys(command: str, rows: Sequence[ListedRow], scope: SyncScope) -> dict[str, list[str]]:
    """Return the keys of *rows* in the lists of ours that they are compared with."""
    invoices = [row for row in rows if isinstance(row, ListedInvoice)]
    customers = [row for row in rows if isinstance(row, ListedCustomer)]
    contacts = [row for row in rows if isinstance(row, ListedContact)]
    contacts += contacts_of_customers(customers, mapped=scope.mapped(command))
    contacts += contacts_of_invoices(invoices)
    planned = plan_contacts(scope, contacts, command=command) if contacts else None
    return {
        command: [invoice_key(row) for row in invoices] + [row.id[:200] for row in customers],
        contacts_list(command): planned.seen if planned is not None else [],
    }


def _add_facts(report: dict[str, Any], rows: Sequence[ListedRow]) -> None:
    """Add what helps to check the map: statuses, totals, and the span of dates."""
    for row in rows:
        if not isinstance(row, ListedInvoice):
            continue
        totals = report.setdefault("totals", {})
        name = f"{row.type} {row.status} {row.currency}"
        number, amount = totals.get(name, [0, "0"])
        totals[name] = [number + 1, f"{type(row.amount)(amount) + row.amount:f}"]
        day = row.date.isoformat() if row.date else ""
        if day:
            report["earliest"] = min(report.get("earliest", day), day)
            report["latest"] = max(report.get("latest", day), day)
