"""The addresses that are measured, by the page that they are a form of.

A page is measured at many addresses: with each filter, in each order, at the first and the last
page. Add a line here for each new page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Final
from urllib.parse import quote

_SORTS: Final = ("number", "customer", "date", "due", "amount", "open")
_SHOWS: Final = ("", "show=open", "show=overdue", "show=paid")
_FILTERS: Final = (
    "",
    "currency=GBP",
    "currency=CHF",
    "issued_from=2024-01-01&issued_to=2024-12-31",
    "issued_from=2025-03-01&issued_to=2025-03-31",
)
_SEARCHES: Final = (
    "INV00000500",
    "INV0001",
    "00500",
    "Willow",
    "Willow & Yew",
    "Largest",
    "119.00",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address of a page, and whose session asks for it."""

    page: str
    path: str
    session: str


def addresses(facts: dict[str, Any]) -> Iterator[Address]:
    """Yield all addresses for the seeded data of *facts*."""
    yield from _of_members(facts)
    yield from _of_contacts(facts)


def _of_members(facts: dict[str, Any]) -> Iterator[Address]:
    at = f"/backoffice/{facts['organisation']}"
    large, small = facts["customers"]

    def at_page(page: str, *paths: str) -> Iterator[Address]:
        for path in paths:
            yield Address(page=f"member: {page}", path=at + path, session=facts["owner"])

    yield from at_page("home", "")
    yield from at_page("list of invoices", *(f"/invoices?{query}" for query in _lists()))
    yield from at_page("invoices, searched", *(f"/invoices?{query}" for query in _searches()))
    of_one = (f"/invoices?customer={large}&{query}" for query in _lists())
    yield from at_page("invoices of the largest customer", *of_one)
    yield from at_page(
        "invoice and its form",
        f"/invoices/{facts['invoice']}",
        f"/invoices/{facts['invoice']}/edit",
        "/invoices/new",
    )
    yield from at_page("list of customers", "/customers", "/customers?page=last")
    words = ("Willow", "illow & Y", "Wi", "C05", "nothing-like-it")
    yield from at_page("customers, searched", *(f"/customers?q={quote(word)}" for word in words))
    yield from at_page(
        "customer and its form",
        *(f"/customers/{each}" for each in (large, small)),
        f"/customers/{large}/edit",
        f"/customers/{large}/remove",
        "/customers/new",
    )
    yield from at_page(
        "search of the customer field", *(f"/customers/search?q={quote(w)}" for w in words)
    )
    yield from at_page("list of runs", *(f"/runs?{query}" for query in _runs(facts)))
    searches = (facts["run"], "INV00000500", "Largest", "Willow", "C-2", "nothing-like-it")
    found = (f"/runs?search={quote(word)}" for word in searches)
    of_many = (f"/runs?search=Largest&{query}" for query in ("outcome=failed", "kind=view"))
    yield from at_page("runs, searched", *found, *of_many)
    yield from at_page("run", f"/runs/{facts['run']}")
    sources = ("", "?page=last", "?q=Source+9999", "?q=ource", "?q=nothing-like-it")
    yield from at_page("list of integrations", *(f"/integrations{query}" for query in sources))
    source = f"/integrations/{facts['integration']}"
    yield from at_page("integration and the presets", source, "/integrations/add")
    statements = (f"/customers/{each}/statement" for each in (large, small))
    yield from at_page("statement of a customer", *statements)
    others = ("start", "keys", "members", "settings", "jobs", "imports", "webhooks", "notices")
    yield from at_page("other pages", *(f"/{name}" for name in others))
    yield from at_page("unassigned and hidden", "/invoices/unassigned", "/invoices/hidden")


def _of_contacts(facts: dict[str, Any]) -> Iterator[Address]:
    for session, whose in zip(facts["contacts"], ("with 50,000", "with 3"), strict=True):
        paths = [f"/?{query}" for query in (*_lists(), *_searches())]
        for path in paths:
            yield Address(page=f"contact {whose}: list", path=path, session=session)
        for path in ("/statement", "/downloads"):
            yield Address(page=f"contact {whose}: other pages", path=path, session=session)


def _runs(facts: dict[str, Any]) -> Iterator[str]:
    """Yield filters of the list of runs: the first and the last page of each."""
    kinds = ("", "kind=view", "kind=try")
    more = ("", f"integration={facts['integration']}", "integration=Source+77")
    for outcome, kind, rest in product(("", "outcome=ok", "outcome=failed"), kinds, more):
        query = "&".join(part for part in (outcome, kind, rest) if part)
        yield query
        yield f"{query}&page=last"


def _lists() -> Iterator[str]:
    """Yield filters and orders: the first and the last page of each."""
    for show, more, sort, sign in product(_SHOWS, _FILTERS, _SORTS, ("", "-")):
        query = "&".join(part for part in (show, more, f"sort={sign}{sort}") if part)
        yield query
        if not show and not more:
            yield f"{query}&page=last"


def _searches() -> Iterator[str]:
    for word, show in product(_SEARCHES, ("", "show=open&sort=number", "sort=-amount")):
        yield f"q={quote(word)}&{show}"
