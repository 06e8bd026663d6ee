"""The effect of invoice rows on the portal's invoices: first planned, then written.

Planning reads, and changes only objects in memory; so a dry run plans and doesn't write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import Q

from billhook.engine.listing import rows as listed
from billhook.engine.listing.rows import ListedInvoice
from billhook.engine.listing.rules import newer_wins
from billhook.portal.customers.models import Customer
from billhook.portal.customers.services import save_customers
from billhook.portal.fields.currencies import MAX_DECIMALS, plain_amount
from billhook.portal.invoices.models import Hidden, Invoice, InvoiceType, Status
from billhook.portal.invoices.services import (
    hide_invoices,
    note_source_changes,
    open_by_default,
    save_invoices,
)
from billhook.portal.sync.effects import FieldChange, SyncEffect, Tally
from billhook.portal.sync.models import SyncRun, SyncSource, WaitingRow, WaitsFor
from billhook.portal.sync.rows.customers import customers_of_rows, known_customers
from billhook.portal.sync.rows.row_json import row_to_json
from billhook.portal.sync.rows.texts import fit_text, is_key
from billhook.portal.sync.scope import SyncScope

_MOST: Final = Decimal(10) ** 12
_CURRENCY: Final = re.compile("[A-Za-z]{3}")
_LINK_LENGTH: Final = 2000
_LABELS: Final = {
    "customer": "customer",
    "number": "number",
    "issued_on": "date",
    "due_on": "due date",
    "amount": "amount",
    "open_amount": "open amount",
    "currency": "currency",
    "status": "status",
    "type": "type",
    "po_number": "PO number",
    "link": "link",
}
_MONEY: Final = ("amount", "open_amount")
_WATCHED: Final = frozenset({"amount", "currency"})
_MAPPED_AS: Final = {"issued_on": "date", "due_on": "due_date"}
_OPTIONAL: Final = frozenset({"issued_on", "due_on", "po_number", "link"})
"""Fields that stay as they are where the map doesn't have them."""


@dataclass(slots=True, kw_only=True)
class PlannedInvoices:
    """The effects of the invoices in some rows."""

    tally: Tally = field(default_factory=Tally)
    saved: list[Invoice] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    """New customers, which only the rows of invoices name."""
    hidden: dict[Hidden, list[str]] = field(default_factory=dict)
    removed_at: dict[str, datetime] = field(default_factory=dict)
    """Times at which the source removed invoices, by id: no older row brings them back."""
    waiting: list[WaitingRow] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    """The keys of rows that wait no longer."""
    shown: list[tuple[ListedInvoice, SyncEffect, tuple[FieldChange, ...]]] = field(
        default_factory=list
    )
    """Each row with its effect, for the first rows of a dry run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    invoices: dict[tuple[str, str], Invoice]
    by_number: dict[str, Invoice]
    customers: dict[str, Customer]
    numbers: dict[str, list[Invoice]]


def invoice_key(row: ListedInvoice) -> str:
    """Return the key of *row*: an invoice and a credit note may have the same id."""
    return f"{_type_of(row).value}:{row.id}"


def plan_invoices(
    scope: SyncScope,
    rows: Sequence[ListedInvoice],
    *,
    command: str,
    allowed: frozenset[WaitsFor] = frozenset(),
) -> PlannedInvoices:
    """Return what *rows* change. Changes that aren't *allowed* wait for the end of the run."""
    planned = PlannedInvoices()
    usable = [row for row in newest_rows(rows) if is_usable(row, planned.tally)]
    planner = _InvoicePlanner(
        scope=scope,
        command=command,
        allowed=allowed,
        planned=planned,
        known=_known(scope, usable, planned),
    )
    for row in usable:
        effect, changes = planner.plan(row)
        planned.tally.count(effect, changes)
        planned.shown.append((row, effect, changes))
    return planned


def newest_rows(rows: Iterable[ListedInvoice]) -> list[ListedInvoice]:
    """Return one row for each key: the newest change, or else the later row."""
    newest: dict[str, ListedInvoice] = {}
    for row in rows:
        before = newest.get(invoice_key(row))
        if before is None or newer_wins(before.changed, row.changed):
            newest[invoice_key(row)] = row
    return list(newest.values())


