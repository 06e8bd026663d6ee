"""Other lists over a real connection: XML, contacts by customer, removals; and the dry run."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime

from billhook.engine.listing.plan import ListMemory, plan_list
from billhook.engine.listing.report import ListReport, PeopleReport, reason_lines
from engine.listing.mirror import NAME, Mirror, state_of
from lab.lists import ListedSystem, list_file, open_lists

XML_MAP = """
[commands.ListInvoices.map]
id = { xpath = "id" }
number = { xpath = "number" }
customer = { xpath = "customer" }
amount = { xpath = "total" }
open_amount = { xpath = "open" }
currency = { xpath = "@currency" }
status = { xpath = "state", values = { open = "open", paid = "paid", void = "void" } }
changed = { xpath = "changed" }
"""


async def read_rows(system: ListedSystem, text: str, name: str, **more) -> list:
    """Return all rows of the list *name*."""
    async with open_lists(system.origin, text) as (integration, source):
        listing = integration.lists[name]
        rows = []
        for part in plan_list(listing, ListMemory(), now=system.clock):
            async for page in source.read_list(name, part, **more):
                rows += page.rows
        return rows


async def test_xml_is_read_page_by_page(system):
    pages = 'pages = { kind = "offset", param = "offset", size = 7, size_param = "size", '
    pages += 'total = { xpath = "/list/@total" } }'
    text = list_file(system.origin, pages=pages, mapping=XML_MAP, query="/xml", kind="offset")
    text = text.replace('rows = "$.data[*]"', 'rows = { xpath = "/list/bill" }')
    async with open_lists(system.origin, text) as (integration, source):
        mirror = Mirror()
        await mirror.sync(integration, source, now=system.clock)
    assert mirror.shown == state_of(system)
    assert len(system.requests) == 3
    assert mirror.pages[-1].total == 20


CONTACTS = """
[commands.ListContacts]
url = "{{BaseUrl}}/contacts/{{CustomerId}}"
rows = "$.data[*]"
for_each = "customer"
map = { id = "$.id", email = "$.mail" }
"""
BATCHES = """
[commands.ListContacts]
url = "{{BaseUrl}}/contacts?customers={{CustomerId}}"
rows = "$.data[*]"
for_each = "customer"
batch = 2
map = { id = "$.id", customer = "$.customer", email = "$.mail" }
"""


async def test_contacts_are_asked_for_one_customer_at_a_time_or_several(system):
    system.contacts = [
        {"id": number, "customer": f"c{number}", "mail": f"p{number}@x.example"}
        for number in range(1, 6)
    ]
    for commands, requests in ((CONTACTS, 5), (BATCHES, 3)):
        system.requests.clear()
        text = list_file(system.origin, commands=commands)
        customers = ["c3", "c1", "c2", "c5", "c4", "c1"]
        rows = await read_rows(system, text, "ListContacts", customers=customers)
        assert [(each.id, each.customer) for each in rows] == [
            (str(number), f"c{number}") for number in range(1, 6)
        ]
        assert len(system.requests) == requests


async def test_a_run_of_contacts_goes_on_with_the_next_customer(system):
    system.contacts = [{"id": n, "customer": f"c{n}", "mail": f"p{n}@x.example"} for n in (1, 2, 3)]
    text = list_file(system.origin, commands=CONTACTS)
    async with open_lists(system.origin, text) as (integration, source):
        listing = integration.lists["ListContacts"]
        (part,) = plan_list(listing, ListMemory(), now=system.clock)
        customers = ["c1", "c2", "c3"]
        reading = source.read_list("ListContacts", part, customers=customers)
        first = [await anext(reading), await anext(reading)]
        await reading.aclose()
        rest = source.read_list(
            "ListContacts", part, customers=customers, position=first[-1].position
        )
        ids = [row.id async for page in rest for row in page.rows]
    assert ids == ["3"]


async def test_removed_invoices_are_only_ids(system):
    system.tick()
    system.delete(4)
    commands = """
[commands.ListRemovedInvoices]
url = "{{BaseUrl}}/removed"
rows = "$.data[*]"
changes = { kind = "changed", param = "since" }
map = { id = "$.id", changed = "$.at" }
"""
    text = list_file(system.origin, commands=commands)
    (row,) = await read_rows(system, text, "ListRemovedInvoices")
    assert (row.id, row.changed, row.is_removed) == ("4", system.clock, True)


async def test_a_report_counts_what_a_list_gives(system):
    system.pay(1)
    system.pay(2, "1")
    system.change(3, state="odd")
    system.change(4, currency="x")
    text = list_file(system.origin, kind="none")
    async with open_lists(system.origin, text) as (integration, source):
        listing = integration.lists[NAME]
        report, people = ListReport(listing), PeopleReport()
        for part in plan_list(listing, ListMemory(), now=system.clock):
            async for page in source.read_list(NAME, part, tolerant=True):
                report.add(page)
                people.add(page.rows)
    found = json.loads(json.dumps(report.to_json()))
    assert (found["rows"], found["pages"], found["complete"]) == (18, 1, True)
    assert [(each["code"], each["row"]) for each in found["stops"]] == [("unknown-status", 18)]
    assert [each["code"] for each in found["skipped"]] == ["unknown-currency"]
    assert len(reason_lines(found)) == 2
    totals = {each["status"]: (each["count"], each["open"]) for each in found["totals"]}
    assert totals["paid"] == (1, "0.00")
    assert totals["part-paid"] == (1, "100.50")
    assert found["dates"]["date"] == ["2026-03-31", "2026-03-31"]
    assert len(found["sample"]) == 18
    assert found["sample"][0]["source"]["amount"] == found["sample"][0]["result"]["amount"]
    assert people.to_json() == {
        "customers": 3,
        "customers_without_contacts": 3,
        "contacts_at_several_customers": 0,
    }


async def test_a_long_list_takes_no_more_memory_than_a_short_one(system):
    system.add_many(1_000)
    pages = 'pages = { kind = "offset", param = "offset", size = 200, size_param = "size" }'
    text = list_file(system.origin, kind="offset", pages=pages)
    peaks = []
    async with open_lists(system.origin, text) as (integration, source):
        (part,) = plan_list(integration.lists[NAME], ListMemory(), now=datetime.now(UTC))
        tracemalloc.start()
        try:
            async for page in source.read_list(NAME, part):
                assert page.began
                peaks.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert len(peaks) == 7
    assert peaks[-1] - peaks[1] < 500_000  # a page of rows has a megabyte
