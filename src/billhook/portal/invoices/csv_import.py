"""The import of a CSV file: first a plan with the effect of each row, then the changes.

An invoice is identified by its number, a customer by its number. Facts that a file doesn't mention
stay as they are. A row that can't be used is refused with its reasons, and the others are imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from django.db import transaction

from billhook.portal.customers.access import customers_for_member
from billhook.portal.customers.models import Customer
from billhook.portal.fields.csv_files import UnreadableFile, read_table
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.invoices.access import invoices_for_member
from billhook.portal.invoices.csv_columns import COLUMNS, Mapping, map_columns
from billhook.portal.invoices.csv_rows import RowReader, Said
from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.invoices.services import (
    InvoiceFacts,
    check_facts,
    fill_invoice,
    open_by_default,
)
from billhook.portal.organisations.models import Member

_AT_ONCE: Final = 500
_FACTS: Final = tuple(InvoiceFacts.__dataclass_fields__)
_LABELS: Final = {column.name: column.label.lower() for column in COLUMNS}
_FOR_NEW: Final = tuple(column.name for column in COLUMNS if column.for_new)


class Effect(StrEnum):
    """The effect of a row."""

    CREATE = "create"
    CHANGE = "change"
    KEEP = "keep"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRow:
    """The effect of one row: ``reasons`` explain a refusal, ``changes`` name the differences."""

    line: int
    number: str
    customer_number: str
    customer_name: str
    effect: Effect
    facts: InvoiceFacts | None = None
    changes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The effect of a file. Nothing has been written for it."""

    columns: Mapping
    rows: tuple[PlannedRow, ...]
    new_customers: dict[str, str]
    """Names by numbers."""

    def _of(self, effect: Effect) -> tuple[PlannedRow, ...]:
        return tuple(row for row in self.rows if row.effect is effect)

    @cached_property
    def created(self) -> tuple[PlannedRow, ...]:
        """The rows that make an invoice."""
        return self._of(Effect.CREATE)

    @cached_property
    def changed(self) -> tuple[PlannedRow, ...]:
        """The rows that change one."""
        return self._of(Effect.CHANGE)

    @cached_property
    def kept(self) -> tuple[PlannedRow, ...]:
        """The rows that repeat known facts."""
        return self._of(Effect.KEEP)

    @cached_property
    def refused(self) -> tuple[PlannedRow, ...]:
        """The rows that can't be used."""
        return self._of(Effect.REFUSE)

    @property
    def does_something(self) -> bool:
        """Whether anything would be written."""
        return bool(self.created or self.changed)


def plan_import(*, member: Member, content: bytes) -> Plan:
    """Return the effect of the CSV file *content*; write nothing.

    Raises:
        UnreadableFile: if the file as a whole can't be used.
    """
    table = read_table(content)
    columns = map_columns(table.header)
    _check_columns(columns)
    reader = RowReader(columns.places, table.rows)
    said = [reader.read(row) for row in table.rows]
    planner = _Planner(member, said)
    rows = tuple(planner.plan(one) for one in said)
    return Plan(columns=columns, rows=rows, new_customers=planner.new_customers)


def import_invoices(*, member: Member, content: bytes) -> Plan:
    """Import the CSV file *content*: all or nothing, except for the refused rows.

    Raises:
        UnreadableFile: if the file as a whole can't be used.
    """
    with transaction.atomic():
        plan = plan_import(member=member, content=content)
        customers = _with_new_customers(member, plan.new_customers)
        _write(member, plan, customers)
    return plan


def _check_columns(columns: Mapping) -> None:
    if columns.missing:
        wanted = "; ".join(
            f"{column.label} (also: {', '.join(column.others)})" for column in columns.missing
        )
        raise UnreadableFile(
            f"The first row has no column for: {wanted}. Add these columns and try again."
        )
    if columns.twice:
        names = ", ".join(column.label for column in columns.twice)
        raise UnreadableFile(f"Two columns have the same meaning: {names}. Keep only one.")


