"""The effect of customer rows on the portal's customers. A customer is known by the source's id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from billhook.engine.listing.rows import ListedCustomer, ListedInvoice
from billhook.portal.customers.models import Customer
from billhook.portal.customers.services import save_customers
from billhook.portal.sync.effects import FieldChange, SyncEffect, Tally
from billhook.portal.sync.rows.texts import fit_locale, fit_text, is_key
from billhook.portal.sync.scope import SyncScope


@dataclass(slots=True, kw_only=True)
class PlannedCustomers:
    """The effects of the customers in some rows."""

    tally: Tally = field(default_factory=Tally)
    saved: list[Customer] = field(default_factory=list)
    known: dict[str, Customer] = field(default_factory=dict)
    """All customers of the rows, by the source's ids: those that are saved, too."""


def known_customers(scope: SyncScope, ids: Iterable[str]) -> dict[str, Customer]:
    """Return the customers with the source's *ids*, by these."""
    ids = set(ids)
    found = Customer.objects.filter(
        organisation=scope.organisation, integration_id=scope.integration_id, source_id__in=ids
    )
    known = {customer.source_id: customer for customer in found}
    expected = scope.expected.intersection(ids) - known.keys()
    return known | {id_: Customer(organisation=scope.organisation, name=id_) for id_ in expected}


def plan_customers(scope: SyncScope, rows: Sequence[ListedCustomer]) -> PlannedCustomers:
    """Return what *rows* change."""
    planned = PlannedCustomers()
    usable = {row.id: row for row in rows if _is_usable(row.id, planned.tally)}
    planned.known = known_customers(scope, usable)
    imported = _imported(scope, {_number_of(row): row.id for row in usable.values()})
    for row in usable.values():
        customer = planned.known.get(row.id) or imported.get(row.id)
        effect, changes = _plan(scope, row, customer, planned)
        planned.tally.count(effect, changes)
    return planned


def write_customers(planned: PlannedCustomers) -> None:
    """Write *planned*. The caller has a short transaction."""
    save_customers(customers=planned.saved)


def customers_of_rows(
    scope: SyncScope, rows: Sequence[ListedInvoice], tally: Tally
) -> tuple[dict[str, Customer], list[Customer]]:
    """Return the customers that the rows of invoices name, and those of them that are new.

    A known one keeps its name: many systems freeze it in each invoice.
    """
    usable: dict[str, ListedCustomer] = {}
    for row in rows:
        if is_key(row.customer, 200):
            before = usable.get(row.customer)
            usable[row.customer] = ListedCustomer(
                row=row.row,
                id=row.customer,
                number=row.customer_number or (before.number if before else ""),
                name=row.customer_name or (before.name if before else ""),
            )
    known = known_customers(scope, usable)
    new = [row for id_, row in usable.items() if id_ not in known]
    planned = plan_customers(scope, new)
    tally.reasons.update(planned.tally.reasons)
    return known | planned.known, planned.saved


def _is_usable(id_: str, tally: Tally) -> bool:
    if is_key(id_, 200):
        return True
    tally.refuse("customer-unusable", "A customer's id is too long, or has invisible characters.")
    return False


def _plan(
    scope: SyncScope, row: ListedCustomer, customer: Customer | None, planned: PlannedCustomers
) -> tuple[SyncEffect, tuple[FieldChange, ...]]:
    is_new = customer is None
    customer = customer or Customer(organisation=scope.organisation)
    planned.known[row.id] = customer
    before = _facts(customer)
    name, number = fit_text(row.name, 200), _number_of(row)
    customer.name = name or customer.name or number
    if row.number or is_new:
        customer.number = number
    customer.locale = fit_locale(row.locale) or customer.locale
    customer.integration_id, customer.source_id = scope.integration_id, row.id
    after = _facts(customer)
    changes = tuple(
        FieldChange(field=label, before=before[label], after=after[label])
        for label in before
        if before[label] != after[label]
    )
    if is_new or changes:
        planned.saved.append(customer)
    if is_new:
        return SyncEffect.NEW, ()
    return (SyncEffect.CHANGED, changes) if changes else (SyncEffect.UNCHANGED, ())


def _facts(customer: Customer) -> dict[str, str]:
    return {
        "customer name": customer.name,
        "customer number": customer.number,
        "language": customer.locale,
        "source": customer.integration_id or "",
    }


def _number_of(row: ListedCustomer) -> str:
    return fit_text(row.number, 64) or fit_text(row.id, 64)


def _imported(scope: SyncScope, ids: dict[str, str]) -> dict[str, Customer]:
    """Return the imported customers that are taken over by number, by the source's *ids*."""
    if not scope.takes_over:
        return {}
    found = Customer.objects.filter(organisation=scope.organisation, number__in=list(ids))
    return {
        ids[customer.number]: customer
        for customer in found
        if scope.may_take_over(customer.integration_id)
    }
