"""Pages of a list: each row on exactly one, in order, whatever the order and the address."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from billhook.portal.invoices.models import Invoice
from billhook.portal.paging.count import Count, count_up_to
from billhook.portal.paging.cursor import LAST, cursor_at
from billhook.portal.paging.order import Order
from billhook.portal.paging.page import ListPage, page_of
from portal.cast import Cast, invoice

ORDERS = {
    "number": ("number", "id"),
    "date": ("issued_on", "number", "id"),
    "due": ("due_on", "number", "id"),
    "amount": ("amount", "number", "id"),
    "customer": ("customer__name", "number", "id"),
}


@pytest.fixture
def many(cast: Cast) -> list[Invoice]:
    """Invoices with equal dates and amounts, some of which are never due."""
    for at in range(13):
        to = cast.acme if at % 3 else cast.bolt
        due_in = None if at % 4 == 0 else at % 3
        day = cast.open.issued_on - timedelta(days=at % 2)
        invoice(to, f"N-{at}", due_in=due_in, amount=f"{at % 5}.50", issued_on=day)
    return list(Invoice.objects.select_related("customer"))


def order_named(text: str) -> Order:
    name = text.lstrip("-")
    return Order(name=name, fields=ORDERS[name], is_descending=text.startswith("-"))


def page(order: Order, address: str = "", size: int = 4) -> ListPage[Invoice]:
    return page_of(Invoice.objects.select_related("customer"), order, address, size=size)


def expected(many: list[Invoice], order: Order) -> list[str]:
    def key(row: Invoice) -> Any:
        paths = ORDERS[order.name]
        values = (
            row.customer.name if path == "customer__name" else getattr(row, path) for path in paths
        )
        return tuple(value for value in values if value is not None)

    lacking = [row for row in many if getattr(row, ORDERS[order.name][0], "") is None]
    others = [row for row in many if row not in lacking]
    parts = (sorted(part, key=key, reverse=order.is_descending) for part in (others, lacking))
    return [row.id for part in parts for row in part]


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("name", ORDERS)
def test_following_next_and_then_previous_shows_every_row_once_in_order(
    many: list[Invoice], name: str, sign: str
) -> None:
    order = order_named(sign + name)
    shown, address = [], ""
    while True:
        current = page(order, address)
        shown += [row.id for row in current.rows]
        if not current.next:
            break
        address = current.next
    assert shown == expected(many, order)
    back, current = [], page(order, LAST)
    back[:0] = [row.id for row in current.rows]
    while current.previous:
        current = page(order, current.previous)
        back[:0] = [row.id for row in current.rows]
    assert [each for at, each in enumerate(back) if each not in back[:at]] == shown


def test_the_first_page_has_no_previous_and_the_last_no_next(many: list[Invoice]) -> None:
    order = order_named("number")
    first, last = page(order), page(order, LAST)
    assert (first.previous, bool(first.next), len(first.rows)) == ("", True, 4)
    assert (bool(last.previous), last.next, len(last.rows)) == (True, "", 4)
    assert page(order, size=100).is_whole


def test_previous_of_the_second_page_is_a_full_first_page(many: list[Invoice]) -> None:
    order = order_named("number")
    second = page(order, page(order).next)
    many[0].delete()  # so that fewer rows than a page are before it
    again = page(order, second.previous)
    assert len(again.rows) == 4
    assert again.previous == ""


def test_a_page_whose_rows_are_gone_is_the_last_one(many: list[Invoice]) -> None:
    order = order_named("number")
    address = cursor_at(Invoice.objects.order_by("number")[9], order, is_before=False)
    Invoice.objects.filter(
        number__in=[row.number for row in Invoice.objects.order_by("number")[10:]]
    ).delete()
    shown = page(order, address)
    assert [row.id for row in shown.rows] == [row.id for row in page(order, LAST).rows]
    assert not shown.problem


def test_rows_that_appear_meanwhile_shift_no_page(many: list[Invoice], cast: Cast) -> None:
    order = order_named("number")
    address = page(order).next
    before = [row.id for row in page(order, address).rows]
    invoice(cast.acme, "A-0")
    assert [row.id for row in page(order, address).rows] == before


def packed(*content: Any) -> str:
    text = content[0] if content and isinstance(content[0], bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("2", id="a page number of old"),
        pytest.param("after-", id="nothing"),
        pytest.param("after-%%%", id="no base64"),
        pytest.param("after-" + packed(b"\xff\xfe"), id="no text"),
        pytest.param("after-" + packed(b"[" * 1400), id="deep"),
        pytest.param("after-" + "A" * 5000, id="long"),
        pytest.param("after-" + packed(b"{}"), id="an object"),
        pytest.param("beside-" + packed("due", 0, "2026-01-01", "1", "x"), id="no side"),
        pytest.param("after-" + packed("-due", 0, "2026-01-01", "1", "x"), id="another order"),
        pytest.param("after-" + packed("due", 0, "2026-01-01", "1"), id="too few values"),
        pytest.param("after-" + packed("due", 1, "2026-01-01", "1", "x"), id="too many values"),
        pytest.param("after-" + packed("due", 2, "1", "x"), id="no such stretch"),
        pytest.param("after-" + packed("due", True, "1", "x"), id="a boolean as a stretch"),
        pytest.param("after-" + packed("due", [], "1", "x"), id="a list as a stretch"),
        pytest.param("after-" + packed("due", 0.0, "2026-01-01", "1", "x"), id="a fraction"),
        pytest.param("after-" + packed("due", 0, "2026-01-01", "\ud800", "x"), id="half a sign"),
        pytest.param("after-" + packed("due", 0, "yesterday", "1", "x"), id="no date"),
        pytest.param("after-" + packed("due", 0, None, "1", "x"), id="no value"),
        pytest.param("after-" + packed("due", 0, {"a": 1}, "1", "x"), id="a mapping"),
        pytest.param("after-" + packed("due", 0, "2026-01-01", "a\0b", "x"), id="a NUL"),
        pytest.param("after-" + packed("due", 0, "2026-01-01", "n" * 101, "x"), id="a long number"),
    ],
)
def test_an_address_that_names_no_page_shows_the_first_and_says_so(
    many: list[Invoice], address: str
) -> None:
    order = order_named("due")
    shown = page(order, address)
    assert [row.id for row in shown.rows] == [row.id for row in page(order).rows]
    assert "first page" in shown.problem


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999999", "9" * 40, "1.23456789", ""])
def test_an_amount_that_no_row_can_have_names_no_page(many: list[Invoice], value: str) -> None:
    assert page(order_named("amount"), "after-" + packed("amount", 0, value, "1", "x")).problem


def test_a_count_is_exact_up_to_its_bound(many: list[Invoice]) -> None:
    rows, number = Invoice.objects.all(), len(many)
    assert count_up_to(rows, number) == Count(number)
    assert count_up_to(rows, number - 1) == Count(number - 1, is_more=True)
    assert str(Count(10_000, is_more=True)) == "more than 10,000"
    assert str(Count(1_234)) == "1,234"
    assert not count_up_to(rows.none())
