"""Fills an empty database with a large organisation, as far as its pages show it.

Run as a process of its own: ``python -m bench.data.seeding INVOICES CUSTOMERS RUNS INTEGRATIONS``.
It prints what the measuring needs as JSON. Rows go in as fast as the database takes them, by COPY
or executemany, so that the database's own triggers count them like all others.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from billhook.engine.config import CommandConfig, StepConfig
from billhook.server.django_setup import set_up_django

set_up_django()

from django.conf import settings  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402

from bench.seeding import session_of  # noqa: E402
from billhook.portal.accounts.models import User  # noqa: E402
from billhook.portal.customers.models import Contact, Customer  # noqa: E402
from billhook.portal.customers.services import invite_contact, save_customer  # noqa: E402
from billhook.portal.integrations.drafts import Draft  # noqa: E402
from billhook.portal.integrations.models import Integration  # noqa: E402
from billhook.portal.integrations.services import create_integration  # noqa: E402
from billhook.portal.invoices.models import Invoice  # noqa: E402
from billhook.portal.organisations.models import Organisation  # noqa: E402
from billhook.portal.organisations.services import create_organisation  # noqa: E402
from billhook.portal.runs.models import Run  # noqa: E402
from billhook.server.database import prepare_database  # noqa: E402
from billhook.server.keys import check_keys  # noqa: E402

WORDS = [
    "Alder",
    "Birch",
    "Cedar",
    "Elm",
    "Fir",
    "Hazel",
    "Ivy",
    "Larch",
    "Maple",
    "Oak",
    "Pine",
    "Rowan",
    "Thorn",
    "Willow",
    "Yew",
]
SIGNS = "0123456789abcdefghjkmnpqrstvwxyz"
AT_ONCE = 50_000
LARGEST = 50_000
"""Invoices of the largest customer, at most; it is a twentieth of all otherwise."""

Values = dict[str, Any]
choose = random.Random(5)
now = datetime.now(UTC)


def seed(invoices: int, customers: int, runs: int, integrations: int) -> dict[str, Any]:
    """Fill the database and return the ids that the pages' addresses need."""
    prepare_database()
    check_keys()
    owner = create_organisation(name="Bench", owner_email="owner@bench.example")
    organisation = owner.organisation
    large = save_customer(organisation=organisation, number="C-1", name="Largest Customer")
    small = save_customer(organisation=organisation, number="C-2", name="Small Customer")
    contacts = [
        invite_contact(customer=each, email=f"contact@{each.number.lower()}.example")
        for each in (large, small)
    ]
    source = create_integration(organisation=organisation, draft=_draft())
    _copies_of(source, integrations - 1)
    ids = _customers(organisation, customers)
    some, many = _invoices(organisation, [large.id, small.id], ids, invoices)
    last_run = _runs(organisation, source, some, runs)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {
        "organisation": organisation.id,
        "customers": [large.id, small.id],
        "invoice": some[0],
        "invoices": many,
        "run": last_run,
        "integration": source.id,
        "cookie": settings.SESSION_COOKIE_NAME,
        "owner": session_of(owner.user),
        "contacts": [session_of(contact.user) for contact in contacts],
    }


def _draft() -> Draft:
    step = StepConfig(method="GET", url="https://billing.example.com/{{InvoiceNumber}}")
    commands = (CommandConfig(name="GetInvoiceImage", steps=(step,)),)
    return Draft(name="Source", commands=commands)


def _copies_of(source: Integration, count: int) -> None:
    values = {field.attname: getattr(source, field.attname) for field in _fields(Integration)}
    _load_many(
        Integration,
        count,
        lambda at: values | {"id": _new_id(), "name": f"Source {at}", "position": at + 2},
    )


