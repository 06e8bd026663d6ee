"""Questions that monitoring may ask: alive, ready, counted."""

import asyncio
import json

import pytest
from prometheus_client import CollectorRegistry, Counter

from asgi_client import ask, scope
from billhook.server import health
from billhook.server.health import Health


class Checks:
    """Two things that may be there or not, and how often they were asked."""

    def __init__(self):
        self.there = {"database": True, "runs": True}
        self.asked = 0

    def all(self):
        return {name: self._check(name) for name in self.there}

    def _check(self, name):
        async def check():
            self.asked += 1
            return self.there[name]

        return check


def make_health(checks=None, **more):
    registry = CollectorRegistry()
    Counter("things", "Things.", registry=registry).inc()
    return Health(checks=(checks or Checks()).all(), registry=registry, **more)


async def test_a_server_that_responds_is_alive():
    response = await ask(make_health(), "GET", "/healthz")

    assert (response.status, response.body) == (200, b"alive\n")


async def test_it_is_ready_when_everything_is_available():
    response = await ask(make_health(), "GET", "/readyz")

    assert response.status == 200
    assert json.loads(response.body) == {"ready": True, "checks": {"database": True, "runs": True}}


async def test_it_is_not_ready_when_something_is_unavailable_and_says_what():
    checks = Checks()
    checks.there["database"] = False

    response = await ask(make_health(checks), "GET", "/readyz")

    assert response.status == 503
    assert json.loads(response.body)["checks"] == {"database": False, "runs": True}


async def test_frequent_checks_do_not_query_the_database_often():
    checks = Checks()
    health = make_health(checks)

    for _ in range(20):
        await ask(health, "GET", "/readyz")

    assert checks.asked == 2


async def test_counters_are_read_from_this_machine():
    response = await ask(make_health(), "GET", "/metrics")

    assert response.status == 200
    assert b"things_total 1.0" in response.body
    assert response.header("content-type").startswith("text/plain; version=")


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        pytest.param(("192.0.2.1", 1), [], id="another machine"),
        pytest.param(("127.0.0.1", 1), [(b"x-forwarded-for", b"192.0.2.1")], id="through a proxy"),
        pytest.param(("127.0.0.1", 1), [(b"via", b"1.1 proxy")], id="through another"),
        pytest.param(("a name", 1), [], id="no address"),
        pytest.param(None, [], id="unknown"),
        pytest.param(("192.0.2.1", 1), [(b"authorization", b"Bearer ")], id="an empty token"),
    ],
)
async def test_counters_are_hidden_from_others(client, headers):
    response = await ask(make_health(), "GET", "/metrics", client=client, headers=headers)

    assert (response.status, response.body) == (404, b"There is nothing at this address.\n")


@pytest.mark.parametrize(
    ("given", "status"), [(b"Bearer right", 200), (b"Bearer wrong", 404), (b"right", 404)], ids=str
)
async def test_counters_can_be_read_from_elsewhere_with_the_token(given, status):
    health = make_health(token="right")
    headers = [(b"authorization", given)]

    response = await ask(health, "GET", "/metrics", client=("192.0.2.1", 1), headers=headers)

    assert response.status == status


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_they_accept_only_get(path):
    response = await ask(make_health(), "POST", path)

    assert (response.status, response.header("allow")) == (405, "GET, HEAD")


def test_other_paths_are_left_to_the_portal():
    assert Health.owns(scope("GET", "/healthz"))
    assert not Health.owns(scope("GET", "/healthz/"))
    assert not Health.owns(scope("GET", "/"))


async def test_a_check_that_hangs_is_reported_within_a_second_and_is_not_begun_again(monkeypatch):
    monkeypatch.setattr(health, "_CHECK_EVERY", -1)
    monkeypatch.setattr(health, "_CHECK_SECONDS", 0.05)
    begun, may_end = [], asyncio.Event()

    async def hang():
        begun.append(True)
        await may_end.wait()
        return True

    async def fine():
        return True

    asked = Health(checks={"database": hang, "runs": fine}, registry=CollectorRegistry())
    states = []
    for number in range(4):
        if number == 3:
            may_end.set()
        response = await ask(asked, "GET", "/readyz")
        states.append((response.status, json.loads(response.body)["checks"]["database"]))

    assert states == [(503, False)] * 3 + [(200, True)]
    assert len(begun) <= 2  # a second one, once the first has ended


async def test_a_check_that_fails_is_not_ready():
    async def fail():
        raise RuntimeError

    asked = Health(checks={"database": fail}, registry=CollectorRegistry())

    assert (await ask(asked, "GET", "/readyz")).status == 503
