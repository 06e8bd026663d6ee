"""Pages of all kinds over a real connection: every row once, the end where it is, no circles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from billhook.engine.errors import (
    BillhookError,
    ListRepeats,
    ListTooLong,
    ListUnreadable,
    SourceRefused,
)
from billhook.engine.listing.plan import ListMemory, plan_list
from billhook.engine.listing.position import ListPosition
from engine.listing.mirror import NAME, Mirror, state_of
from lab.lists import KEY, PAGES, ListedSystem, list_file, open_lists

KINDS = [pytest.param(kind, id=kind) for kind in PAGES]


async def read_all(system: ListedSystem, text: str, **more) -> Mirror:
    """Read everything into a new mirror."""
    mirror = Mirror()
    async with open_lists(system.origin, text) as (integration, source):
        await mirror.sync(integration, source, now=system.clock, **more)
    return mirror


@pytest.mark.parametrize("kind", KINDS)
async def test_every_row_comes_once_with_each_kind_of_pages(system, kind):
    mirror = await read_all(system, list_file(system.origin, kind=kind))
    assert mirror.shown == state_of(system)
    assert sum(len(page.rows) for page in mirror.pages) == 20
    assert [page.is_last for page in mirror.pages] == [False] * (len(mirror.pages) - 1) + [True]
    assert mirror.pages[-1].complete


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, id=kind) for kind in ("offset", "last-id", "token")]
)
async def test_a_source_that_caps_the_size_loses_no_row(system, kind):
    system.cap = 3
    mirror = await read_all(system, list_file(system.origin, kind=kind))
    assert mirror.shown == state_of(system)


async def test_rows_that_come_twice_at_borders_are_one(system):
    system.repeats_border = True
    mirror = await read_all(system, list_file(system.origin, kind="number"))
    assert mirror.shown == state_of(system)
    assert sum(len(page.rows) for page in mirror.pages) > 20


@pytest.mark.parametrize(
    ("pages", "requests"),
    [
        pytest.param(', last_page = "short"', 3, id="short"),
        pytest.param(', total = "$.total"', 3, id="total"),
        pytest.param(', total = { json = "$.pages", of = "pages" }', 3, id="pages"),
        pytest.param(', more_when = [{ json = "$.more", equals = true }]', 3, id="more"),
        pytest.param("", 4, id="empty"),
    ],
)
async def test_the_end_is_where_the_file_says(system, pages, requests):
    text = PAGES["number"].replace(" }", f"{pages} }}")
    mirror = await read_all(system, list_file(system.origin, kind="number", pages=text))
    assert mirror.shown == state_of(system)
    assert len(system.requests) == requests


async def test_a_list_with_fewer_rows_than_its_total_is_not_complete(system):
    def lose_one(listed):
        listed.between_pages = None
        del listed.bills[1]

    system.between_pages = lose_one
    text = PAGES["number"].replace(" }", ', total = "$.pages" }')  # a number that is too small
    mirror = await read_all(system, list_file(system.origin, kind="number", pages=text))
    assert len(mirror.pages) == 1
    text = PAGES["offset"].replace(" }", ', total = "$.total" }')
    system.between_pages = lambda listed: listed.add() and setattr(listed, "between_pages", None)
    mirror = await read_all(
        system, list_file(system.origin, kind="offset", pages=text, query="?sort=newest")
    )
    assert mirror.pages[-1].is_last
    assert not mirror.pages[-1].complete


async def test_the_same_page_again_and_again_is_a_failure(system):
    text = 'pages = { kind = "number", param = "ignored", size = 7, size_param = "size" }'
    with pytest.raises(ListRepeats):
        await read_all(system, list_file(system.origin, kind="offset", pages=text))
    assert len(system.requests) == 2


@pytest.mark.parametrize("kind", ["token", "next-url"])
async def test_a_token_or_url_that_leads_back_is_a_failure(system, kind):
    text = PAGES[kind].replace("$.next", "$.data[0].number")
    for bill in system.bills.values():
        system.bills[bill.id] = replace(bill, number="t0" if kind == "token" else "?at=0&size=7")
    with pytest.raises(ListRepeats):
        await read_all(system, list_file(system.origin, kind=kind, pages=text))
    assert len(system.requests) <= 3


async def test_too_many_pages_are_a_failure(system):
    text = PAGES["number"].replace(" }", ", max_pages = 2 }")
    with pytest.raises(ListTooLong, match="2 pages"):
        await read_all(system, list_file(system.origin, pages=text))


async def test_a_next_url_at_another_origin_is_not_requested(system):
    for bill in system.bills.values():
        system.bills[bill.id] = replace(bill, number="https://thief.example/bills?at=7")
    text = PAGES["next-url"].replace("$.next", "$.data[0].number")
    with pytest.raises(ListUnreadable, match="another address"):
        await read_all(system, list_file(system.origin, kind="next-url", pages=text))
    assert len(system.requests) == 1


async def test_a_refusal_ends_the_run_at_once(system):
    system.trouble = [(401, {})]
    with pytest.raises(SourceRefused):
        await read_all(system, list_file(system.origin))


async def test_the_position_and_size_go_where_the_file_says(system):
    text = (
        'pages = { kind = "offset", param = "$.page.offset", in = "json", size = 7, '
        'size_param = "$.page.size", last_page = "short" }\nmethod = "POST"\nrepeatable = true\n'
        'headers = [["Content-Type", "application/json"]]\nbody = \'{"page": {}}\''
    )
    await read_all(system, list_file(system.origin, kind="offset", pages=text, query=""))
    assert system.bodies == [
        b'{"page": {"size": 7, "offset": %d}}' % offset for offset in (0, 7, 14)
    ]


async def test_tokens_in_a_json_body_are_numbers(system):
    text = (
        'pages = { kind = "offset", size = 30, last_page = "short" }\nmethod = "POST"\n'
        'headers = [["Content-Type", "application/json"]]\n'
        'body = \'{"at": {{Offset}}, "n": {{PageSize}}, "asked": "{{ChangedSince}}"}\''
    )
    changes = 'changes = { kind = "changed", format = "unix" }'
    await read_all(system, list_file(system.origin, kind="none", pages=text, changes=changes))
    assert system.bodies == [b'{"at": 0, "n": 30, "asked": "0"}']


@pytest.mark.parametrize("kind", KINDS[1:])
async def test_a_run_goes_on_where_it_stopped(system, kind):
    text = list_file(system.origin, kind=kind)
    async with open_lists(system.origin, text) as (integration, source):
        listing = integration.lists[NAME]
        (part,) = plan_list(listing, ListMemory(), now=system.clock)
        pages = source.read_list(NAME, part)
        first = [await anext(pages), await anext(pages)]
        await pages.aclose()
        position = ListPosition.from_json(first[-1].position.to_json())
        assert position == first[-1].position
        rest = [page async for page in source.read_list(NAME, part, position=position)]
    ids = {row.id for page in (*first, *rest) for row in page.rows}
    assert ids == {str(number) for number in system.bills}
    assert rest[-1].is_last
    assert rest[0].began == first[0].began
    again = {row.id for row in first[0].rows} & {row.id for row in rest[0].rows}
    assert not again


@pytest.mark.parametrize(
    ("position", "age", "begins_again"),
    [
        pytest.param({"token": "t7"}, timedelta(minutes=59), False, id="token"),
        pytest.param({"token": "t7"}, timedelta(minutes=61), True, id="old-token"),
        pytest.param({"number": 3}, timedelta(hours=23), False, id="number"),
        pytest.param({"number": 3}, timedelta(hours=25), True, id="old-number"),
    ],
)
def test_an_old_position_begins_its_slice_again(position, age, begins_again):
    now = datetime(2026, 3, 31, tzinfo=UTC)
    old = ListPosition(slice=2, page=2, at=now - age, began=now, **position)
    resumed = old.resumed(now, size=7, first=1)
    assert resumed.slice == 2
    assert (resumed.page == 0) == begins_again
    if "number" in position and not begins_again:
        assert resumed.number == 2  # one page earlier, since rows may have moved


async def test_a_page_of_another_format_is_a_failure_with_a_reason(system):
    mapping = 'map = { id = { xpath = "id" }, number = { xpath = "number" }, '
    mapping += 'customer = { xpath = "customer" }, amount = { xpath = "total" } }'
    with pytest.raises(ListUnreadable, match="not XML"):
        await read_all(
            system,
            list_file(system.origin, mapping=mapping).replace(
                'rows = "$.data[*]"', 'rows = { xpath = "//bill" }'
            ),
        )


async def test_no_error_shows_a_value_or_an_address(system):
    system.change(1, state="secret state")
    with pytest.raises(BillhookError) as caught:
        await read_all(system, list_file(system.origin))
    assert KEY not in str(caught.value)
    assert system.origin not in str(caught.value)
