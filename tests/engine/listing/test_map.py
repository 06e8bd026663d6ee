"""Rows mapped: amounts, dates, statuses, people; and everything that leaves a row out."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from billhook.engine.errors import ConfigurationError, ListUnreadable
from billhook.engine.integration import compile_integration
from billhook.engine.integration_file.file import read_integration
from billhook.engine.listing.listing import Listing
from billhook.engine.listing.page import ListedPage
from engine.listing.sample import map_sample

BASE = {"id": 1, "no": "INV-1", "who": "c1", "sum": 100}


def compiled(mapping: str, *, name: str = "ListInvoices", rows: str = '"$[*]"', more: str = ""):
    """Compile a list command with this map."""
    text = f"""
format = 1
[integration]
name = "X"
variables = {{ Zone = "Europe/Berlin" }}
[commands.{name}]
url = "https://billing.example/list"
rows = {rows}
{more}
[commands.{name}.map]
{mapping}
"""
    return compile_integration(read_integration(text)).lists[name]


INVOICE = 'id = "$.id"\nnumber = "$.no"\ncustomer = "$.who"\n'
USUAL = INVOICE + 'amount = "$.sum"\ncurrency = { value = "EUR" }\n'


async def mapped(listing: Listing, body: str, content_type: str = "application/json") -> ListedPage:
    """Map *body* as a page of the list."""
    return await map_sample(listing, body.encode(), [("Content-Type", content_type)])


async def one(mapping: str, body: str, **more: Any) -> Any:
    """Map the one row in *body*."""
    page = await mapped(compiled(mapping, **more), body)
    assert not page.skipped, page.skipped
    assert not page.stops, page.stops
    (row,) = page.rows
    return row


async def reason(mapping: str, body: str, **more: Any) -> tuple[str, str]:
    """Return why the one row in *body* is left out, and its field."""
    page = await mapped(compiled(mapping, **more), body)
    (problem,) = (*page.skipped, *page.stops)
    assert problem.row == 1
    assert problem.message.endswith(".")
    return problem.code, problem.field


def row(**facts: Any) -> str:
    """Return a list of one row as JSON; texts are JSON already."""
    whole = {"id": "1", "no": '"INV-1"', "who": '"c1"', "sum": "100"} | facts
    inside = ", ".join(f'"{name}": {value}' for name, value in whole.items())
    return f"[{{{inside}}}]"


@pytest.mark.parametrize(
    ("typed", "source", "amount"),
    [
        pytest.param('"$.sum"', "148062.76", "148062.76", id="no-float"),
        pytest.param('"$.sum"', "0.1", "0.10", id="tenth"),
        pytest.param('"$.sum"', '"121.00000000"', "121.00", id="zeros"),
        pytest.param('{ json = "$.sum", minor_units = true }', "12345", "123.45", id="minor"),
        pytest.param('{ json = "$.sum", minor_units = 3 }', "12345", "12.345", id="minor-3"),
        pytest.param(
            '{ json = "$.sum", minor_units = { EUR = 0 } }', "12345", "12345.00", id="exception"
        ),
        pytest.param(
            '{ json = "$.sum", decimal = ",", group = "." }', '"1.234,56"', "1234.56", id="german"
        ),
        pytest.param(
            '{ json = "$.sum", decimal = ",", group = " " }',
            '"1\u202f234,56"',
            "1234.56",
            id="thin",
        ),
        pytest.param('{ json = "$.sum", minus = "$.paid" }', "100.30", "60.20", id="minus"),
        pytest.param('{ json = "$.sum", minus = ["$.all[*].x"] }', "100", "94.00", id="minus-all"),
        pytest.param('{ first_of = ["$.none", "$.sum"] }', "7", "7.00", id="first-of"),
        pytest.param('{ first_of = ["$.zero", "$.sum"], zero = "empty" }', "7", "7.00", id="zero"),
        pytest.param("{ value = 12 }", "7", "12.00", id="fixed"),
    ],
)
async def test_amounts_are_decimals(typed, source, amount):
    mapping = f'{INVOICE}amount = {typed}\ncurrency = {{ value = "EUR" }}\n'
    body = row(sum=source, paid="40.10", zero="0", all='[{"x": 1}, {"x": "5"}, {"x": null}]')
    found = await one(mapping, body)
    assert str(found.amount) == amount


@pytest.mark.parametrize(
    ("currency", "units", "amount"),
    [("JPY", 500, "500"), ("KWD", 12345, "12.345"), ("eur", 1, "0.01")],
)
async def test_minor_units_are_those_of_the_currency(currency, units, amount):
    mapping = INVOICE + 'amount = { json = "$.sum", minor_units = true }\ncurrency = "$.cur"\n'
    found = await one(mapping, row(sum=units, cur=f'"{currency}"'))
    assert (str(found.amount), found.currency) == (amount, currency.upper())


@pytest.mark.parametrize(
    "source", ['"1,234.56"', '"12 EUR"', "1e5", "true", '"1.2.3"', '"NaN"', "[]", "{}", '"--1"']
)
async def test_anything_else_is_no_amount(source):
    if source == "[]":
        assert await reason(USUAL, row(sum=source)) == ("no-amount", "amount")
    else:
        code, field = await reason(USUAL, row(sum=source))
        assert (code, field) == ("unreadable-amount", "amount")


async def test_digits_too_many_are_kept_and_remarked_on():
    page = await mapped(compiled(USUAL), row(sum="1.005"))
    assert page.rows[0].amount == Decimal("1.005")
    assert [(each.code, each.row, each.field) for each in page.remarks] == [
        ("amount-digits", 1, "amount")
    ]


async def test_credit_notes_are_positive_whatever_their_sign():
    typed = '{ json = "$.sum", negative = "credit-note" }'
    mapping = INVOICE + f'amount = {typed}\nopen_amount = "$.open"\ncurrency = {{ value = "EUR" }}'
    found = await one(mapping, row(sum="-50", open="-20"))
    assert (found.type, found.amount, found.open_amount) == ("credit-note", 50, 20)
    assert found.status == "part-paid"
    own = await one(USUAL, row(), name="ListCreditNotes")
    assert own.type == "credit-note"
    page = await mapped(compiled(USUAL), row(sum="-50"))
    assert [each.code for each in page.remarks] == ["negative-amount"]


@pytest.mark.parametrize(
    ("typed", "source", "day"),
    [
        pytest.param('"$.day"', '"2026-03-31"', "2026-03-31", id="iso"),
        pytest.param('"$.day"', '"2026-03-31T00:00:00"', "2026-03-31", id="local-time"),
        pytest.param(
            '{ json = "$.day", zone = "{{Zone}}" }', '"2026-03-30T22:00Z"', "2026-03-31", id="utc"
        ),
        pytest.param(
            '{ json = "$.day", format = "unix", zone = "{{Zone}}" }', "1774908000", "2026-03-31",
            id="unix",
        ),
        pytest.param(
            '{ json = "$.day", format = "dotnet", zone = "UTC" }',
            '"/Date(1774915200000+0000)/"', "2026-03-31", id="dotnet",
        ),
        pytest.param(
            '{ json = "$.day", format = "dd.MM.yyyy" }', '"31.3.2026"', "2026-03-31", id="dots"
        ),
        pytest.param(
            '{ json = "$.day", format = "M/d/yyyy" }', '"3/31/2026 x"', "2026-03-31", id="slashes"
        ),
        *(
            pytest.param('"$.day"', empty, None, id=f"empty-{empty}")
            for empty in ("null", '""', "false", '"0000-00-00"', '"0001-01-01T00:00:00Z"')
        ),
    ],
)  # fmt: skip
async def test_dates_are_days_in_the_zone(typed, source, day):
    found = await one(f"{USUAL}due_date = {typed}\n", row(day=source))
    assert found.due_date == (None if day is None else date.fromisoformat(day))


@pytest.mark.parametrize(
    ("typed", "source", "code"),
    [
        pytest.param('"$.day"', '"2026-03-30T22:00:00Z"', "no-zone", id="day-of-a-time"),
        pytest.param('"$.day"', '"31.03.2026"', "unreadable-due-date", id="another-format"),
        pytest.param('"$.day"', "1774908000", "unreadable-due-date", id="number"),
        pytest.param('{ json = "$.day", none = "skip" }', "null", "no-due-date", id="none"),
        pytest.param('{ json = "$.day", none = "failed" }', "null", "no-due-date", id="failed"),
    ],
)
async def test_a_date_that_cannot_be_read_leaves_the_row_out(typed, source, code):
    found, field = await reason(f"{USUAL}due_date = {typed}\n", row(day=source))
    assert (found, field) == (code, "due_date")


async def test_a_time_of_change_needs_a_zone_and_is_the_earlier_of_two():
    assert (await reason(f'{USUAL}changed = "$.at"\n', row(at='"2026-03-31T09:30:00"')))[
        0
    ] == "no-zone"
    typed = '{ json = "$.at", format = "yyyy-MM-dd HH:mm:ss", zone = "{{Zone}}" }'
    found = await one(f"{USUAL}changed = {typed}\n", row(at='"2026-10-25 02:30:00.999"'))
    assert found.changed == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


STATUS = (
    'open_amount = "$.open"\nstatus = { json = "$.state", values = { O = "open", P = "paid" } }\n'
)


@pytest.mark.parametrize(
    ("state", "left", "status"),
    [("O", 100, "open"), ("O", 40, "part-paid"), ("O", 0, "open"), ("P", 0, "paid")],
)
async def test_an_open_invoice_of_which_part_is_paid_is_part_paid(state, left, status):
    found = await one(USUAL + STATUS, row(state=f'"{state}"', open=left))
    assert found.status == status


@pytest.mark.parametrize(
    ("left", "status"),
    [(0, "paid"), (-5, "paid"), (40, "part-paid"), (100, "open"), ("null", "open")],
)
async def test_a_status_may_follow_from_the_amounts(left, status):
    for typed in ('status = "from-amounts"\n', ""):
        mapping = f'{USUAL}open_amount = "$.open"\n{typed}'
        assert (await one(mapping, row(open=left))).status == status


async def test_an_unlisted_status_stops_unless_the_map_says_otherwise():
    page = await mapped(compiled(USUAL + STATUS), row(state='"X"', open=1))
    assert [(each.code, each.row) for each in page.stops] == [("unknown-status", 1)]
    assert '"X"' in page.stops[0].message
    for unknown in ("open", "hidden"):
        mapping = USUAL + STATUS.replace("values", f'unknown = "{unknown}", values')
        assert (await one(mapping, row(state='"X"', open=100))).status == unknown


async def test_the_first_case_whose_conditions_hold_wins():
    mapping = (
        USUAL
        + """
