"""The pool's last gate, and what we lean on in aiohttp: if it fails, read what aiohttp changed."""

from __future__ import annotations

import asyncio
import inspect
import sys

import pytest
from aiohttp import ClientConnectorError, TCPConnector
from aiohttp.client_proto import ResponseHandler

from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.resolver import SystemResolver
from billhook.engine.egress.url import Origin
from billhook.engine.http.pool import AddressRefused, Pool, _dialling
from billhook.engine.http.request import Limits
from billhook.engine.http.site import Dial, Site
from billhook.engine.http.trace import Progress
from billhook.engine.http.transport import HttpTransport
from billhook.engine.http.wire import Wire
from billhook.engine.run import run_command
from billhook.engine.verdict import Verdict
from engine.origins import always, answer, command, pdf, serving

LIMITS = Limits(timeout=30, max_bytes=1000)


def dial_to(host: str, port: int, *, scheme: str = "http") -> Dial:
    site = Site(Origin(scheme=scheme, host=host, port=port))
    return Dial(site, limits=LIMITS, progress=Progress("One", "GET"))


@pytest.fixture
async def pool():
    async with Pool(EgressPolicy(), resolver=SystemResolver()) as made:
        yield made


class TestTheLastGate:
    """The literal address is judged as the socket is created, regardless of earlier checks."""

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"])
    async def test_a_denied_literal_opens_no_socket(self, pool: Pool, host: str) -> None:
        dial = dial_to(host, 80)
        with pytest.raises(ClientConnectorError) as caught:
            await pool.open(dial)
        assert isinstance(caught.value.os_error, AddressRefused)
        assert dial.verdict is not None
        assert not dial.verdict.allowed

    @pytest.mark.parametrize(
        "text", ["127.1", "localhost", "2130706433", "0x7f.1", "fe80::1%lo", "127.0.0.1\0", ""]
    )
    async def test_text_that_is_not_a_canonical_address_opens_no_socket(
        self, pool: Pool, text: str
    ) -> None:
        dial = dial_to("api.example.com", 443)
        token = _dialling.set(dial)
        try:
            with pytest.raises(AddressRefused):
                pool._judged_socket((2, 1, 6, "", (text, 443)))
        finally:
            _dialling.reset(token)
        assert dial.verdict in {Verdict.DENIED_NOT_AN_ADDRESS, Verdict.DENIED_ZONE_ID}


class TestWhatWeLeanOn:
    async def test_every_connection_is_one_of_ours(self) -> None:
        async with serving(always(answer(pdf()))) as source:
            pool = Pool(source.policy(), resolver=SystemResolver())
            connection, wire = await pool.open(dial_to("127.0.0.1", source.port))
            assert type(wire) is Wire
            assert wire.transport is not None
            connection.close()
            await pool.close()

    def test_the_methods_that_we_override_exist_with_the_same_arguments(self) -> None:
        def arguments(function: object) -> list[str]:
            return list(inspect.signature(function).parameters)  # type: ignore[arg-type]

        assert arguments(TCPConnector._create_connection) == ["self", "req", "traces", "timeout"]
        assert arguments(TCPConnector._release) == ["self", "key", "protocol", "should_close"]
        assert arguments(TCPConnector.connect) == ["self", "req", "traces", "timeout"]
        assert arguments(ResponseHandler.data_received) == ["self", "data"]
        assert arguments(ResponseHandler.feed_data) == ["self", "data", "size"]

    async def test_no_name_is_cached(self, pool: Pool) -> None:
        assert not pool.use_dns_cache

    def test_the_engine_never_uses_a_client_session(self) -> None:
        modules = [module for name, module in sys.modules.items() if name.startswith("billhook.")]
        assert not any(hasattr(module, "ClientSession") for module in modules)


async def test_a_closed_transport_opens_again() -> None:
    async with serving(always(answer(pdf()))) as source:
        get_invoice = command(f"{source.url}/")
        door = HttpTransport(source.policy())
        for _ in range(2):
            document = await run_command(get_invoice, get_invoice.values({}), transport=door)
            assert document.size == 2000
            await door.close()
        await source.all_gone()
    assert source.connections == 2


def test_a_transport_works_in_one_event_loop_after_another() -> None:
    async def once(door: HttpTransport) -> int:
        async with serving(always(answer(pdf()))) as source:
            door._policy = source.policy()
            door._destinations.cache_clear()
            get_invoice = command(f"{source.url}/")
            document = await run_command(get_invoice, get_invoice.values({}), transport=door)
            await door.close()
            return document.size

    door = HttpTransport(EgressPolicy())
    assert asyncio.run(once(door)) == asyncio.run(once(door)) == 2000
