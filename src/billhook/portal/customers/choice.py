"""The choice of one customer among very many: by what was typed, and by what was picked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from billhook.portal.customers.models import Customer
from billhook.portal.customers.search import customers_matching

MOST_OFFERED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerChoice:
    """The customer that was chosen, if any; else the matches to choose from, or a *problem*."""

    customer: Customer | None = None
    matches: tuple[Customer, ...] = ()
    problem: str = ""


def label_of(customer: Customer) -> str:
    """Return the words for *customer* in a field: typed again, they choose it again."""
    return f"{customer.name} ({customer.number})"


def choose_customer(
    customers: QuerySet[Customer], *, picked: str, typed: str | None
) -> CustomerChoice:
    """Return the choice among *customers*: *picked* is an id, *typed* a name, number or label.

    Without *typed* (None), as in a link, the id alone counts. Otherwise *picked* counts only if it
    matches *typed*, because a browser without JavaScript sends an id that was picked before.
    """
    found = customers.filter(id=picked[:20]).first() if picked else None
    if typed is None:
        return CustomerChoice(customer=found, problem=_GONE if picked and not found else "")
    typed = typed.replace("\0", "").strip()[:300]
    if not typed:
        return CustomerChoice()
    if found is not None and _matches(found, typed):
        return CustomerChoice(customer=found)
    return _by_words(customers, typed)


_GONE: Final = "This customer doesn't exist. Choose one from the list."


def _matches(customer: Customer, typed: str) -> bool:
    return typed.casefold() in label_of(customer).casefold()


def _by_words(customers: QuerySet[Customer], typed: str) -> CustomerChoice:
    exact = list(customers.filter(_exactly(typed))[:2])
    found = exact if len(exact) == 1 else offered(customers, typed)
    if len(found) == 1:
        return CustomerChoice(customer=found[0])
    if not found:
        return CustomerChoice(problem=f"No customer has “{typed}” in its name or number.")
    many = "More than 20" if len(found) > MOST_OFFERED else str(len(found))
    problem = f"{many} customers match “{typed}”. Choose one of them, or type more."
    return CustomerChoice(matches=tuple(found[:MOST_OFFERED]), problem=problem)


def _exactly(typed: str) -> Q:
    name, _, number = typed.removesuffix(")").rpartition(" (")
    exactly = Q(number=typed) | Q(name=typed)
    return exactly | Q(name=name, number=number) if typed.endswith(")") else exactly


def offered(customers: QuerySet[Customer], typed: str) -> list[Customer]:
    """Return the first of *customers* that match *typed*: one more than are offered at a time."""
    found = customers_matching(customers, typed) if typed else customers
    return list(found.order_by("name", "id")[: MOST_OFFERED + 1])