status = { cases = [
    { value = "void", when = [
        { json = "$.state", equals = "posted" }, { json = "$.paid", equals = "reversed" }
    ] },
    { value = "open", when = [{ json = "$.state", equals = "posted" }] },
    { value = "draft", when = [{ json = "$.state", one_of = ["draft", "new"] }] },
] }
"""
    )
    for state, paid, status in (
        ("posted", "reversed", "void"),
        ("posted", "no", "open"),
        ("new", "no", "draft"),
    ):
        found = await one(mapping, row(state=f'"{state}"', paid=f'"{paid}"'))
        assert found.status == status
    assert (await reason(mapping, row(state='"odd"', paid="1")))[0] == "unknown-status"


async def test_paid_with_an_open_amount_is_remarked_on():
    page = await mapped(compiled(USUAL + STATUS), row(state='"P"', open=1))
    assert [each.code for each in page.remarks] == ["paid-but-open"]


@pytest.mark.parametrize(
    ("typed", "source", "code"),
    [
        pytest.param('currency = "$.cur"', '"Euro"', "unknown-currency", id="word"),
        pytest.param('currency = "$.cur"', "null", "no-currency", id="none"),
        pytest.param(
            'currency = { json = "$.cur", values = { "1" = "USD" } }', "2", "unknown-currency",
            id="unlisted",
        ),
        pytest.param("", "1", "no-currency", id="unmapped"),
    ],
)  # fmt: skip
async def test_a_row_without_a_currency_is_skipped(typed, source, code):
    assert (await reason(f'{INVOICE}amount = "$.sum"\n{typed}', row(cur=source)))[0] == code


async def test_currencies_numbered_by_the_system_are_listed_in_the_map():
    typed = 'currency = { json = "$.cur", values = { "1" = "USD" } }'
    assert (await one(f'{INVOICE}amount = "$.sum"\n{typed}', row(cur=1))).currency == "USD"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"id": "null"}, "no-id"),
        ({"no": '""'}, "no-number"),
        ({"sum": "null"}, "no-amount"),
        ({"id": f'"{"x" * 201}"'}, "long-id"),
        ({"no": f'"{"x" * 501}"'}, "long-number"),
        ({"no": '{"a": 1}'}, "not-a-value"),
    ],
)
async def test_a_row_that_lacks_what_every_row_needs_is_skipped(facts, code):
    assert (await reason(USUAL, row(**facts)))[0] == code


async def test_a_row_without_a_customer_is_listed_without_one():
    assert (await one(USUAL, row(who="null"))).customer == ""


async def test_rows_may_be_left_out_or_removed_by_conditions_on_the_row():
    rows = (
        '{ json = "$[*]", record = "$.invoice", '
        'include_when = [{ json = "$.type", matches = "^invoice" }], '
        'removed_when = [{ json = "$.type", equals = "invoice.deleted" }] }'
    )
    body = (
        '[{"type": "invoice.paid", "invoice": {"id": 1, "no": "A", "who": 1, "sum": 2}},'
        '{"type": "invoice.deleted", "invoice": {"id": 2}}, {"type": "charge", "invoice": {}}]'
    )
    page = await mapped(compiled(USUAL, rows=rows), body)
    assert [(each.id, each.is_removed) for each in page.rows] == [("1", False), ("2", True)]
    assert page.excluded == 1


@pytest.mark.parametrize(
    ("kind", "type_"), [("credit", "credit-note"), ("bill", "invoice"), (None, "invoice")]
)
async def test_a_removed_row_keeps_its_type(kind, type_):
    rows = '{ json = "$[*]", removed_when = [{ json = "$.gone", equals = true }] }'
    types = 'type = { json = "$.kind", values = { bill = "invoice", credit = "credit-note" } }'
    body = json.dumps([{"id": 1, "gone": True, "kind": kind}])
    page = await mapped(compiled(f"{USUAL}\n{types}", rows=rows), body)
    assert [(each.type, each.is_removed) for each in page.rows] == [(type_, True)]


async def test_links_are_https_or_nothing():
    mapping = USUAL + 'link = "$.url"\n'
    assert (await one(mapping, row(url='"https://pay.example/1"'))).link == "https://pay.example/1"
    page = await mapped(compiled(mapping), row(url='"javascript:alert(1)"'))
    assert page.rows[0].link == ""
    assert [each.code for each in page.remarks] == ["link-not-https"]


async def test_a_template_makes_a_field_from_others():
    mapping = USUAL + 'link = { template = "https://pay.example/{{id}}?n={{number}}" }\n'
    assert (await one(mapping, row())).link == "https://pay.example/1?n=INV-1"


async def test_texts_have_no_control_characters():
    found = await one(USUAL + 'po_number = "$.po"\n', row(po='"A\\u0000\\n\\u202eB"'))
    assert found.po_number == "A B"


CONTACT = (
    'id = "$.id"\ncustomer = "$.who"\nfirst_name = "$.a"\nlast_name = "$.b"\nemail = "$.mail"\n'
)


@pytest.mark.parametrize(
    "source", ['"Ann@X.example; b@x.example"', '["ann@x.example", "b@x.example"]']
)
async def test_a_contact_may_have_several_addresses(source):
    body = row(a='"Ann"', b='"Lee"', mail=source)
    found = await one(CONTACT, body, name="ListContacts")
    assert (found.name, found.email) == ("Ann Lee", ("ann@x.example", "b@x.example"))


@pytest.mark.parametrize(
    ("source", "active"), [("1", True), ("0", False), ("2", False), ("null", False)]
)
async def test_only_listed_values_make_a_contact_active(source, active):
    typed = 'active = { json = "$.on", values = { "1" = true, "0" = false } }\n'
    body = row(mail='"a@x.example"', on=source)
    assert (await one(CONTACT + typed, body, name="ListContacts")).active is active


async def test_contacts_within_a_customer_have_their_own_map():
    mapping = """
