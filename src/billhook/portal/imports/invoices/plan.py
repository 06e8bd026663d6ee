"""The effect of the invoices in a file on those that are known: computed in chunks, never written.

An invoice is identified by its number, a customer by its number, or by its exact name if the file
has no number. Facts that a file doesn't mention stay as they are. A row that can't be used is
refused with its reasons, and the others are imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Final

from billhook.portal.customers.access import (
    customers_named,
    customers_numbered,
    has_padded_customer,
)
from billhook.portal.customers.models import Customer
from billhook.portal.fields.currencies import fits_currency, in_decimals, shown_amount
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.imports.columns.fields import INVOICE_FIELDS, Need
from billhook.portal.imports.effect import WRITTEN, Effect, PlannedRow
from billhook.portal.imports.invoices.facts import LABELS, FileInvoice
from billhook.portal.imports.values.identifiers import ZEROS_LOST, padded_forms
from billhook.portal.invoices.access import has_padded_number, invoices_numbered
from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.invoices.services import (
    FACTS,
    InvoiceFacts,
    check_facts,
    open_by_default,
)
from billhook.portal.organisations.models import Organisation

_FOR_NEW: Final = tuple(field.name for field in INVOICE_FIELDS if field.need is Need.FOR_NEW)


@dataclass(frozen=True, kw_only=True)
class PlannedInvoice(PlannedRow):
    """The effect of one invoice, and its facts after the import."""

    customer_number: str
    customer_name: str
    known: Invoice | None = None
    facts: InvoiceFacts | None = None

    @property
    def about(self) -> str:
        """The customer and the amount."""
        customer = f"{self.customer_number} {self.customer_name}".strip()
        if self.facts is None:
            return customer
        return f"{customer}, {shown_amount(self.facts.amount, self.facts.currency)}"


class InvoicePlanner:
    """Compares invoices of one file with the known ones, some hundred at a time."""

    def __init__(
        self, organisation: Organisation, *, currency: str = "", zeros_may_be_lost: bool = True
    ) -> None:
        self._organisation = organisation
        self._currency = currency
        self._zeros_may_be_lost = zeros_may_be_lost
        self.new_customers: dict[str, str] = {}
        """Names by numbers."""
        self._customers: dict[str, Customer] = {}
        self._by_name: dict[str, list[Customer]] = {}
        self._invoices: dict[str, Invoice] = {}
        self._padded: dict[str, str] = {}
        self._padded_customers: dict[str, str] = {}

    def plan(
        self, rows: Sequence[FileInvoice], *, known: Mapping[str, Invoice] | None = None
    ) -> list[PlannedInvoice]:
        """Return the effects of *rows*, which have different numbers.

        *known* are invoices that get a new number, by this.
        """
        self._load(rows)
        self._invoices |= known or {}
        return [self._plan(row) for row in rows]

    def is_stale(self, planned: Sequence[PlannedInvoice]) -> bool:
        """Return whether an invoice was changed, or a customer removed, since then."""
        before = {one.number: one.known.changed_at for one in planned if one.known is not None}
        numbers = [one.number for one in planned]
        now = {one.number: one.changed_at for one in invoices_numbered(self._organisation, numbers)}
        return before != now or self._misses_customer(planned)

    def _misses_customer(self, planned: Sequence[PlannedInvoice]) -> bool:
        written = {one.customer_number for one in planned if one.effect in WRITTEN}
        expected = written - self.new_customers.keys()
        known = customers_numbered(self._organisation, expected)
        return bool(expected - {customer.number for customer in known})

    def _load(self, rows: Sequence[FileInvoice]) -> None:
        organisation = self._organisation
        numbers = [row.number for row in rows]
        self._invoices = {one.number: one for one in invoices_numbered(organisation, numbers)}
        self._padded = self._zeros_lost(set(numbers) - self._invoices.keys())
        customer_numbers = {row.customer_number for row in rows}
        known = customers_numbered(organisation, customer_numbers)
        self._customers = {customer.number: customer for customer in known}
        unknown = customer_numbers - self._customers.keys()
        may_be = self._zeros_may_be_lost and has_padded_customer(organisation)
        padded = padded_forms(unknown) if may_be else {}
        self._padded_customers = {
            padded[customer.number]: customer.number
            for customer in customers_numbered(organisation, padded)
        }
        names = {row.customer_name for row in rows if not row.customer_number}
        self._by_name = {}
        for customer in customers_named(organisation, names):
            self._by_name.setdefault(customer.name, []).append(customer)

    def _zeros_lost(self, numbers: Iterable[str]) -> dict[str, str]:
        """Return the known numbers that spreadsheets turn into *numbers*: 00123 into 123."""
        may_be = self._zeros_may_be_lost and has_padded_number(self._organisation)
        padded = padded_forms(numbers) if may_be else {}
        known = invoices_numbered(self._organisation, padded)
        return {padded[invoice.number]: invoice.number for invoice in known}

    def _plan(self, row: FileInvoice) -> PlannedInvoice:
        known = self._invoices.get(row.number)
        customer, problem = self._customer(row, known)
        planned = PlannedInvoice(
            lines=row.lines,
            number=row.number,
            customer_number=customer,
            customer_name=row.customer_name,
            effect=Effect.REFUSE,
            known=known,
        )
        reasons = [*row.reasons, *self._reasons(row, known), *([problem] if problem else [])]
        if reasons:
            return replace(planned, reasons=tuple(reasons))
        try:
            facts = self._facts(row, known)
            check_facts(facts)
        except FieldProblem as refusal:
            return replace(planned, reasons=(refusal.message,))
        if customer not in self._customers:
            self.new_customers.setdefault(customer, row.customer_name)
        return _compared(replace(planned, facts=facts), known)

    def _customer(self, row: FileInvoice, known: Invoice | None) -> tuple[str, str]:
        """Return the number of the row's customer, and the problem with it if there is one."""
        number = row.customer_number
        if number:
            return number, self._problem_with_customer(number, row.customer_name)
        named = self._by_name.get(row.customer_name, [])
        if len(named) == 1:
            return named[0].number, ""
        if known is not None:
            return known.customer.number, ""
        if not row.customer_name:
            return "", ""
        if named:
            return "", f"Several customers are called {row.customer_name}. Add their numbers."
        return "", (
            f"No customer is called {row.customer_name}. A new customer needs a number, too."
        )

    def _problem_with_customer(self, number: str, name: str) -> str:
        if number in self._customers or number in self.new_customers:
            return ""
        if padded := self._padded_customers.get(number):
            return f"Customer {number} doesn't exist, but {padded} does. {ZEROS_LOST}"
        if name:
            return ""
        return f"Customer {number} doesn't exist. Create it first, or add its name to the row."

    def _reasons(self, row: FileInvoice, known: Invoice | None) -> list[str]:
        if known is not None or row.reasons:
            return []
        if padded := self._padded.get(row.number):
            return [f"There is an invoice {padded}. {ZEROS_LOST}"]
        said = {name: getattr(row, name) for name in _FOR_NEW}
        said["customer_number"] = row.customer_number or row.customer_name
        said["currency"] = row.currency or self._currency
        missing = [LABELS[name] for name in _FOR_NEW if said[name] in {None, ""}]
        return [f"A new invoice needs: {', '.join(missing)}."] if missing else []

    def _facts(self, row: FileInvoice, known: Invoice | None) -> InvoiceFacts:
        """Return the invoice after the import: the known facts, replaced by those in the row."""
        new = {name: value for name in FACTS if (value := getattr(row, name)) is not None}
        if known is None:
            new = {"currency": self._currency, "open_amount": row.amount, **new}
            return _with_decimals(_with_open_amount(row, InvoiceFacts(**new), None))
        before = facts_of(known)
        return _with_decimals(_with_open_amount(row, replace(before, **new), before))


