"""The database counts its indexes when a table has doubled, and not before; a new one at once."""

from __future__ import annotations

import pytest
from django.db import connection

from billhook.portal.customers.services import create_customers
from billhook.portal.paging.statistics import update_statistics
from portal.cast import Cast

pytestmark = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="PostgreSQL keeps its own and looks at samples"
)


def known(index: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT stat FROM sqlite_stat1 WHERE idx = %s", [index])
        return [row[0] for row in cursor.fetchall()]


def more_customers(cast: Cast, first: int, last: int) -> None:
    names = {f"N-{at}": f"Name {at}" for at in range(first, last)}
    create_customers(organisation=cast.harper, names=names)
    update_statistics()


def test_a_table_is_looked_at_again_when_it_has_doubled(cast: Cast) -> None:
    more_customers(cast, 0, 196)  # the cast has four, two of them of another organisation
    assert known("customer_by_name") == ["200 100 1 1 1"]
    more_customers(cast, 196, 300)
    assert known("customer_by_name") == ["200 100 1 1 1"]
    more_customers(cast, 300, 396)
    assert known("customer_by_name") == ["400 200 1 1 1"]


def test_an_index_that_a_migration_has_made_is_looked_at(cast: Cast) -> None:
    more_customers(cast, 0, 196)
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX made_later ON customers_customer (organisation_id, locale)")
    update_statistics()
    assert known("made_later") == ["200 100 100"]
    assert known("customer_by_name") == ["200 100 1 1 1"]