class _Planner:
    """Compares rows with the known invoices; one for each file. A number may appear once in it."""

    def __init__(self, member: Member, said: Sequence[Said]) -> None:
        self.new_customers: dict[str, str] = {}
        self._customers = {customer.number: customer for customer in customers_for_member(member)}
        self._invoices = _invoices_by_number(member, [one.number for one in said])
        self._lines: dict[str, int] = {}

    def plan(self, said: Said) -> PlannedRow:
        """Return the effect of *said*."""
        known = self._invoices.get(said.number)
        planned = PlannedRow(
            line=said.line,
            number=said.number,
            customer_number=said.customer_number or (known.customer.number if known else ""),
            customer_name=said.customer_name,
            effect=Effect.CREATE,
        )
        reasons = [*said.reasons, *self._reasons(said, known)]
        if reasons:
            return replace(planned, effect=Effect.REFUSE, reasons=tuple(reasons))
        facts = _facts(said, known)
        try:
            check_facts(facts)
        except FieldProblem as problem:
            return replace(planned, effect=Effect.REFUSE, reasons=(problem.message,))
        self._lines[said.number] = said.line
        if planned.customer_number not in self._customers:
            self.new_customers.setdefault(planned.customer_number, said.customer_name)
        return _compared(replace(planned, facts=facts), known)

    def _reasons(self, said: Said, known: Invoice | None) -> list[str]:
        reasons = []
        if said.number in self._lines:
            reasons.append(f"Line {self._lines[said.number]} already has this invoice.")
        if known is None:
            missing = [_LABELS[name] for name in _FOR_NEW if not _is_said(said, name)]
            if missing and not said.reasons:
                reasons.append(f"A new invoice needs: {', '.join(missing)}.")
        if said.customer_number and not self._finds_customer(said):
            reasons.append(
                f"Customer {said.customer_number} doesn't exist. "
                "Create it first, or add its name to the row."
            )
        return reasons

    def _finds_customer(self, said: Said) -> bool:
        number = said.customer_number
        return number in self._customers or number in self.new_customers or bool(said.customer_name)


def _is_said(said: Said, name: str) -> bool:
    return getattr(said, name) not in {None, ""}


def _facts(said: Said, known: Invoice | None) -> InvoiceFacts:
    """Return the invoice after the import: the known facts, replaced by those in the row."""
    new = {name: value for name in _FACTS if (value := getattr(said, name)) is not None}
    before = None if known is None else _facts_of(known)
    after = InvoiceFacts(**{"open_amount": said.amount, **new}) if before is None else before
    after = replace(after, **new)
    says_how_much_is_open = said.open_amount is not None or said.status is Status.PART_PAID
    is_as_before = before and (before.amount, before.status) == (after.amount, after.status)
    if says_how_much_is_open or is_as_before:
        return after
    return replace(after, open_amount=open_by_default(after.amount, after.status))


def _facts_of(invoice: Invoice) -> InvoiceFacts:
    return InvoiceFacts(**{name: getattr(invoice, name) for name in _FACTS})


def _compared(planned: PlannedRow, known: Invoice | None) -> PlannedRow:
    if known is None or planned.facts is None:
        return planned
    before, after = asdict(_facts_of(known)), asdict(planned.facts)
    changes = [_LABELS[name] for name in _FACTS if before[name] != after[name]]
    if known.customer.number != planned.customer_number:
        changes.append("customer")
    effect = Effect.CHANGE if changes else Effect.KEEP
    return replace(planned, effect=effect, changes=tuple(changes))


def _invoices_by_number(member: Member, numbers: Sequence[str]) -> dict[str, Invoice]:
    """Return those that are there, asking for a few hundred at a time: databases have limits."""
    found: dict[str, Invoice] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        found.update(
            (invoice.number, invoice)
            for invoice in invoices_for_member(member).filter(number__in=some)
        )
    return found


def _with_new_customers(member: Member, names: dict[str, str]) -> dict[str, Customer]:
    Customer.objects.bulk_create(
        Customer(organisation_id=member.organisation_id, number=number, name=name)
        for number, name in names.items()
    )
    return {customer.number: customer for customer in customers_for_member(member)}


def _write(member: Member, plan: Plan, customers: dict[str, Customer]) -> None:
    known = _invoices_by_number(member, [row.number for row in plan.changed])
    written = []
    for row in (*plan.created, *plan.changed):
        invoice = known.get(row.number) or Invoice()
        if row.facts is not None:
            fill_invoice(invoice, customers[row.customer_number], row.facts)
            written.append(invoice)
    Invoice.objects.bulk_create(
        written,
        batch_size=_AT_ONCE,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["customer", "organisation", "changed_at", *_FACTS],
    )
