"""The two kinds of imports behind one face: read, planned in chunks, and written in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, Protocol, TypeVar

from billhook.portal.imports.columns.fields import ImportKind
from billhook.portal.imports.columns.mapping import Mapping, OpenQuestions
from billhook.portal.imports.customers.plan import CustomerPlanner, PlannedCustomer
from billhook.portal.imports.customers.reader import CustomerReader
from billhook.portal.imports.customers.write import write_customers
from billhook.portal.imports.effect import PlannedRow
from billhook.portal.imports.invoices.plan import InvoicePlanner, PlannedInvoice
from billhook.portal.imports.invoices.reader import InvoiceReader
from billhook.portal.imports.invoices.write import write_invoices
from billhook.portal.imports.models import FileImport, ImportedRow
from billhook.portal.imports.reading.table import FileTable
from billhook.portal.organisations.models import Organisation

CHUNK: Final = 100
"""Invoices, or rows with customers, that are written in one transaction at most: a few hundredths
of a second, in which nobody else can write to SQLite."""
Fitting = Callable[[int], int]
"""Gives the size of the next chunk, of at most so many items."""
_Item = TypeVar("_Item")


class ImportWork(Protocol):
    """The work of one import."""

    def chunks(self, start: int = 0, fitting: Fitting = int) -> Iterator[list[Any]]:
        """Yield what was read, in chunks of a fitting size, without the first *start* items."""
        ...

    def plan(self, chunk: list[Any]) -> Sequence[PlannedRow]:
        """Return the effects of a chunk. Pieces are planned in their order."""
        ...

    def is_stale(self, planned: Sequence[Any]) -> bool:
        """Return whether a planned chunk must be planned again: something was changed since."""
        ...

    def write(self, file_import: FileImport, planned: Sequence[Any]) -> list[ImportedRow]:
        """Write a planned chunk, and return the rows that record it."""
        ...

    def questions(self) -> OpenQuestions:
        """Return what the cells leave open."""
        ...

    def memory(self) -> dict[str, Any]:
        """Return what the plans so far leave for the next ones, for JSON."""
        ...

    def remember(self, memory: dict[str, Any]) -> None:
        """Go on with what :meth:`memory` returned in another process."""
        ...

    def others(self) -> dict[str, int]:
        """Return the counts of what is created in addition, as far as planned."""
        ...


class InvoiceWork:
    """The import of invoices."""

    def __init__(self, organisation: Organisation, table: FileTable, mapping: Mapping) -> None:
        self._reader = InvoiceReader(table, mapping)
        self._planner = InvoicePlanner(organisation, currency=mapping.currency)

    def chunks(self, start: int = 0, fitting: Fitting = int) -> Iterator[list[Any]]:
        """Yield the invoices, a chunk at a time."""
        return _in_chunks(islice(self._reader.items(), start, None), fitting)

    def plan(self, chunk: list[Any]) -> Sequence[PlannedInvoice]:
        """Return the effects of a chunk."""
        return self._planner.plan(chunk)

    def is_stale(self, planned: Sequence[Any]) -> bool:
        """Return whether a planned chunk must be planned again."""
        return self._planner.is_stale(planned)

    def write(self, file_import: FileImport, planned: Sequence[Any]) -> list[ImportedRow]:
        """Write a planned chunk."""
        return write_invoices(file_import, planned)

    def questions(self) -> OpenQuestions:
        """Return what the cells leave open."""
        return self._reader.questions()

    def memory(self) -> dict[str, Any]:
        """Return what the plans so far leave for the next ones."""
        return {"new_customers": self._planner.new_customers}

    def remember(self, memory: dict[str, Any]) -> None:
        """Go on with what :meth:`memory` returned."""
        self._planner.new_customers = dict(memory["new_customers"])

    def others(self) -> dict[str, int]:
        """Return the number of new customers."""
        return {"new_customers": len(self._planner.new_customers)}


class CustomerWork:
    """The import of customers and their contacts."""

    def __init__(self, organisation: Organisation, table: FileTable, mapping: Mapping) -> None:
        self._reader = CustomerReader(table, mapping)
        self._planner = CustomerPlanner(organisation)

    def chunks(self, start: int = 0, fitting: Fitting = int) -> Iterator[list[Any]]:
        """Yield the rows, a chunk at a time."""
        return _in_chunks(islice(self._reader.items(), start, None), fitting)

    def plan(self, chunk: list[Any]) -> Sequence[PlannedCustomer]:
        """Return the effects of a chunk."""
        return self._planner.plan(chunk)

    def is_stale(self, planned: Sequence[Any]) -> bool:
        """Return whether a planned chunk must be planned again."""
        return self._planner.is_stale(planned)

    def write(self, file_import: FileImport, planned: Sequence[Any]) -> list[ImportedRow]:
        """Write a planned chunk."""
        return write_customers(file_import, planned)

    def questions(self) -> OpenQuestions:
        """Return what the cells leave open."""
        return self._reader.questions()

    def memory(self) -> dict[str, Any]:
        """Return what the plans so far leave for the next ones."""
        return self._planner.memory()

    def remember(self, memory: dict[str, Any]) -> None:
        """Go on with what :meth:`memory` returned."""
        self._planner.remember(memory)

    def others(self) -> dict[str, int]:
        """Return the numbers of new customers and contacts."""
        return {
            "new_customers": len(self._planner.new_customers),
            "new_contacts": len(self._planner.new_contacts),
            "known_contacts": self._planner.known_contacts,
        }


_WORK: Final[dict[ImportKind, type[InvoiceWork | CustomerWork]]] = {
    ImportKind.INVOICES: InvoiceWork,
    ImportKind.CUSTOMERS: CustomerWork,
}


def work_of(
    organisation: Organisation, kind: ImportKind, table: FileTable, mapping: Mapping
) -> ImportWork:
    """Return the work of an import of *kind*."""
    return _WORK[kind](organisation, table, mapping)


def _in_chunks(items: Iterator[_Item], fitting: Fitting) -> Iterator[list[_Item]]:
    while chunk := list(islice(items, fitting(CHUNK))):
        yield chunk
