"""Two organisations, two customers, every role, every route, every method.

The routes come from the URL configuration: one without its row in :mod:`portal.who_may` fails.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from billhook.portal.accounts.models import User
from billhook.portal.documents.response import DocumentResponse
from billhook.portal.fields.ids import new_id
from portal import who_may
from portal.cast import Cast
from portal.who_may import MEMBERS, Relation, Row, Target

TARGETS = {"Harper IT": who_may.harper, "Northwind": who_may.northwind}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


_FOR_PROGRAMS = {"api", "api-elsewhere"}
"""Routes that know keys instead of people: see portal/api/test_who_may.py."""


def _routes(resolver: URLResolver, space: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name or pattern.pattern}"
        else:
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _routes(pattern, inner)


def _rows() -> dict[str, Row]:
    rows = dict(who_may.ROWS)
    for file in sorted(Path(__file__).parent.glob("who_may_*.py")):
        more = importlib.import_module(f"portal.{file.stem}").ROWS
        assert not rows.keys() & more.keys(), "a route has one row"
        rows |= more
    return rows


ROUTES = sorted(set(_routes(get_resolver())) - _FOR_PROGRAMS)
ROWS = _rows()
_with_row = [route for route in ROUTES if route in ROWS]
_with_arguments = [route for route in _with_row if ROWS[route].given is not who_may.nothing]
_that_post = [route for route in _with_row if ROWS[route].post]


def test_every_route_has_its_row_and_every_row_its_route() -> None:
    assert set(ROUTES) == set(ROWS)


@pytest.mark.parametrize("route", _with_row)
def test_each_route_is_open_to_exactly_the_listed_people(cast: Cast, route: str) -> None:
    people = who_may.people(cast)
    clients = {name: _client(user) for name, user in people.items()}
    wrong = []
    for target_name, choose in TARGETS.items():
        with _undone():
            target = choose(cast)
            arguments = ROWS[route].given(target)
            relations = {name: who_may.relation_of(user, target) for name, user in people.items()}
            wrong += [
                f"{target_name}: {name} ({relation.value}) {method}: expected {expected}, got {got}"
                for name, relation in relations.items()
                for method, got in _ask(clients[name], METHODS, route, arguments)
                for expected in [_expected(ROWS[route], relation, method)]
                if got != expected and not (expected == "no method" and got in _REFUSALS)
            ]
    assert wrong == []


@pytest.mark.parametrize("route", _with_arguments)
def test_rows_of_somebody_else_look_missing(cast: Cast, route: str) -> None:
    theirs = ROWS[route].given(who_may.harper(cast))
    missing = {key: _none_like(key, value) for key, value in theirs.items()}
    for stranger in map(_client, (cast.charlie.user, cast.cleo.user, cast.sam)):
        for method in ("GET", "POST"):
            foreign = _answer(stranger, method, reverse(route, kwargs=dict(theirs)))
            absent = _answer(stranger, method, reverse(route, kwargs=missing))
            assert foreign == absent


@pytest.mark.parametrize("route", _with_arguments)
def test_ones_own_organisation_gives_no_access_to_rows_of_another(cast: Cast, route: str) -> None:
    own = ROWS[route].given(who_may.northwind(cast))
    theirs = ROWS[route].given(who_may.harper(cast))
    if "organisation_id" not in own or len(own) == 1:
        return  # nothing to cross: the row itself decides
    crossed = {**theirs, "organisation_id": own["organisation_id"]}
    if crossed == own:
        return  # what else it names, such as a preset, is nobody's
    charlie = _client(cast.charlie.user)
    for method in ("GET", "POST"):
        refused = {"sign in"} if ROWS[route].is_at_entrance else {"not found", "no method"}
        assert dict(_ask(charlie, [method], route, crossed))[method] in refused


@pytest.mark.parametrize("route", _that_post)
def test_nothing_happens_without_the_csrf_token_of_the_form(cast: Cast, route: str) -> None:
    target = who_may.harper(cast)
    users = {who_may.relation_of(user, target): user for user in who_may.people(cast).values()}
    for relation in ROWS[route].post:
        client = _client(users[relation], enforce_csrf_checks=True)
        response = client.post(reverse(route, kwargs=dict(ROWS[route].given(target))))
        assert response.status_code == 403
        assert b"open too long" in response.content


_REFUSALS = {"sign in", "not found", "forbidden", "no method"}


def _expected(row: Row, relation: Relation, method: str) -> str:
    if row.is_at_entrance:
        return "sign in"
    allowed = {"GET": row.get, "HEAD": row.get, "POST": row.post}.get(method)
    if not allowed and not (method in {"GET", "HEAD"} and not row.post):
        return "no method"
    if allowed and relation in allowed:
        return "may"
    if relation is Relation.SIGNED_OUT and not row.is_public:
        return "sign in"
    if allowed and relation in MEMBERS and allowed & MEMBERS:
        return "forbidden"
    return "not found"


def _ask(
    client: Client, methods: Sequence[str], route: str, arguments: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    """Give each method and the result of its request, which leaves nothing behind.

    A route that refuses HEAD says of it what it says of GET, whose page has the reason.
    """
    url, results = reverse(route, kwargs=dict(arguments)), {}
    for method in methods:
        response = _leaving_nothing(client, method, url)
        is_refused = method == "HEAD" and response.status_code in {403, 405}
        results[method] = results["GET"] if is_refused else _told(response)
        yield method, results[method]


@contextmanager
def _undone() -> Iterator[None]:
    """Put the database back at the end of the block."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _leaving_nothing(client: Client, method: str, url: str) -> Any:
    """Send a request, then put the database and the client's cookies back."""
    cookies = deepcopy(client.cookies)
    with _undone():
        response = client.generic(method, url)
    client.cookies = cookies
    return response


def _told(response: HttpResponseBase) -> str:
    if isinstance(response, DocumentResponse):
        return "may"
    if response.status_code == 302 and "/sign-in?next=" in response.headers["Location"]:
        return "sign in"
    if response.status_code == 403 and b"You are signed out" in response.content:
        return "sign in"
    words = {403: "forbidden", 404: "not found", 405: "no method"}
    return words.get(response.status_code, "may" if response.status_code < 500 else "broken")


def _answer(client: Client, method: str, url: str) -> tuple[int, dict[str, str], bytes]:
    response = _leaving_nothing(client, method, url)
    return response.status_code, dict(response.items()), response.content


def _client(user: User | None, *, enforce_csrf_checks: bool = False) -> Client:
    client = Client(enforce_csrf_checks=enforce_csrf_checks)
    if user is not None:
        client.force_login(user)
    return client


def _none_like(key: str, value: object) -> object:
    return new_id() if key.endswith("_id") else value


def test_every_target_belongs_to_somebody(cast: Cast) -> None:
    target: Target = who_may.harper(cast)
    relations = {
        name: who_may.relation_of(user, target) for name, user in who_may.people(cast).items()
    }
    assert relations["alice"] is Relation.OWNER
    assert relations["carla"] is Relation.CONTACT
    assert relations["carl"] is relations["charlie"] is relations["sam"] is Relation.OTHER
