"""Rows of a list as Billhook knows them: amounts, dates and statuses are mapped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeAlias

OPEN: Final = "open"
PART_PAID: Final = "part-paid"
PAID: Final = "paid"
VOID: Final = "void"
WRITTEN_OFF: Final = "written-off"
DRAFT: Final = "draft"
REMOVED: Final = "removed"
HIDDEN: Final = "hidden"
STATUSES: Final = (OPEN, PART_PAID, PAID, VOID, WRITTEN_OFF, DRAFT, REMOVED, HIDDEN)
"""The statuses of an invoice; the last three aren't shown to customers."""
NOT_SHOWN: Final = frozenset({DRAFT, REMOVED, HIDDEN})
INVOICE: Final = "invoice"
CREDIT_NOTE: Final = "credit-note"
TYPES: Final = (INVOICE, CREDIT_NOTE, HIDDEN)

Day: TypeAlias = date
SourceTexts = tuple[tuple[str, str], ...]
"""Each mapped field with the text that the source has for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedInvoice:
    """One invoice or credit note. ``customer`` is the source's id of it, or empty.

    The amounts of credit notes are positive. ``changed`` is in UTC. ``row`` is its number in the
    list, from 1.
    """

    row: int
    id: str
    number: str
    customer: str
    amount: Decimal
    currency: str
    open_amount: Decimal | None = None
    date: Day | None = None
    due_date: Day | None = None
    status: str = OPEN
    type: str = INVOICE
    po_number: str = ""
    link: str = ""
    changed: datetime | None = None
    customer_number: str = ""
    customer_name: str = ""
    contact_email: tuple[str, ...] = ()
    contact_name: str = ""
    is_removed: bool = False
    source: SourceTexts = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedContact:
    """One contact. Without an id, its key is its e-mail within the customer."""

    row: int
    id: str
    customer: str
    name: str = ""
    email: tuple[str, ...] = ()
    active: bool = True
    role: str = ""
    changed: datetime | None = None
    is_removed: bool = False
    source: SourceTexts = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCustomer:
    """One customer. ``contacts`` are those within its row; None where the map has none."""

    row: int
    id: str
    number: str = ""
    name: str = ""
    email: tuple[str, ...] = ()
    locale: str = ""
    active: bool = True
    changed: datetime | None = None
    contacts: tuple[ListedContact, ...] | None = None
    is_removed: bool = False
    source: SourceTexts = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRemoval:
    """The id of a removed invoice."""

    row: int
    id: str
    changed: datetime | None = None
    is_removed: bool = True
    source: SourceTexts = ()


ListedRow = ListedInvoice | ListedCustomer | ListedContact | ListedRemoval


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """A remark on a row, or the reason why it is left out.

    ``row`` is its number in the list; 0 is the page as a whole. ``field`` is that of the map.
    """

    row: int
    code: str
    message: str
    id: str = ""
    field: str = ""