def write_invoices(
    source: SyncSource,
    planned: PlannedInvoices,
    *,
    run: SyncRun,
    scope: SyncScope,
    asks_again: bool = False,
) -> None:
    """Write *planned*. The caller has a short transaction."""
    save_customers(customers=planned.customers)
    save_invoices(invoices=planned.saved)
    for because, ids in planned.hidden.items():
        hide_invoices(ids=ids, because=because, now=scope.now)
    note_source_changes(times=planned.removed_at)
    if planned.settled:
        WaitingRow.objects.filter(source=source, key__in=planned.settled).delete()
    save_waiting(source, planned.waiting, run=run, asks_again=asks_again)


def save_waiting(
    source: SyncSource, waiting: Sequence[WaitingRow], *, run: SyncRun, asks_again: bool
) -> None:
    """Save rows that wait.

    A version that a member discarded is asked about again in full runs alone: the others read the
    newest rows each time.
    """
    if not waiting:
        return
    keys = [each.key for each in waiting]
    before = {each.key: each for each in WaitingRow.objects.filter(source=source, key__in=keys)}
    for each in waiting:
        old = before.get(each.key)
        each.source, each.run = source, run
        each.is_discarded = bool(
            old and old.is_discarded and old.row == each.row and not asks_again
        )
    WaitingRow.objects.bulk_create(
        waiting,
        update_conflicts=True,
        unique_fields=["source", "command", "key"],
        update_fields=["run", "waits_for", "customer", "row", "change", "is_discarded"],
    )


