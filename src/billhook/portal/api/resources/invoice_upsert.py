"""Saves invoices by the ids that they have in the operator's system.

The rules are those of a file that is imported: the same planner decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import IntegrityError, transaction
from pydantic import ValidationError

from billhook.portal.api.resources.invoice_fields import (
    RefusedBecause,
    RowResult,
    RowResults,
    SentInvoice,
)
from billhook.portal.api.validation import problems_of
from billhook.portal.imports.effect import Effect
from billhook.portal.imports.invoices.facts import FileInvoice
from billhook.portal.imports.invoices.plan import InvoicePlanner, PlannedInvoice
from billhook.portal.imports.invoices.write import write_planned
from billhook.portal.invoices.access import invoices_by_source, invoices_numbered
from billhook.portal.invoices.models import Invoice, InvoiceType, Status
from billhook.portal.organisations.models import Organisation

_ATTEMPTS: Final = 3
_WORDS: Final = {
    Effect.CREATE: "created",
    Effect.CHANGE: "changed",
    Effect.KEEP: "unchanged",
    Effect.REFUSE: "refused",
}


@dataclass(slots=True, kw_only=True)
class _Row:
    """A row on its way: its place, its fields, and its result once that is known."""

    place: int
    fields: SentInvoice | None = None
    number: str = ""
    known: Invoice | None = None
    result: RowResult | None = None

    def refuse(self, *problems: RefusedBecause) -> None:
        """Note that the row isn't saved, and why."""
        self.result = RowResult(row=self.place, result="refused", problems=list(problems))


@dataclass(slots=True, kw_only=True)
class _Seen:
    """The numbers and ids of the rows so far, with their places."""

    numbers: dict[str, int] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)


def save_rows(*, organisation: Organisation, rows: Sequence[dict[str, Any]]) -> RowResults:
    """Save each of *rows* that can be, and return the results.

    An invoice is found by the id in the operator's system, or else by its number.
    """
    read = [_read(place, row) for place, row in enumerate(rows)]
    results = _saved(organisation, read)
    counts: Counter[str] = Counter(result.result for result in results)
    return RowResults(counts={word: counts[word] for word in _WORDS.values()}, results=results)


def save_row(*, organisation: Organisation, row: SentInvoice) -> RowResult:
    """Save one row, whose fields are valid."""
    return _saved(organisation, [_Row(place=0, fields=row)])[0]


def _read(place: int, row: dict[str, Any]) -> _Row:
    read = _Row(place=place)
    try:
        read.fields = SentInvoice.model_validate(row)
    except ValidationError as error:
        found = problems_of(error.errors(include_url=False, include_input=False), skip=0)
        read.refuse(*(_problem(each.message, each.where, each.code) for each in found))
    return read


def _saved(organisation: Organisation, rows: list[_Row]) -> list[RowResult]:
    """Plan and write; again if another process has saved the same invoices meanwhile."""
    before = [row.result for row in rows]
    for attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                _save(organisation, rows)
            break
        except IntegrityError:
            if attempt == _ATTEMPTS - 1:
                raise
            for row, result in zip(rows, before, strict=True):
                row.result, row.known = result, None
    return [row.result for row in rows if row.result is not None]


def _save(organisation: Organisation, rows: list[_Row]) -> None:
    _identify(organisation, [row for row in rows if row.result is None])
    ours = [row for row in rows if row.result is None]
    planner = InvoicePlanner(organisation, zeros_may_be_lost=False)
    known = {row.number: row.known for row in ours if row.known is not None}
    planned = planner.plan([_as_file_row(row) for row in ours], known=known)
    written, _ = write_planned(organisation, planned)
    ids = {one.planned.number: one.invoice.id for one in written}
    for row, plan in zip(ours, planned, strict=True):
        row.result = _result(row, plan, ids)


def _identify(organisation: Organisation, rows: list[_Row]) -> None:
    """Find the invoice that each row means, and its number; refuse rows that mean none or two."""
    ids = [row.fields.source_id for row in rows if row.fields and row.fields.source_id]
    by_source = invoices_by_source(organisation, ids)
    seen = _Seen()
    for row in rows:
        _identify_one(row, by_source)
        if row.result is None:
            _refuse_twin(row, seen)
    numbered = invoices_numbered(organisation, [row.number for row in rows])
    by_number = {invoice.number: invoice for invoice in numbered}
    for row in rows:
        if row.result is None:
            _compare(row, by_number.get(row.number))


def _identify_one(row: _Row, by_source: dict[str, list[Invoice]]) -> None:
    assert row.fields is not None  # noqa: S101 - for the type checker: others have a result
    source_id = row.fields.source_id or ""
    found = by_source.get(source_id, [])
    if len(found) > 1:
        row.refuse(_problem(f"Several invoices have the id {source_id}.", "source_id"))
        return
    row.known = found[0] if found else None
    row.number = row.fields.number or (row.known.number if row.known else source_id)
    if not row.number:
        row.refuse(_problem("The number is missing. Add it, or source_id.", "number"))


def _refuse_twin(row: _Row, seen: _Seen) -> None:
    source_id = row.fields.source_id if row.fields else None
    first = seen.numbers.setdefault(row.number, row.place)
    if source_id:
        first = min(first, seen.ids.setdefault(source_id, row.place))
    if first != row.place:
        row.refuse(_problem(f"Row {first} is for the same invoice. Send it once.", "number"))


def _compare(row: _Row, numbered: Invoice | None) -> None:
    """Refuse a row whose number and id are those of two invoices."""
    source_id = row.fields.source_id if row.fields else None
    if numbered is None:
        return
    if row.known is not None and row.known.id != numbered.id:
        message = f"Invoice {row.number} already exists. Invoice numbers must be unique."
        row.refuse(_problem(message, "number"))
    elif row.known is None and source_id and numbered.source_id not in {"", source_id}:
        message = f"Invoice {row.number} has another id in your system: {numbered.source_id}."
        row.refuse(_problem(message, "source_id"))
    else:
        row.known = numbered


def _as_file_row(row: _Row) -> FileInvoice:
    fields = row.fields
    assert fields is not None  # noqa: S101 - for the type checker
    given = fields.model_dump(exclude_none=True)
    given |= {"number": row.number, "lines": (row.place,)}
    if fields.status is not None:
        given["status"] = Status(fields.status)
    if fields.type is not None:
        given["type"] = InvoiceType(fields.type)
    return FileInvoice(**given)


def _result(row: _Row, plan: PlannedInvoice, ids: dict[str, str]) -> RowResult:
    if plan.effect is Effect.REFUSE:
        row.refuse(*(_problem(reason) for reason in plan.reasons))
        assert row.result is not None  # noqa: S101 - for the type checker
        return row.result
    id_ = ids.get(plan.number) or (plan.known.id if plan.known else None)
    word: Any = _WORDS[plan.effect]
    return RowResult(row=row.place, result=word, id=id_)


def _problem(message: str, where: str = "", code: str = "refused") -> RefusedBecause:
    return RefusedBecause(code=code, where=where, message=message)
