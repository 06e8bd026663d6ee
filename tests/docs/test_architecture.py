"""The page about the architecture matches the code: picture, table, a save, files to change."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tools import architecture

from billhook.portal.accounts.models import User
from billhook.portal.integrations.models import Integration
from portal.cast import Cast, make_cast, signed_in
from portal.integration_cast import integration

ROOT = Path(__file__).resolve().parents[2]
PAGE = architecture.PAGE.read_text(encoding="utf-8")
NAMED = re.compile(r"`([\w./-]+)` · `([\w.-]+)`")
REMAKE = "run `make architecture`"


def section(title: str) -> str:
    """Return the text of one section of the page."""
    return PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_picture_matches_the_imports():
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.picture(), REMAKE


def test_the_table_of_rooms_matches_the_code():
    assert architecture.page() == PAGE, REMAKE


def test_every_room_has_a_sentence_that_explains_its_purpose():
    rows = architecture.table().split("\n")[2:-1]
    assert [row for row in rows if not re.fullmatch(r"\| [\w*/]+ \| .+[.?] \|", row)] == []


def test_the_picture_shows_each_import_directly_or_through_other_arrows():
    graph = architecture.graph_of_rooms()
    for part in ("portal", "engine"):
        rooms = {f"{part}.{room}" for row in architecture.layers(part) for room in row}
        inside = {room: graph[room] & rooms for room in rooms}
        drawn = architecture.reduced(inside)
        for room in rooms:
            reached, waiting = set(), [room]
            while waiting:
                new = drawn[waiting.pop()] - reached
                reached |= new
                waiting += new
            assert inside[room] <= reached


@pytest.mark.parametrize(("path", "name"), NAMED.findall(PAGE))
def test_each_named_file_exists_and_contains_the_name(path: str, name: str):
    text = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)


def test_all_lists_of_files_to_change_are_present():
    titles = re.findall(
        r"^\*\*(.+?)\*\*", section("To add something, change these files"), re.MULTILINE
    )
    wanted = ["slot", "scheme", "preset", "setting", "command", "page"]
    assert [word for word in wanted if not any(word in title for title in titles)] == []


def test_the_page_counts_the_functions_of_a_click():
    click = (ROOT / "docs" / "view-click.md").read_text(encoding="utf-8")
    count = len(re.findall(r"^`.+` · `.+`$", click, re.MULTILINE))
    assert f"follows it through {count} functions" in " ".join(PAGE.split())


class Form(HTMLParser):
    """The texts of the editor's form, as a browser posts them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._textarea = self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "input" and "name" in at and at.get("type") not in {"checkbox", "file", "radio"}:
            self.values[at["name"]] = at.get("value", "")
        elif tag == "textarea":
            self._textarea = at["name"]
        elif tag == "select":
            self._select = at["name"]
        elif tag == "option" and ("selected" in at or self._select not in self.values):
            self.values[self._select] = at.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] = data.removeprefix("\n")
            self._textarea = ""


def calls_of(work: Callable[[], Any]) -> list[str]:
    """Return the functions of Billhook in the order of their first call by *work*."""
    calls: dict[str, None] = {}

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith("billhook."):
            calls.setdefault(f"src/{module.replace('.', '/')}.py · {frame.f_code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return list(calls)


@pytest.fixture
def row(db: None) -> Integration:
    cast: Cast = make_cast()
    return integration(cast.harper)


def test_a_save_calls_the_named_functions_in_order(row: Integration):
    member = User.objects.get(memberships__organisation=row.organisation, memberships__role="owner")
    client: Client = signed_in(member)
    address = reverse("backoffice:integration", args=[row.organisation_id, row.id])
    values = Form(client.get(address).content.decode()).values
    responses: list[Any] = []
    calls = calls_of(
        lambda: responses.append(client.post(address, {**values, "name": "New", "do": "save"}))
    )
    assert responses[0].status_code == 302, responses[0].content.decode()
    assert Integration.objects.get(id=row.id).name == "New"
    named = [f"{path} · {name}" for path, name in NAMED.findall(section("The way of a save"))]
    assert [call for call in calls if call in named] == named
