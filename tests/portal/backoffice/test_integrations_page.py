"""The list of integrations: in pages, with a search, and moved over a page's end."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.urls import reverse

from billhook.portal.backoffice import integrations_page, views_keys
from billhook.portal.integrations import services
from billhook.portal.integrations.models import Integration
from billhook.portal.runs.models import Run, RunKind
from portal.cast import Cast, signed_in
from portal.integration_cast import draft, integration


@pytest.fixture
def five(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[Integration]:
    """Five integrations, of which two fit on a page."""
    monkeypatch.setattr(integrations_page, "ROWS_ON_A_PAGE", 2)
    integration(cast.northwind, draft(name="Theirs"))
    return [integration(cast.harper, draft(name=f"Number {n}")) for n in range(5)]


def page_at(cast: Cast, query: str = "") -> str:
    address = reverse("backoffice:integrations", args=[cast.harper.id]) + query
    return unescape(signed_in(cast.bob).get(address).content.decode())


def names(page: str) -> list[str]:
    return re.findall(r'scope="row"><a[^>]*><bdi>([^<]*)<', page)


def link(page: str, word: str) -> str:
    (found,) = re.findall(rf'href="(\?[^"]*)">(?:<svg.*?</svg>)?{word}', page)
    return found


def in_order() -> list[str]:
    rows = Integration.objects.filter(organisation__name="Harper IT")
    return [name[-1] for name in rows.values_list("name", flat=True)]


def test_a_short_list_has_no_search_and_no_pages(cast: Cast) -> None:
    integration(cast.harper)
    page = page_at(cast)
    assert 'role="search"' not in page
    assert 'class="pager"' not in page


def test_pages_follow_each_other_in_the_order_of_view(cast: Cast, five: list[Integration]) -> None:
    first = page_at(cast)
    assert names(first) == ["Number 0", "Number 1"]
    second = page_at(cast, link(first, "Next"))
    assert names(second) == ["Number 2", "Number 3"]
    assert re.findall(r'<span class="muted">(\d+)</span>', second) == ["3", "4"]
    assert "5 integrations" in second
    last = page_at(cast, link(second, "Next"))
    assert names(last) == ["Number 4"]
    assert names(page_at(cast, link(last, "Previous"))) == ["Number 2", "Number 3"]


def test_a_search_finds_part_of_a_name(cast: Cast, five: list[Integration]) -> None:
    page = page_at(cast, "?q=NUMBER+3")
    assert names(page) == ["Number 3"]
    assert "Move" not in page
    assert names(page_at(cast, "?q=Theirs")) == []
    assert "No integration has this in its name" in page_at(cast, "?q=Theirs")


def test_a_row_moves_over_the_end_of_its_page_and_the_page_stays(
    cast: Cast, five: list[Integration]
) -> None:
    query = link(page_at(cast), "Next")
    address = reverse("backoffice:integration-move", args=[cast.harper.id, five[2].id])
    response = signed_in(cast.bob).post(address + query, {"to": "up"})
    assert response.headers["Location"].endswith(query)
    assert in_order() == ["0", "2", "1", "3", "4"]


@pytest.mark.parametrize(
    ("moved", "places", "order"),
    [(0, 3, "12304"), (4, -9, "40123"), (2, 0, "01234"), (1, 9, "02341")],
)
def test_an_integration_moves_any_number_of_places(
    cast: Cast, five: list[Integration], moved: int, places: int, order: str
) -> None:
    number = services.move_integration(integration=five[moved], places=places)
    assert "".join(in_order()) == order
    assert number == order.index(str(moved)) + 1


def test_a_move_keeps_positions_with_gaps_and_repairs_equal_ones(
    cast: Cast, five: list[Integration]
) -> None:
    services.delete_integration(integration=five[1])
    services.move_integration(integration=five[3], places=-1)
    assert in_order() == ["0", "3", "2", "4"]
    assert list(
        Integration.objects.filter(organisation=cast.harper).values_list("position", flat=True)
    ) == [0, 2, 3, 4]
    Integration.objects.update(position=7)
    services.move_integration(integration=five[4], places=-1)
    assert in_order() == ["0", "2", "4", "3"]


def test_each_row_has_the_last_run_of_its_integration(cast: Cast, five: list[Integration]) -> None:
    for row, minutes, outcome in (
        (0, 1, "ok"),
        (0, 3, "source-timeout"),
        (0, 2, "ok"),
        (1, 1, "ok"),
    ):
        Run.objects.create(
            organisation=cast.harper,
            integration=five[row],
            kind=RunKind.VIEW,
            outcome=outcome,
            started_at=f"2026-03-31T12:0{minutes}:00Z",
            milliseconds=1,
        )
    page = page_at(cast)
    assert page.count("/runs/") == 2
    last = Run.objects.get(outcome="source-timeout")
    assert f"/runs/{last.id}" in page


def test_keys_have_pages_too(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views_keys, "ROWS_ON_A_PAGE", 2)
    for n in range(3):
        services.create_api_key(organisation=cast.harper, name=f"Key {n}", user=cast.alice.user)
    address = reverse("backoffice:keys", args=[cast.harper.id])
    page = unescape(signed_in(cast.bob).get(address).content.decode())
    assert re.findall(r"<bdi>(Key \d)</bdi></th>", page) == ["Key 2", "Key 1"]
    page = unescape(signed_in(cast.bob).get(address + link(page, "Next")).content.decode())
    assert re.findall(r"<bdi>(Key \d)</bdi></th>", page) == ["Key 0"]