def facts_of(invoice: Invoice) -> InvoiceFacts:
    """Return the facts of a known invoice."""
    return InvoiceFacts(**{name: getattr(invoice, name) for name in FACTS})


def _with_open_amount(
    row: FileInvoice, after: InvoiceFacts, before: InvoiceFacts | None
) -> InvoiceFacts:
    says_how_much_is_open = row.open_amount is not None or row.status is Status.PART_PAID
    is_as_before = before and (before.amount, before.status) == (after.amount, after.status)
    if says_how_much_is_open or is_as_before:
        return after
    return replace(after, open_amount=open_by_default(after.amount, after.status))


def _with_decimals(facts: InvoiceFacts) -> InvoiceFacts:
    """Return *facts* with the decimals of the currency; leave amounts that need more to checks."""
    return replace(
        facts,
        amount=_fitting(facts.amount, facts.currency),
        open_amount=_fitting(facts.open_amount, facts.currency),
    )


def _fitting(amount: Decimal, currency: str) -> Decimal:
    return in_decimals(amount, currency) if fits_currency(amount, currency) else amount


def _compared(planned: PlannedInvoice, known: Invoice | None) -> PlannedInvoice:
    if known is None or planned.facts is None:
        return replace(planned, effect=Effect.CREATE)
    before, after = asdict(facts_of(known)), asdict(planned.facts)
    changes = [LABELS[name] for name in FACTS if before[name] != after[name]]
    if known.customer.number != planned.customer_number:
        changes.append("customer")
    if changes and known.integration_id:
        reason = f"Invoice {known.number} comes from an integration. Change it in its system."
        return replace(planned, reasons=(reason,))
    effect = Effect.CHANGE if changes else Effect.KEEP
    return replace(planned, effect=effect, changes=tuple(changes))
