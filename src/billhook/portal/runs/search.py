"""The search in the list of runs: by a run's number, an invoice's number, or a customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from billhook.portal.customers.access import customer_ids_found
from billhook.portal.invoices.access import invoice_ids_numbered
from billhook.portal.organisations.models import Member
from billhook.portal.runs.access import (
    are_for_customers,
    ids_of_click,
    ids_of_customers,
    ids_of_invoices,
    is_for_customers,
)

CUSTOMERS: Final = 20
"""The customers of whom runs are shown, if more are found."""
FEW: Final = 2_000
"""So many runs are named by their ids. Of more, one is soon met on the way through the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSearch:
    """The condition for the runs that a search means, written for two uses.

    *on_the_way* is quick to check for one run after another, in the list's order, until a page is
    full. *in_any_order* begins with what was found, so that all runs are counted quickly: no run
    fits two of these conditions.
    """

    on_the_way: Q
    in_any_order: tuple[Q, ...]
    is_partial: bool = False
    """Whether more customers fit than those whose runs are meant."""


def found_by(member: Member, search: str) -> RunSearch:
    """Return the condition for the runs of *member*'s organisation that *search* means.

    Where it is neither a number nor a customer, it is taken for an outcome.
    """
    found = customer_ids_found(member, search, most=CUSTOMERS + 1)
    customers, is_partial = found[:CUSTOMERS], len(found) > CUSTOMERS
    ids = [
        *ids_of_click(member, search.lower()),
        *ids_of_invoices(member, invoice_ids_numbered(member, search), most=FEW),
    ]
    of_customers = ids_of_customers(member, customers, most=FEW + 1) if customers else []
    if len(of_customers) > FEW:
        return RunSearch(
            on_the_way=is_for_customers(customers) | Q(id__in=ids),
            in_any_order=are_for_customers(member, customers),
            is_partial=is_partial,
        )
    named = {*ids, *of_customers}
    condition = Q(id__in=named) if named else _has_outcome(search.lower())
    return RunSearch(on_the_way=condition, in_any_order=(condition,), is_partial=is_partial)


def _has_outcome(outcome: str) -> Q:
    """Return the condition for runs with this outcome. Failed ones have an index of their own."""
    return Q(outcome=outcome) if outcome == "ok" else Q(outcome=outcome) & ~Q(outcome="ok")
