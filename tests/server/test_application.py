"""One application: who gets which request, and how it lives and ends."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from asgi_client import ask
from billhook.server.app import Application
from billhook.server.health import Health
from gateway.gateway_cast import PDF, RUN_PATH, bearer, make_gateway, tokens


class Part:
    """Something that lives as long as the server, or can't."""

    def __init__(self, name, told, *, starts=True, stops=True):
        self.name, self.told, self.starts, self.stops = name, told, starts, stops

    async def start(self):
        if not self.starts:
            raise RuntimeError("secret-value")
        self.told.append(f"{self.name} starts")

    async def stop(self):
        self.told.append(f"{self.name} stops")
        if not self.stops:
            raise RuntimeError("secret-value")


async def portal(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the portal"})


def make_application(*parts):
    gateway, _, _ = make_gateway()
    gateway.close()
    health = Health(checks={}, registry=CollectorRegistry())
    return Application(gateway=gateway, health=health, portal=portal, parts=parts), gateway


class Life:
    """The server's side of the lifespan protocol."""

    def __init__(self, application):
        self.sent = asyncio.Queue()
        self._to_it = asyncio.Queue()
        self._going_on = asyncio.create_task(
            application({"type": "lifespan"}, self._to_it.get, self.sent.put)
        )

    async def start(self):
        await self._to_it.put({"type": "lifespan.startup"})
        return (await self.sent.get())["type"]

    async def stop(self):
        await self._to_it.put({"type": "lifespan.shutdown"})
        message = await self.sent.get()
        await self._going_on
        return message["type"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/", b"the portal", id="the portal"),
        pytest.param("/invoices/1", b"the portal", id="a page of it"),
        pytest.param("/apifoo", b"the portal", id="almost the gateway"),
        pytest.param("/healthz", b"alive\n", id="health"),
    ],
)
async def test_each_request_reaches_the_right_part(path, expected):
    application, _ = make_application()

    assert (await ask(application, "GET", path)).body == expected


async def test_runs_reach_the_gateway_which_is_open_while_the_server_runs():
    application, gateway = make_application()
    life = Life(application)

    async def status():
        return await ask(application, "POST", RUN_PATH, headers=bearer(), pieces=tokens())

    assert (await status()).status == 503
    assert await life.start() == "lifespan.startup.complete"
    assert (await status()).body == PDF
    assert await life.stop() == "lifespan.shutdown.complete"
    assert not gateway.is_open


async def test_everything_under_api_gets_a_problem_as_response():
    application, _ = make_application()

    response = await ask(application, "GET", "/api/v1/nothing")

    assert (response.status, response.header("content-type")) == (404, "application/problem+json")


async def test_parts_start_in_order_and_stop_in_reverse_order():
    told = []
    application, _ = make_application(Part("one", told), Part("two", told))
    life = Life(application)
    await life.start()
    await life.stop()

    assert told == ["one starts", "two starts", "two stops", "one stops"]


async def test_a_part_that_cannot_start_ends_the_start_and_stops_the_earlier_parts(caplog):
    told = []
    application, gateway = make_application(Part("one", told), Part("two", told, starts=False))

    assert await Life(application).start() == "lifespan.startup.failed"
    assert told == ["one starts", "one stops"]
    assert not gateway.is_open
    assert "secret-value" not in caplog.text


async def test_a_part_that_cannot_stop_does_not_prevent_the_others_from_stopping(caplog):
    told = []
    application, _ = make_application(Part("one", told), Part("two", told, stops=False))
    life = Life(application)
    await life.start()

    assert await life.stop() == "lifespan.shutdown.complete"
    assert told[-2:] == ["two stops", "one stops"]
    assert "secret-value" not in caplog.text


async def test_a_signal_closes_the_gateway_at_once():
    application, gateway = make_application()
    gateway.open()

    application.close()

    assert not gateway.is_open
