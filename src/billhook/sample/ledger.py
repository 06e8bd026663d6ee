"""The made-up company's books: its customers and 200 invoices, the same ones for the same day."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

COUNT: Final = 200
_SEED: Final = "alder-and-finch"
_CENT: Final = Decimal("0.01")
_TERMS_DAYS: Final = 30
_DRAFTS: Final = 2
_CREDITED: Final = frozenset({41, 108, 175})
_WITH_ORDER: Final = 0.6
_LONG: Final = 0.13
# (older than so many days, how many in a hundred are paid, part paid and open)
_ODDS: Final = (
    (2 * _TERMS_DAYS, (95, 0, 5)),
    (_TERMS_DAYS, (40, 30, 30)),
    (0, (25, 0, 75)),
)
_PARTLY: Final = Decimal("0.4")
_PLURALS: Final = MappingProxyType({"mailbox": "mailboxes", "person": "people", "TB": "TB"})


class Oddity(StrEnum):
    """The oddities of certain invoices, instead of their documents."""

    SLOW = "slow"
    FAILING = "failing"
    NOT_MADE = "not_made"
    SIGN_IN_PAGE = "sign_in_page"


ODDITIES: Final[Mapping[str, Oddity]] = MappingProxyType(
    {
        "INV0000190": Oddity.SLOW,
        "INV0000187": Oddity.FAILING,
        "INV0000184": Oddity.NOT_MADE,
        "INV0000181": Oddity.SIGN_IN_PAGE,
    }
)
"""The invoices that don't go well; all of them belong to the first customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A contact at a customer."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCustomer:
    """Whom invoices are for. ``vat_percent`` is 0 for reverse charge: the customer pays the tax."""

    number: str
    name: str
    address: tuple[str, ...]
    vat_number: str
    currency: str
    vat_percent: int
    locale: str
    contacts: tuple[Person, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleLine:
    """One line of an invoice."""

    title: str
    detail: str
    quantity: int
    unit: str
    price: Decimal

    @property
    def amount(self) -> Decimal:
        """Quantity times price."""
        return self.price * self.quantity

    @property
    def measure(self) -> str:
        """Quantity and unit, such as "1 seat" and "2 seats"."""
        unit = self.unit if self.quantity == 1 else _PLURALS.get(self.unit, f"{self.unit}s")
        return f"{self.quantity} {unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleInvoice:
    """One invoice with everything in its document."""

    number: str
    id: int
    customer: SampleCustomer
    issued_on: date
    due_on: date
    order: str
    lines: tuple[SampleLine, ...]
    status: str
    paid: Decimal

    @property
    def net(self) -> Decimal:
        """The sum of the lines."""
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def vat(self) -> Decimal:
        """The tax on the sum, rounded half up to the cent."""
        return _cents(self.net * self.customer.vat_percent / 100)

    @property
    def total(self) -> Decimal:
        """The net amount of the invoice."""
        return self.net + self.vat

    @property
    def due(self) -> Decimal:
        """The amount that is still to be paid."""
        return self.total - self.paid


CUSTOMERS: Final = (
    SampleCustomer(
        number="C1001",
        name="Meridian Dental Group",
        address=("14 Eyre Square", "Galway", "H91 P2X8", "Ireland"),
        vat_number="IE 3628190TH",
        currency="EUR",
        vat_percent=23,
        locale="en-IE",
        contacts=(
            Person(name="Dana Reyes", email="dana@meridian.example"),
            Person(name="Tom Aherne", email="tom@meridian.example"),
        ),
    ),
    SampleCustomer(
        number="C1002",
        name="Quayside Architects",
        address=("The Sail Loft", "3 Custom House Quay", "Cork", "T12 W6KF", "Ireland"),
        vat_number="IE 4419073JA",
        currency="EUR",
        vat_percent=23,
        locale="en-IE",
        contacts=(Person(name="Róisín Kane", email="roisin@quayside.example"),),
    ),
    SampleCustomer(
        number="C1003",
        name="Foyle Valley Logistics",
        address=("Unit 8, Skeoge Park", "Derry", "BT48 8SE", "United Kingdom"),
        vat_number="GB 219 4470 63",
        currency="GBP",
        vat_percent=0,
        locale="en-GB",
        contacts=(Person(name="Colm Doherty", email="colm@foylevalley.example"),),
    ),
)

# (title, detail, unit, price, least and most of it)
_SERVICES: Final = (
    ("Managed workstation", "Monitoring, updates and help desk", "seat", "39.00", 4, 60),
    ("Managed server", "Patching, monitoring and monthly report", "server", "145.00", 1, 6),
    ("Managed firewall", "Rental with rule changes included", "device", "89.00", 1, 4),
    ("Mail and office licence", "Per named person, monthly", "licence", "12.60", 4, 60),
    ("Mail archive", "Ten years, searchable", "mailbox", "2.40", 4, 60),
    ("Backup, on site", "Hourly, kept for 30 days", "TB", "38.50", 1, 12),
    ("Backup, second location", "Nightly, encrypted, kept for a year", "TB", "24.00", 1, 12),
    ("Restore test", "One machine restored and started, with a record", "test", "120.00", 1, 2),
    ("Telephone extension", "Calls to national numbers included", "line", "8.90", 4, 45),
    ("Internet line, 500 Mbit/s", "Fixed address, answer within four hours", "line", "79.00", 1, 3),
    ("Wireless access point", "Rental, managed", "device", "11.00", 2, 24),
    ("Network switch, 48 ports", "Rental, managed", "device", "27.00", 1, 8),
    ("Engineer on site", "By the hour, travel included", "hour", "96.00", 1, 16),
    ("Engineer, remote", "By the hour, in quarters", "hour", "78.00", 1, 20),
    ("Security training", "Short lessons by e-mail, with a yearly report", "person", "3.20", 4, 60),
    ("Phishing drill", "One letter a quarter, results by department", "drill", "180.00", 1, 1),
    ("Notebook 14 inch", "16 GB, 512 GB, three years on-site warranty", "piece", "1,049.00", 1, 6),
    ("Monitor 27 inch", "USB-C, height-adjustable", "piece", "289.00", 1, 12),
    ("Docking station", "USB-C, two screens", "piece", "164.00", 1, 12),
    ("Device set-up", "Installed, labelled and brought to the desk", "device", "65.00", 1, 12),
    ("Recycling of old devices", "Disks wiped, with a certificate", "device", "18.00", 1, 20),
    ("Domain name", "Yearly, renewal included", "name", "19.00", 1, 4),
    ("Certificate, wildcard", "Yearly, installed by us", "piece", "159.00", 1, 1),
    ("Wiring", "Category 6A outlet, tested", "outlet", "112.00", 1, 14),
)


def make_ledger(today: date) -> tuple[SampleInvoice, ...]:
    """Create the 200 invoices as of *today*, oldest first."""
    rng = random.Random(_SEED)  # noqa: S311 - made-up data, the same each time
    return tuple(_invoice(rng, index, today) for index in range(COUNT))


def _invoice(rng: random.Random, index: int, today: date) -> SampleInvoice:
    customer = CUSTOMERS[index % len(CUSTOMERS)]
    issued_on = today - timedelta(days=3 * (COUNT - 1 - index) + 1)
    lines = _lines(rng)
    status = _status(rng, index, age=(today - issued_on).days)
    net = sum((line.amount for line in lines), Decimal(0))
    total = net + _cents(net * customer.vat_percent / 100)
    return SampleInvoice(
        number=f"INV{index + 1:07}",
        id=48211 + 7 * index,
        customer=customer,
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=_TERMS_DAYS),
        order=f"PO-{rng.randrange(2000, 9000)}" if rng.random() < _WITH_ORDER else "",
        lines=lines,
        status=status,
        paid=_paid(status, total),
    )


