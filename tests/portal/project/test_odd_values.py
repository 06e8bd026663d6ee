"""Odd values in each form and each address of both sites: no page fails, on either database.

The forms, their fields and the parameters are found on the pages themselves, and the pages in the
URL configuration: a new one is tried, too.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import QueryDict
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import resolve, reverse
from lxml import html

from portal import who_may
from portal.cast import Cast, signed_in
from portal.integration_cast import integration
from portal.test_who_may import ROUTES, ROWS, _leaving_nothing, _undone

EDITOR = 20
"""Fields from which on a form is the editor's, whose page is slow: see portal/editor."""


def cursor(*content: object) -> str:
    """Return a forged place in a list."""
    return "after-" + base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


TEXTS = ("\uffff\U0010ffff\u202e\u2028\u200b\x1b\x85", "x" * 70_000, "https://[::1")
NUMBERS = ("9" * 30, "1e999999999", "999999999999.9999", "²")
DAYS = ("0001-01-01", "9999-12-31", "2026-02-30")
CURSORS = (cursor("-date", 0.0, "x"), cursor("name", 0, "\ud800", "\ud800"))
ODD = (*TEXTS, *NUMBERS, *DAYS, *CURSORS)
TOGETHER = (*TEXTS[:2], DAYS[1])
OF_KIND = {
    "date": DAYS,
    "number": NUMBERS,
    "hidden": (NUMBERS[0], TEXTS[0]),
    "email": ("dotted.İ@ŉ.example",),
    "text": TEXTS[:1],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of a page: where it is sent, its fields as they are filled, and their kinds."""

    action: str
    values: dict[str, str]
    kinds: dict[str, str]

    def filled(self) -> Iterator[dict[str, str]]:
        """Give the form with an odd value in each field, then in all of them."""
        if len(self.kinds) < EDITOR:
            for name, kind in self.kinds.items():
                for odd in OF_KIND.get(kind, NUMBERS[:1]):
                    yield {**self.values, name: odd}
        for odd in TOGETHER:
            yield {**self.values, **dict.fromkeys(self.kinds.keys() - {"do"}, odd)}


def forms_on(page: html.HtmlElement, address: str) -> Iterator[Form]:
    """Give the forms of *page* that change anything."""
    for form in page.forms:
        inputs = [each for each in form.inputs if each.name]
        if form.method == "POST":
            yield Form(
                action=urlsplit(form.action or address).path,
                values=dict(form.form_values()),
                kinds={each.name: each.get("type", each.tag) for each in inputs},
            )


def parameters_on(page: html.HtmlElement) -> Iterator[str]:
    """Give the names of the parameters in the links and the searches of *page*."""
    for link in page.xpath("//a/@href"):
        yield from (name for name, _ in parse_qsl(urlsplit(link).query, keep_blank_values=True))
    for form in page.forms:
        if form.method == "GET":
            yield from (each.name for each in form.inputs if each.name)


class Query(QueryDict):
    """The parameters of an address, which note the names whose values a page reads."""

    asked: ClassVar[set[str]] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def dict(self) -> dict[str, str]:
        self.asked.add("*")
        return {name: values[-1] for name, values in self.lists()}


class Walk:
    """A walk through all pages: it sends each odd value once, and keeps the faults it finds."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.owner, self.contact = signed_in(cast.alice), signed_in(cast.carla)
        self.faults: list[str] = []
        self.sent = 0
        self._seen: set[tuple[str, frozenset[str]]] = set()

    def client(self, route: str) -> Client:
        """Return the browser of somebody who may see the page *route*."""
        if ROWS[route].is_public or ROWS[route].is_at_entrance:
            return Client()
        return self.owner if route.startswith(("backoffice:", "as:")) else self.contact

    def visit(self, route: str) -> None:
        """Ask for the page *route* with odd parameters, and send the forms that are on it."""
        client = self.client(route)
        address = reverse(route, kwargs=dict(ROWS[route].given(who_may.harper(self.cast))))
        Query.asked.clear()
        page = self._page(client, address)
        names = set(Query.asked)
        if "*" in names and page is not None:  # it may look for any, and its links name them
            names |= set(parameters_on(page))
        for odd in ODD if names else ():
            self._send(client, "GET", f"{address}?{urlencode(dict.fromkeys(names, odd[:2_000]))}")
        for form in forms_on(page, address) if page is not None else ():
            if self._is_new(form):
                for values in form.filled():
                    self._send(client, "POST", form.action, values)

    def _page(self, client: Client, address: str) -> html.HtmlElement | None:
        response = _leaving_nothing(client, "GET", address)
        is_page = "text/html" in response.headers.get("Content-Type", "")
        if response.status_code != 200 or not is_page:
            return None
        return html.fromstring(response.content.decode())

    def _is_new(self, form: Form) -> bool:
        key = resolve(form.action).view_name, frozenset(form.kinds)
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new

    def _send(
        self, client: Client, method: str, address: str, values: dict[str, str] | None = None
    ) -> None:
        self.sent += 1
        form = {"data": encode_multipart(BOUNDARY, values)} if values else {}
        kind = {"content_type": MULTIPART_CONTENT} if values else {}
        cookies = deepcopy(client.cookies)
        try:
            with _undone():
                client.generic(method, address, **form, **kind)
        except Exception as error:  # noqa: BLE001 - any of them is a fault
            odd = {name: text[:20] for name, text in (values or {}).items() if text in ODD}
            self.faults.append(f"{method} {address[:80]} {odd}: {error!r}"[:400])
        client.cookies = cookies


def test_no_odd_value_makes_a_page_fail(
    cast: Cast, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = property(lambda request: Query(request.META.get("QUERY_STRING", "")))
    monkeypatch.setattr(WSGIRequest, "GET", query)
    caplog.set_level("CRITICAL")
    integration(cast.harper)
    walk = Walk(cast)
    for route in ROUTES:
        with _undone():
            walk.visit(route)
    assert walk.faults == []
    assert walk.sent > 500
