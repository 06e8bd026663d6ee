"""The laboratory's invoices: ten whose numbers are hard to send, decoys next to them, a draft."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from billhook.engine.testing import make_pdf

NUMBERS: Final = (
    "INV0000001",
    "INV/2024/0001",
    "A&B=C",
    'O\'Brien "7"',
    "Ñ-100%",
    "#7",
    "a+b",
    "00123",
    "x y",
    "{{InvoiceNumber}}",
)
DECOYS: Final = ("INV0000001-2", "INV00000010", "A", "O", "7", "123", "x  y", "a b", "x")
"""Numbers near the ten: a lookup that is quoted wrongly, or is too wide, finds one of these."""
UNKNOWN: Final = "INV0009999"
DRAFT: Final = "DRAFT-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One invoice of a stand-in: its number, what systems call it instead, and its document."""

    number: str
    serial: int
    pdf: bytes
    is_draft: bool = False

    @property
    def uuid(self) -> str:
        """An id as many systems give it."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"invoice {self.serial}"))

    @property
    def key(self) -> str:
        """A short id of letters and digits."""
        return uuid.uuid5(uuid.NAMESPACE_OID, f"key {self.serial}").hex[:16]


def make_invoices() -> tuple[Invoice, ...]:
    """Return the ten, the decoys and the draft; no two documents are the same."""
    numbers = (*NUMBERS, *DECOYS, DRAFT)
    return tuple(
        Invoice(
            number=number,
            serial=48211 + 7 * index,
            pdf=make_pdf(1000 + index),
            is_draft=number == DRAFT,
        )
        for index, number in enumerate(numbers)
    )