id = "$.id"
name = "$.name"
contacts = { json = "$.people[*]", map = { id = "$.pid", email = "$.mail", name = "$.n" } }
"""
    body = (
        '[{"id": 5, "name": "Miller", "people": [{"pid": 1, "mail": "a@x.example", "n": "A"}, '
        '{"mail": "none"}]}]'
    )
    page = await mapped(compiled(mapping, name="ListCustomers"), body)
    (customer,) = page.rows
    assert [(each.id, each.customer, each.email) for each in customer.contacts] == [
        ("1", "5", ("a@x.example",))
    ]
    assert [each.code for each in page.remarks] == ["contact-no-id"]


async def test_xml_rows_are_read_by_relative_paths():
    mapping = """
id = { xpath = "@id" }
number = { xpath = "n:No" }
customer = { xpath = "../@customer" }
amount = { xpath = "sum(n:Line)" }
currency = { value = "EUR" }
"""
    mapping = mapping.replace('"n:No"', '"No"').replace("n:Line", "Line")
    body = '<l customer="c7"><inv id="1"><No> A-1 </No><Line>1</Line><Line>2.5</Line></inv></l>'
    page = await mapped(compiled(mapping, rows='{ xpath = "//inv" }'), body, "application/xml")
    (found,) = page.rows
    assert (found.id, found.number, found.customer) == ("1", "A-1", "c7")
    assert found.amount == Decimal("3.50")


CSV = """
id = { column = "No" }
number = { column = "No" }
customer = { column = "Kunde" }
amount = { column = "Brutto", decimal = ",", group = "." }
currency = { value = "EUR" }
"""
CSV_ROWS = '{ csv = { delimiter = ";", encoding = "windows-1252" } }'


async def test_csv_rows_are_found_by_the_name_of_the_column():
    listing = compiled(CSV, rows=CSV_ROWS)
    body = 'No;Kunde;Brutto\r\n1;"Müller; Söhne";1.000,50\r\n\r\n2;x;3\r\n'.encode("cp1252")
    page = await map_sample(listing, body, [("Content-Type", "text/csv")])
    assert [(each.id, each.customer, str(each.amount)) for each in page.rows] == [
        ("1", "Müller; Söhne", "1000.50"),
        ("2", "x", "3.00"),
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("No;Kunde;Brutto\n1;2\n", "Line 2"),
        ("No;Kunde;No\n1;2;3\n", '2 columns "No"'),
        ("No;Kunde\n1;2\n", 'no column "Brutto"'),
        ('No;Kunde;Brutto\n1;"2;3\n', "Line 2"),
        ("", "empty"),
    ],
)
async def test_a_csv_file_that_is_wrong_is_a_failure_with_its_line(body, reason):
    with pytest.raises(ListUnreadable, match=reason):
        await mapped(compiled(CSV, rows=CSV_ROWS), body, "text/csv")


async def test_a_csv_file_with_only_a_header_is_an_empty_list():
    page = await mapped(compiled(CSV, rows=CSV_ROWS), "\ufeffNo;Kunde;Brutto\n", "text/csv")
    assert page.rows == ()


async def test_columns_without_a_header_are_numbers():
    mapping = CSV.replace('"No"', "1").replace('"Kunde"', "2").replace('"Brutto"', "3")
    page = await mapped(
        compiled(mapping, rows="{ csv = { header = false } }"), "7,c,5\n", "text/csv"
    )
    assert [(each.id, each.customer, each.amount) for each in page.rows] == [("7", "c", 5)]


@pytest.mark.parametrize(
    ("mapping", "where", "code"),
    [
        pytest.param(USUAL + 'nummer = "$.n"', "map.nummer", "unknown-key", id="unknown"),
        pytest.param(INVOICE, "map.amount", "missing-key", id="no-amount"),
        pytest.param(USUAL + 'date = { json = "$.d", format = "unix" }', "map.date", "missing-zone",
                     id="unix-date"),
        pytest.param(USUAL + 'changed = { json = "$.d", format = "yyyyMMddHHmm" }', "map.changed",
                     "missing-zone", id="pattern"),
        pytest.param(USUAL + 'date = { json = "$.d", format = "dd.mm.yyyy" }', "map.date.format",
                     "date-format", id="minutes"),
        pytest.param(USUAL + 'date = { json = "$.d", zone = "Berlin" }', "map.date.zone",
                     "unknown-zone", id="zone"),
        pytest.param(USUAL + 'status = { json = "$.s", values = { A = "payed" } }',
                     "map.status.values.A", "unknown-choice", id="status"),
        pytest.param(USUAL + 'po_number = { json = "$.s", minor_units = true }',
                     "map.po_number.minor_units", "misplaced-key", id="misplaced"),
        pytest.param(USUAL + 'po_number = { json = "$.s", value = "x" }', "map.po_number",
                     "field-source", id="two-sources"),
        pytest.param(USUAL + 'po_number = { xpath = "s" }', "map.po_number", "path-kind",
                     id="xpath"),
        pytest.param(USUAL + 'po_number = "$.["', "map.po_number", "path-syntax", id="syntax"),
        pytest.param(USUAL + 'link = { template = "https://x/{{numbr}}" }', "map.link.template",
                     "unknown-token", id="template"),
    ],
)  # fmt: skip
def test_each_problem_of_a_map_is_reported_with_its_place(mapping, where, code):
    with pytest.raises(ConfigurationError) as caught:
        compiled(mapping)
    found = {(each.where, each.code) for each in caught.value.problems}
    assert (f"commands.ListInvoices.{where}", code) in found
