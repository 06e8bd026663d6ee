"""Customers are found by any part of name or number, whatever wrote them."""

from __future__ import annotations

import pytest
from django.db import connection

from billhook.portal.customers.access import count_found, customers_found
from billhook.portal.customers.models import Customer
from billhook.portal.customers.search_index import make_search_index, repair_search_index
from billhook.portal.customers.services import change_customers, create_customers, remove_customers
from portal.cast import Cast


def found(cast: Cast, search: str) -> list[str]:
    rows = customers_found(cast.vera, search)
    assert count_found(cast.vera, search).number == len(rows)
    return [row.name for row in rows.order_by("name")]


@pytest.mark.parametrize(
    ("search", "names"),
    [
        pytest.param("willow", ["Weeping Willow Ltd"], id="a word"),
        pytest.param("eepin", ["Weeping Willow Ltd"], id="the middle of a word"),
        pytest.param("ing wil", ["Weeping Willow Ltd"], id="across words"),
        pytest.param("we", ["Weeping Willow Ltd"], id="two letters begin it"),
        pytest.param("lt", [], id="two letters inside"),
        pytest.param("77/b", ["Weeping Willow Ltd"], id="part of the number"),
        pytest.param("größe", ["Große Größe"], id="letters outside ASCII"),
        pytest.param('"', ['A “quoted” "one"'][:0], id="a single quote sign"),
        pytest.param('"one"', ['Named "one"'], id="FTS5's quotes"),
        pytest.param("willow OR acme", [], id="FTS5's words"),
        pytest.param("name:willow", [], id="FTS5's columns"),
        pytest.param("will*", [], id="FTS5's star"),
        pytest.param("w%low", [], id="LIKE's sign"),
        pytest.param("w_llow", [], id="LIKE's other sign"),
        pytest.param("cedar", [], id="another organisation's"),
    ],
)
def test_a_part_of_a_name_or_number_finds_it(cast: Cast, search: str, names: list[str]) -> None:
    create_customers(
        organisation=cast.harper,
        names={"C-77/B": "Weeping Willow Ltd", "C-8": "Große Größe", "C-9": 'Named "one"'},
    )
    assert found(cast, search) == names


def test_the_search_follows_changes_in_bulk(cast: Cast) -> None:
    names = {f"N-{at}": f"Company {at}" for at in range(30)}
    _, created = create_customers(organisation=cast.harper, names=names)
    assert len(found(cast, "company")) == 30
    for customer in created[:10]:
        customer.name = f"Renamed {customer.number}"
    change_customers(customers=created[:10])
    assert (len(found(cast, "company")), len(found(cast, "renamed"))) == (20, 10)
    remove_customers(customers=created[5:])
    assert (len(found(cast, "company")), len(found(cast, "renamed"))) == (0, 5)
    Customer.objects.filter(number="N-0").update(name="By hand", number="H-1")
    assert found(cast, "by hand") == found(cast, "H-1") == ["By hand"]


def test_many_matches_are_read_in_order_and_none_is_left_out(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billhook.portal.customers.search._FEW", 3)
    names = {f"N-{at}": f"Company {at}" for at in range(9)}
    create_customers(organisation=cast.harper, names=names)
    assert found(cast, "COMPANY") == sorted(names.values())


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL's index is the table's own")
def test_a_lost_trigger_and_a_lost_row_are_repaired(cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER customers_search_insert")
    create_customers(organisation=cast.harper, names={"C-7": "Weeping Willow Ltd"})
    assert found(cast, "willow") == []
    assert repair_search_index() == 1
    assert found(cast, "willow") == ["Weeping Willow Ltd"]
    make_search_index()
    create_customers(organisation=cast.harper, names={"C-8": "Willow and Sons"})
    assert len(found(cast, "willow")) == 2
    assert repair_search_index() == 0
