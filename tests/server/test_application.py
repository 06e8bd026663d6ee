"""One application: who gets which request, and how it lives and ends."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from asgi_client import ask
from billhook.engine.stop import SERVER_STOPPED
from billhook.server.app import Application
from billhook.server.health import Health
from gateway.gateway_cast import PDF, RUN_PATH, bearer, make_gateway, tokens


class Part:
    """Something that lives as long as the server, or can't."""

    def __init__(self, name, calls, *, starts=True, stops=True, hangs=False):
        self.name, self.calls, self.starts, self.stops = name, calls, starts, stops
        self.hangs = hangs

    async def start(self):
        if not self.starts:
            raise RuntimeError("secret-value")
        self.calls.append(f"{self.name} starts")

    async def stop(self, *, seconds):
        self.calls.append(f"{self.name} stops")
        self.seconds = seconds
        if self.hangs:
            await asyncio.Event().wait()
        if not self.stops:
            raise RuntimeError("secret-value")


async def portal(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the portal"})


def make_application(*parts, portal=portal, stop_seconds=60):
    gateway, _, _ = make_gateway()
    gateway.close()
    health = Health(checks={}, registry=CollectorRegistry())
    application = Application(
        gateway=gateway, health=health, portal=portal, parts=parts, stop_seconds=stop_seconds
    )
    return application, gateway


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


async def test_parts_start_in_order_and_stop_in_reverse_order():
    calls = []
    application, _ = make_application(Part("one", calls), Part("two", calls))
    life = Life(application)
    await life.start()
    await life.stop()

    assert calls == ["one starts", "two starts", "two stops", "one stops"]


async def test_a_part_that_cannot_start_ends_the_start_and_stops_the_earlier_parts(caplog):
    calls = []
    application, gateway = make_application(Part("one", calls), Part("two", calls, starts=False))

    assert await Life(application).start() == "lifespan.startup.failed"
    assert calls == ["one starts", "one stops"]
    assert not gateway.is_open
    assert "secret-value" not in caplog.text


async def test_a_part_that_cannot_stop_does_not_prevent_the_others_from_stopping(caplog):
    calls = []
    application, _ = make_application(Part("one", calls), Part("two", calls, stops=False))
    life = Life(application)
    await life.start()

    assert await life.stop() == "lifespan.shutdown.complete"
    assert calls[-2:] == ["two stops", "one stops"]
    assert "secret-value" not in caplog.text


async def test_a_signal_closes_the_gateway_at_once():
    application, gateway = make_application()
    gateway.open()

    application.close()

    assert not gateway.is_open


async def test_a_part_that_hangs_leaves_time_for_those_that_stop_after_it():
    calls = []
    first, hanging = Part("first", calls), Part("hanging", calls, hangs=True)
    application, _ = make_application(first, hanging, stop_seconds=2)
    life = Life(application)
    await life.start()
    began = asyncio.get_running_loop().time()

    assert await life.stop() == "lifespan.shutdown.complete"
    assert calls[-2:] == ["hanging stops", "first stops"]
    assert first.seconds >= 0.8
    assert asyncio.get_running_loop().time() - began < 2


async def test_a_request_that_a_stop_cuts_off_gets_a_503():
    begun = asyncio.Event()

    async def slow(scope, receive, send):
        begun.set()
        await asyncio.Event().wait()

    application, _ = make_application(portal=slow)
    asked = asyncio.create_task(ask(application, "GET", "/slow"))
    await begun.wait()
    asked.cancel(SERVER_STOPPED)
    response = await asked

    assert response.status == 503
    assert response.header("retry-after") == "5"
    assert response.header("connection") == "close"
    assert b"The server stopped before the document arrived." in response.body


async def test_another_cancellation_of_a_request_is_no_stop():
    begun = asyncio.Event()

    async def slow(scope, receive, send):
        begun.set()
        await asyncio.Event().wait()

    application, _ = make_application(portal=slow)
    asked = asyncio.create_task(ask(application, "GET", "/slow"))
    await begun.wait()
    asked.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asked