def _lines(rng: random.Random) -> tuple[SampleLine, ...]:
    """Most invoices have a handful of lines; about one in eight fills two or three pages."""
    count = rng.randrange(20, len(_SERVICES) + 1) if rng.random() < _LONG else rng.randrange(2, 9)
    chosen = sorted(rng.sample(range(len(_SERVICES)), count))
    return tuple(_line(rng, index) for index in chosen)


def _line(rng: random.Random, index: int) -> SampleLine:
    title, detail, unit, price, least, most = _SERVICES[index]
    return SampleLine(
        title=title,
        detail=detail,
        unit=unit,
        price=Decimal(price.replace(",", "")),
        quantity=rng.randrange(least, most + 1),
    )


def _status(rng: random.Random, index: int, *, age: int) -> str:
    """Return the status: the newest are drafts; the older an invoice, the likelier it is paid."""
    weights = next(weights for least, weights in _ODDS if age > least)
    status = rng.choices(("paid", "part_paid", "open"), weights)[0]
    if index >= COUNT - _DRAFTS:
        return "draft"
    return "credited" if index + 1 in _CREDITED else status


def _paid(status: str, total: Decimal) -> Decimal:
    if status in ("paid", "credited"):
        return total
    return _cents(total * _PARTLY) if status == "part_paid" else Decimal(0)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)
