"""The books that go on: payments and new invoices, and what has changed since a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final

from billhook.sample.ledger import SampleCustomer, SampleInvoice
from billhook.sample.statement import SampleStatement, make_statement

_MORNING: Final = time(8, tzinfo=UTC)
_PAYABLE: Final = frozenset({"open", "part_paid"})


class NothingToPay(Exception):
    """There is no such invoice, or nothing of it is open."""


class NothingToIssue(Exception):
    """There is no such invoice, or it isn't a draft."""


class Books:
    """The invoices with what was done here; *file*, if there is one, keeps that."""

    def __init__(self, invoices: Sequence[SampleInvoice], *, file: Path | None = None) -> None:
        self._invoices = {invoice.number: invoice for invoice in invoices}
        self._file = file
        self._paid: dict[str, str] = {}
        self._issued: dict[str, str] = {}
        if file is not None and file.exists():
            done = json.loads(file.read_text(encoding="utf-8"))
            self._paid = done.get("paid", {})
            self._issued = done.get("issued", {})

    def find(self, number: str) -> SampleInvoice | None:
        """Return the invoice *number* as it is now, or None."""
        invoice = self._invoices.get(number)
        if invoice is None:
            return None
        if number in self._paid:
            return replace(invoice, status="paid", paid=invoice.total)
        return replace(invoice, status="open") if number in self._issued else invoice

    def changed_at(self, invoice: SampleInvoice) -> datetime:
        """Return the time of the invoice's last change."""
        done = self._paid.get(invoice.number) or self._issued.get(invoice.number)
        if done:
            return datetime.fromisoformat(done)
        return datetime.combine(invoice.issued_on, _MORNING)

    def pay(self, number: str) -> SampleInvoice:
        """Pay all that is open of the invoice *number*, and return it.

        Raises:
            NothingToPay: if there is no such invoice, or nothing of it is open.
        """
        invoice = self.find(number)
        if invoice is None or invoice.status not in _PAYABLE:
            raise NothingToPay
        self._note(self._paid, number)
        return self._invoices[number]

    def issue(self, number: str) -> None:
        """Make an invoice of the draft *number*.

        Raises:
            NothingToIssue: if there is no such invoice, or it isn't a draft.
        """
        invoice = self.find(number)
        if invoice is None or invoice.status != "draft":
            raise NothingToIssue
        self._note(self._issued, number)

    def _note(self, done: dict[str, str], number: str) -> None:
        done[number] = datetime.now(UTC).isoformat()
        if self._file is not None:
            text = json.dumps({"paid": self._paid, "issued": self._issued})
            self._file.write_text(text, encoding="utf-8")

    def payable(self) -> list[SampleInvoice]:
        """Return the invoices of which something is open, newest first."""
        current = [self.find(number) for number in reversed(self._invoices)]
        return [each for each in current if each is not None and each.status in _PAYABLE]

    def customers(self) -> list[SampleCustomer]:
        """Return everybody whom an invoice is for."""
        customers = (invoice.customer for invoice in self._invoices.values())
        return list({each.number: each for each in customers}.values())

    def statement(self, number: str, *, start: date, end: date) -> SampleStatement | None:
        """Return the statement of the customer *number*, or None if there is no such customer."""
        customer = next((each for each in self.customers() if each.number == number), None)
        if customer is None:
            return None
        current = [each for name in self._invoices if (each := self.find(name)) is not None]
        return make_statement(customer, current, start=start, end=end)

    def changed(self, since: datetime | None) -> list[dict[str, Any]]:
        """Return the rows that changed at *since* or later, the oldest change first."""
        current = [self.find(number) for number in self._invoices]
        found = [(self.changed_at(each), each) for each in current if each is not None]
        wanted = [(at, each) for at, each in found if since is None or at >= since]
        wanted.sort(key=lambda pair: (pair[0], pair[1].id))
        return [_row(each, at) for at, each in wanted]


def _row(invoice: SampleInvoice, changed: datetime) -> dict[str, Any]:
    return {
        "id": invoice.id,
        "number": invoice.number,
        "customer": invoice.customer.number,
        "date": invoice.issued_on.isoformat(),
        "due_date": invoice.due_on.isoformat(),
        "amount": f"{invoice.total:.2f}",
        "open_amount": f"{invoice.due:.2f}",
        "currency": invoice.customer.currency,
        "status": invoice.status,
        "order": invoice.order,
        "changed": changed.isoformat(timespec="seconds"),
    }