def _customers(organisation: Organisation, count: int) -> list[str]:
    ids = [_new_id() for _ in range(count)]
    people = [_new_id() for _ in range(count // 5)]
    _load_many(
        Customer,
        count,
        lambda at: {
            "id": ids[at],
            "organisation_id": organisation.id,
            "number": f"C{at:06}",
            "name": f"{choose.choice(WORDS)} & {choose.choice(WORDS)} {at}",
            "created_at": now,
        },
    )
    _load_many(
        User,
        len(people),
        lambda at: {
            "id": people[at],
            "password": "!x",
            "email": f"u{at}@many.example",
            "name": f"Person {at}",
            "created_at": now,
        },
    )
    _load_many(
        Contact,
        len(people),
        lambda at: {
            "id": _new_id(),
            "customer_id": ids[at],
            "user_id": people[at],
            "created_at": now,
        },
    )
    return ids


def _invoices(
    organisation: Organisation, known: list[str], customers: list[str], count: int
) -> tuple[list[str], int]:
    """Load the invoices; return the ids of some, and their number."""
    large, small = min(LARGEST, count // 20), 3
    some: list[str] = []

    def one(at: int) -> Values:
        status = choose.choices(
            ("paid", "open", "part_paid", "draft", "credited"), (70, 15, 5, 5, 5)
        )
        cents = choose.randrange(1_000, 5_000_000)
        still = {"open": cents, "part_paid": cents // 2}.get(status[0], 0)
        # numbers rise with dates, as they do in real life; the unpaid ones are the newest
        age = choose.randrange(120) if still else (count - at) * 1825 // count
        day = date.today() - timedelta(days=age)  # noqa: DTZ011 - any day does
        owner = (
            known[0] if at < large else known[1] if at < large + small else choose.choice(customers)
        )
        row_id = _new_id()
        if len(some) < 20_000:  # noqa: PLR2004 - enough for the runs
            some.append(row_id)
        return {
            "id": row_id,
            "organisation_id": organisation.id,
            "customer_id": owner,
            "number": f"INV{at:08}",
            "source_id": str(at),
            "issued_on": day,
            "due_on": None if at % 50 == 0 else day + timedelta(days=30),
            "amount": f"{cents // 100}.{cents % 100:02}",
            "open_amount": f"{still // 100}.{still % 100:02}",
            "currency": choose.choices(("EUR", "USD", "GBP", "CHF"), (80, 15, 4.9, 0.1))[0],
            "status": status[0],
            "created_at": now,
            "changed_at": now,
        }

    _load_many(Invoice, count, one)
    return some, count


def _runs(organisation: Organisation, source: Integration, invoices: list[str], count: int) -> str:
    last = ""

    def one(_: int) -> Values:
        nonlocal last
        ok = choose.random() < 0.95  # noqa: PLR2004 - one in twenty fails
        attempt = {
            "step": 0,
            "method": "GET",
            "status": 200 if ok else 500,
            "received_bytes": 60_000,
            "milliseconds": 12.5,
            "outcome": "ok" if ok else "source-status",
            "timing": {"lookup": 0.1, "connect": 0.3, "tls": 4.0, "wait": 6.0, "receive": 2.0},
        }
        last = _new_id()
        return {
            "id": last,
            "organisation_id": organisation.id,
            "integration_id": source.id,
            "command": "GetInvoiceImage",
            "kind": choose.choice(("api", "view", "download", "try")),
            "invoice_id": choose.choice(invoices),
            "outcome": "ok" if ok else "source-status",
            "reason": "" if ok else "500",
            "attempts": [attempt],
            "started_at": now - timedelta(seconds=choose.random() * 85 * 86_400),
            "milliseconds": choose.random() * 900,
            "document_bytes": 60_000 if ok else 0,
            "media_type": "application/pdf" if ok else "",
        }

    _load_many(Run, count, one)
    return last


def _new_id() -> str:
    return "".join(choose.choices(SIGNS, k=12))


def _fields(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not field.generated]


def _load_many(model: type[models.Model], count: int, make: Callable[[int], Values]) -> None:
    """Insert *count* rows of *model*, in portions; fields that aren't given have their defaults."""
    for start in range(0, count, AT_ONCE):
        _load(model, map(make, range(start, min(start + AT_ONCE, count))))


def _load(model: type[models.Model], rows: Iterator[Values]) -> None:
    first = next(rows)
    given = [f for f in _fields(model) if f.attname in first or not _is_automatic(f)]
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    columns = ", ".join(quote(field.column) for field in given)
    values = (
        tuple(_stored(field, row) for field in given) for row in itertools.chain([first], rows)
    )
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(given))
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(values))


def _is_automatic(field: models.Field[Any, Any]) -> bool:
    """Say whether the database makes the value, unless one is given."""
    by_database = field.db_default is not models.NOT_PROVIDED and not field.has_default()
    return isinstance(field, models.AutoField) or by_database


def _stored(field: models.Field[Any, Any], row: Values) -> Any:
    value = row[field.attname] if field.attname in row else field.get_default()
    if isinstance(field, models.JSONField):
        return json.dumps(value)
    return field.get_db_prep_save(value, connection)


if __name__ == "__main__":
    print(json.dumps(seed(*map(int, sys.argv[1:]))))