Planned = tuple[SyncEffect, tuple[FieldChange, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _InvoicePlanner:
    """Plans one row after the other."""

    scope: SyncScope
    command: str
    allowed: frozenset[WaitsFor]
    planned: PlannedInvoices
    known: _Known

    def plan(self, row: ListedInvoice) -> Planned:
        """Return the effect of *row*, and what it changes."""
        ours = self.known.invoices.get((row.id, _type_of(row)))
        invoice = ours or self.known.by_number.get(row.number)
        if invoice is not None and not newer_wins(invoice.source_changed_at, row.changed):
            return SyncEffect.OLDER, ()
        if _is_removed(row):
            return _removed(row, invoice, self.planned), ()
        customer = self.known.customers.get(row.customer)
        if invoice is None:
            return self._create(row, customer)
        values = _values(self.scope, row, invoice, self.scope.mapped(self.command))
        changes = tuple(_changes(invoice, customer, values))
        waits_for = self._must_wait(invoice, changes, customer)
        if waits_for is not None:
            return self._hold(row, waits_for, changes)
        if customer is None:
            return self._unassign(row, invoice)
        return self._change(row, invoice, customer, values, changes)

    def _create(self, row: ListedInvoice, customer: Customer | None) -> Planned:
        if customer is None:
            self._wait(row, WaitsFor.CUSTOMER)
            return SyncEffect.UNASSIGNED, ()
        self._settle(row)
        values = _values(self.scope, row, None, self.scope.mapped(self.command))
        invoice = Invoice(created_at=self.scope.now)
        self.planned.saved.append(_filled(self.scope, row, invoice, customer, values))
        return SyncEffect.NEW, ()

    def _change(
        self,
        row: ListedInvoice,
        invoice: Invoice,
        customer: Customer,
        values: dict[str, Any],
        changes: tuple[FieldChange, ...],
    ) -> Planned:
        self._settle(row)
        is_ours = invoice.integration_id == self.scope.integration_id
        if not changes and is_ours and invoice.hidden_at is None:
            return SyncEffect.UNCHANGED, ()
        self.planned.saved.append(_filled(self.scope, row, invoice, customer, values))
        return SyncEffect.CHANGED, changes

    def _must_wait(
        self, invoice: Invoice, changes: tuple[FieldChange, ...], customer: Customer | None
    ) -> WaitsFor | None:
        """Return what the row has to wait for, if it changes what must not change silently."""
        if invoice.hidden_because == Hidden.UNASSIGNED:
            return None  # nobody sees it now
        changed = {change.field for change in changes}
        if customer is None or "customer" in changed:
            return None if WaitsFor.MOVE in self.allowed else WaitsFor.MOVE
        if changed & _WATCHED and WaitsFor.AMOUNT not in self.allowed:
            return WaitsFor.AMOUNT
        return None

    def _hold(
        self, row: ListedInvoice, waits_for: WaitsFor, changes: tuple[FieldChange, ...]
    ) -> Planned:
        self._wait(row, waits_for, changes)
        return SyncEffect.HELD, changes

    def _unassign(self, row: ListedInvoice, invoice: Invoice) -> Planned:
        """Hide an invoice whose customer isn't known any more."""
        if invoice.hidden_at is None:
            self.planned.hidden.setdefault(Hidden.UNASSIGNED, []).append(invoice.id)
        self._wait(row, WaitsFor.CUSTOMER)
        return SyncEffect.UNASSIGNED, ()

    def _wait(
        self, row: ListedInvoice, waits_for: WaitsFor, changes: tuple[FieldChange, ...] = ()
    ) -> None:
        waiting = WaitingRow(
            waits_for=waits_for,
            command=self.command,
            key=invoice_key(row),
            customer=row.customer[:200],
            row=row_to_json(row),
            change=[[change.field, change.before, change.after] for change in changes],
        )
        self.planned.waiting.append(waiting)

    def _settle(self, row: ListedInvoice) -> None:
        self.planned.settled.append(invoice_key(row))
        _remark_number(self.scope, row, self.command, self.known, self.planned)


def _known(scope: SyncScope, rows: Sequence[ListedInvoice], planned: PlannedInvoices) -> _Known:
    ours = Invoice.objects.filter(organisation=scope.organisation).select_related("customer")
    ids = {row.id for row in rows}
    numbers = {row.number for row in rows if is_key(row.number, 100)}
    found = ours.filter(integration_id=scope.integration_id, source_id__in=ids)
    same: dict[str, list[Invoice]] = {}
    for each in ours.filter(number__in=numbers, hidden_at=None):
        same.setdefault(each.number, []).append(each)
    imported = {
        number: each
        for number, several in same.items()
        for each in several
        if scope.may_take_over(each.integration_id)
    }
    wanted = [row for row in rows if not _is_removed(row)]
    return _Known(
        invoices={(each.source_id, each.type): each for each in found},
        by_number=imported,
        customers=_customers(scope, wanted, planned),
        numbers=same,
    )


def _customers(
    scope: SyncScope, rows: Sequence[ListedInvoice], planned: PlannedInvoices
) -> dict[str, Customer]:
    if not scope.creates_customers:
        return known_customers(scope, {row.customer for row in rows if row.customer})
    known, created = customers_of_rows(scope, rows, planned.tally)
    planned.customers += created
    return known


def is_usable(row: ListedInvoice, tally: Tally) -> bool:
    """Return whether our rows can hold *row*; count the reason if they can't.

    Of a row that is removed, only the id counts.
    """
    is_removed = _is_removed(row)
    if not is_key(row.id, 200) or not (is_removed or is_key(row.number, 100)):
        sentence = "An id or number is empty, too long, or has invisible characters."
        tally.refuse("number-unusable", sentence)
        return False
    if is_removed:
        return True
    if not _CURRENCY.fullmatch(row.currency):
        tally.refuse("currency-unusable", f"{fit_text(row.currency, 20)} isn't a currency.")
        return False
    for amount in (row.amount, row.open_amount):
        if amount is not None and not _fits(amount):
            sentence = "An amount has more than 12 digits, or more than 3 decimals."
            tally.refuse("amount-unusable", sentence)
            return False
    return True


def _fits(amount: Decimal) -> bool:
    return amount.is_finite() and abs(amount) < _MOST and amount == round(amount, MAX_DECIMALS)


def _is_removed(row: ListedInvoice) -> bool:
    """Return whether the source says that nobody may see *row*."""
    return (
        row.is_removed or row.status in {listed.REMOVED, listed.HIDDEN} or row.type == listed.HIDDEN
    )


def _removed(row: ListedInvoice, invoice: Invoice | None, planned: PlannedInvoices) -> SyncEffect:
    planned.settled.append(invoice_key(row))
    if invoice is None or invoice.hidden_at is not None:
        return SyncEffect.NOT_SHOWN
    planned.hidden.setdefault(Hidden.REMOVED, []).append(invoice.id)
    if row.changed is not None:
        planned.removed_at[invoice.id] = row.changed
    return SyncEffect.HIDDEN


def _type_of(row: ListedInvoice) -> InvoiceType:
    return InvoiceType.CREDIT_NOTE if row.type == listed.CREDIT_NOTE else InvoiceType.INVOICE


def _values(
    scope: SyncScope, row: ListedInvoice, invoice: Invoice | None, mapped: frozenset[str]
) -> dict[str, Any]:
    """Return all fields together, those that became empty, too."""
    status = Status(row.status.replace("-", "_"))
    is_given = row.open_amount is not None
    values: dict[str, Any] = {
        "number": row.number,
        "issued_on": row.date or _first_day(scope, row, invoice),
        "due_on": row.due_date,
        "amount": row.amount,
        "open_amount": row.open_amount if is_given else open_by_default(row.amount, status),
        "currency": row.currency.upper(),
        "status": status,
        "type": _type_of(row),
        "po_number": fit_text(row.po_number, 100),
        "link": _fit_link(row.link),
    }
    if invoice is None:
        return values
    return {
        name: value
        for name, value in values.items()
        if name not in _OPTIONAL or _MAPPED_AS.get(name, name) in mapped
    }


def _fit_link(link: str) -> str:
    """Return *link* if it may be shown: customers get only https."""
    is_fit = len(link) <= _LINK_LENGTH and link.startswith("https://") and link.isprintable()
    return link if is_fit else ""


def _first_day(scope: SyncScope, row: ListedInvoice, invoice: Invoice | None) -> date:
    """Return the date of an invoice whose row has none: that on which it was first seen."""
    if invoice is not None:
        return invoice.issued_on
    return (row.changed or scope.now).date()


def _changes(
    invoice: Invoice, customer: Customer | None, values: dict[str, Any]
) -> Iterator[FieldChange]:
    if customer is None or customer.id != invoice.customer_id:
        after = "nobody" if customer is None else customer.name
        yield FieldChange(field="customer", before=invoice.customer.name, after=after)
    for name, value in values.items():
        before = getattr(invoice, name)
        if before != value:
            yield FieldChange(
                field=_LABELS[name],
                before=_shown(name, before, invoice.currency),
                after=_shown(name, value, values["currency"]),
            )


def _shown(name: str, value: object, currency: str) -> str:
    if name in _MONEY and isinstance(value, Decimal):
        return plain_amount(value, currency)
    return "" if value is None else str(value)


def _filled(
    scope: SyncScope,
    row: ListedInvoice,
    invoice: Invoice,
    customer: Customer,
    values: dict[str, Any],
) -> Invoice:
    invoice.customer = customer
    invoice.organisation = scope.organisation
    invoice.integration_id, invoice.source_id = scope.integration_id, row.id
    invoice.source_changed_at = row.changed
    invoice.hidden_at, invoice.hidden_because = None, ""
    for name, value in values.items():
        setattr(invoice, name, value)
    return invoice


def _remark_number(
    scope: SyncScope, row: ListedInvoice, command: str, known: _Known, planned: PlannedInvoices
) -> None:
    """Remark on another invoice with the same number, or let this one replace it."""
    others = [
        each
        for each in known.numbers.get(row.number, [])
        if (each.source_id, each.type) != (row.id, _type_of(row))
        and not scope.may_take_over(each.integration_id)
    ]
    if not others:
        return
    older = [each.id for each in others if _replaces(scope, row, each)]
    if scope.lists[command].same_number == "replace" and older:
        planned.hidden.setdefault(Hidden.REPLACED, []).extend(older)
    else:
        planned.tally.note("same-number", f"Another invoice has the number {row.number}.")


def _replaces(scope: SyncScope, row: ListedInvoice, other: Invoice) -> bool:
    return other.integration_id == scope.integration_id and newer_wins(
        other.source_changed_at, row.changed
    )


def removed_invoices(scope: SyncScope, ids: Sequence[str]) -> list[str]:
    """Return our ids of the shown invoices that the source's *ids* name as removed."""
    ours = Invoice.objects.filter(
        Q(organisation=scope.organisation, integration_id=scope.integration_id),
        source_id__in=ids,
        type__in=scope.types_of("ListInvoices"),
        hidden_at=None,
    )
    return list(ours.values_list("id", flat=True))
