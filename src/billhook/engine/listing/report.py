"""The report of a dry run: what a list gives, before anything of it is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from billhook.engine.listing.listing import Listing
from billhook.engine.listing.page import ListedPage
from billhook.engine.listing.rows import (
    ListedContact,
    ListedCustomer,
    ListedInvoice,
    ListedRow,
    RowProblem,
)

SAMPLE: Final = 20
"""So many rows are shown next to their source."""


@dataclass(slots=True)
class _Reasons:
    """Problems by their code: how many, and the first of each."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, RowProblem] = field(default_factory=dict)

    def add(self, problems: Iterable[RowProblem]) -> None:
        for problem in problems:
            self.counts[problem.code] += 1
            self.first.setdefault(problem.code, problem)

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {
                "code": code,
                "count": count,
                "row": self.first[code].row,
                "field": self.first[code].field,
                "message": self.first[code].message,
            }
            for code, count in self.counts.most_common()
        ]


@dataclass(slots=True)
class _Total:
    """The invoices of one status and currency."""

    count: int = 0
    amount: Decimal = Decimal(0)
    open: Decimal = Decimal(0)

    def add(self, row: ListedInvoice) -> None:
        self.count += 1
        self.amount += row.amount
        self.open += Decimal(0) if row.open_amount is None else row.open_amount


class ListReport:
    """The report on one list, which grows page by page."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._rows = self._excluded = self._pages = self.requests = 0
        self._complete = False
        self._total: int | None = None
        self._skipped, self._stops, self._remarks = _Reasons(), _Reasons(), _Reasons()
        self._statuses: Counter[tuple[str, str]] = Counter()
        self._totals: dict[tuple[str, str], _Total] = {}
        self._days: dict[str, tuple[date, date]] = {}
        self._sample: list[dict[str, Any]] = []

    def add(self, page: ListedPage) -> None:
        """Count the rows of *page*."""
        self._pages += 1
        self._rows += len(page.rows)
        self._excluded += page.excluded
        self.requests, self._complete, self._total = page.requests, page.complete, page.total
        self._skipped.add(page.skipped)
        self._stops.add(page.stops)
        self._remarks.add(page.remarks)
        for row in page.rows:
            if len(self._sample) < SAMPLE:
                self._sample.append(_shown(row))
            if isinstance(row, ListedInvoice):
                self._add_invoice(row)

    def _add_invoice(self, row: ListedInvoice) -> None:
        source = dict(row.source).get("status", "")
        self._statuses[source, row.status] += 1
        self._totals.setdefault((row.status, row.currency), _Total()).add(row)
        for name, day in (("date", row.date), ("due_date", row.due_date)):
            if day is not None:
                first, last = self._days.get(name, (day, day))
                self._days[name] = (min(first, day), max(last, day))

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values. Statuses that aren't listed come first."""
        return {
            "command": self._listing.name,
            "pages": self._pages,
            "requests": self.requests,
            "rows": self._rows,
            "excluded": self._excluded,
            "complete": self._complete,
            "total": self._total,
            "stops": self._stops.to_json(),
            "skipped": self._skipped.to_json(),
            "remarks": self._remarks.to_json(),
            "statuses": [
                {"source": source, "status": status, "count": count}
                for (source, status), count in self._statuses.most_common()
            ],
            "totals": [
                {
                    "status": status,
                    "currency": currency,
                    "count": total.count,
                    "amount": str(total.amount),
                    "open": str(total.open),
                }
                for (status, currency), total in sorted(self._totals.items())
            ],
            "dates": {
                name: [first.isoformat(), last.isoformat()]
                for name, (first, last) in self._days.items()
            },
            "sample": self._sample,
        }


class PeopleReport:
    """Customers without contacts, and addresses at several customers, over all lists."""

    def __init__(self) -> None:
        self._customers: set[str] = set()
        self._with_contact: set[str] = set()
        self._homes: dict[str, set[str]] = {}

    def add(self, rows: Iterable[ListedRow]) -> None:
        """Note the people in *rows*."""
        for row in rows:
            if isinstance(row, ListedCustomer):
                self._customers.add(row.id)
                self._note(row.id, row.email)
                for contact in row.contacts or ():
                    self._note(row.id, contact.email)
            elif isinstance(row, ListedContact):
                self._note(row.customer, row.email if row.active else ())
            elif isinstance(row, ListedInvoice) and row.customer:
                self._customers.add(row.customer)
                self._note(row.customer, row.contact_email)

    def _note(self, customer: str, emails: Iterable[str]) -> None:
        for email in emails:
            self._with_contact.add(customer)
            self._homes.setdefault(email, set()).add(customer)

    @property
    def customers(self) -> tuple[str, ...]:
        """The ids of all customers so far, in order."""
        return tuple(sorted(self._customers))

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {
            "customers": len(self._customers),
            "customers_without_contacts": len(self._customers - self._with_contact),
            "contacts_at_several_customers": sum(len(each) > 1 for each in self._homes.values()),
        }


def _shown(row: ListedRow) -> dict[str, Any]:
    """Return a row next to its source."""
    skipped = {"row", "source", "contacts"}
    result = {
        each.name: _plain(getattr(row, each.name))
        for each in fields(row)
        if each.name not in skipped
    }
    return {"row": row.row, "source": dict(row.source), "result": result}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def reason_lines(report: Mapping[str, Any]) -> list[str]:
    """Return the reasons in a report for people, the gravest first."""
    lines = []
    for key, word in (("stops", "stops the run"), ("skipped", "skipped"), ("remarks", "remark")):
        for each in report[key]:
            place = f"row {each['row']}: " if each["row"] else ""
            lines.append(f"{each['count']:,} × {each['code']} ({word}): {place}{each['message']}")
    return lines
