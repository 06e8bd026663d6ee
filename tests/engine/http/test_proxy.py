"""The operator's outgoing proxy: what goes through it, what it learns, and what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from billhook.engine.authentication.tls import compile_tls
from billhook.engine.config import TlsConfig
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.proxy import OutgoingProxy
from billhook.engine.errors import (
    BillhookError,
    ConfigurationError,
    EgressDenied,
    SourceTlsFailed,
    SourceUnreachable,
)
from billhook.engine.http.transport import HttpTransport
from billhook.engine.run import run_command
from engine.certificates import Authority
from engine.origins import Source, always, answer, command, pdf, serving

BOTH_LOOPS = True
PUBLIC = "93.184.216.34"
HOST = "invoices.example.com"


@dataclass
class Lookups:
    """A resolver with one answer for every name, which it keeps."""

    addresses: Sequence[str] = (PUBLIC,)
    names: list[str] = field(default_factory=list)

    async def resolve(self, name: str) -> Sequence[str]:
        self.names.append(name)
        return self.addresses


@dataclass
class Proxy:
    """A proxy on loopback that opens every tunnel to one origin, whatever address it is given."""

    port: int
    status: str = "200 Connection established"
    seen: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def policy(
        self,
        url: str = "",
        *,
        exceptions: Sequence[str] = (),
        by_name: bool = False,
        **more: Sequence[str],
    ) -> EgressPolicy:
        """Return a policy with this proxy."""
        proxy = OutgoingProxy.parse(url or self.url, exceptions=exceptions, by_name=by_name)
        return EgressPolicy.from_texts(proxy=proxy, **more)


@asynccontextmanager
async def proxy_to(origin: Source | None = None, **settings: str) -> AsyncIterator[Proxy]:
    tunnels: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            proxy.seen.append(lines[0])
            proxy.credentials += [each for each in lines if each.startswith("Proxy-Auth")]
            writer.write(f"HTTP/1.1 {proxy.status}\r\n\r\n".encode())
            if proxy.status.startswith("200") and origin is not None:
                there = await asyncio.open_connection("127.0.0.1", origin.port)
                await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))
        writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnels.add(asyncio.create_task(talk(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    proxy = Proxy(port=server.sockets[0].getsockname()[1], **settings)
    try:
        yield proxy
    finally:
        server.close()
        await asyncio.wait_for(asyncio.gather(*tunnels), 5)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def get(
    policy: EgressPolicy,
    url: str = f"http://{HOST}/1",
    *,
    resolver: Lookups | None = None,
    context: ssl.SSLContext | None = None,
    times: int = 1,
) -> bytes | BillhookError:
    get_invoice = command(url, retries=0)
    transport = HttpTransport(policy, resolver=resolver or Lookups(), ssl_context=context)
    async with transport:
        try:
            for _ in range(times):
                with await run_command(
                    get_invoice, get_invoice.values({}), transport=transport
                ) as document:
                    found = document.body.read()
        except BillhookError as error:
            return error
    return found


async def test_a_public_source_is_reached_through_the_proxy_by_its_judged_address():
    lookups = Lookups()
    async with serving(always(answer(pdf()))) as origin, proxy_to(origin) as proxy:
        assert await get(proxy.policy(), resolver=lookups, times=2) == pdf()
    assert proxy.seen == [f"CONNECT {PUBLIC}:80 HTTP/1.1"], "the second run uses the same tunnel"
    assert lookups.names == [f"{HOST}."]
    assert origin.requests[0].startswith(b"GET /1 HTTP/1.1\r\nHost: invoices.example.com\r\n")
    assert b"Proxy-" not in origin.requests[0]


async def test_tls_goes_through_the_tunnel_and_is_checked_for_the_name(tmp_path):
    authority = Authority()
    tls = authority.server_context(tmp_path, names=[HOST])
    context = compile_tls(TlsConfig(ca=authority.pem), secrets=[]).bind({})
    async with serving(always(answer(pdf())), tls=tls) as origin, proxy_to(origin) as proxy:
        assert await get(proxy.policy(), f"https://{HOST}/1", context=context) == pdf()
        other = await get(proxy.policy(), "https://other.example.com/1", context=context)
    assert isinstance(other, SourceTlsFailed)
    assert proxy.seen[0] == f"CONNECT {PUBLIC}:443 HTTP/1.1"


async def test_by_name_the_proxy_looks_the_name_up():
    lookups = Lookups()
    async with serving(always(answer(pdf()))) as origin, proxy_to(origin) as proxy:
        assert await get(proxy.policy(by_name=True), resolver=lookups) == pdf()
    assert proxy.seen == [f"CONNECT {HOST}:80 HTTP/1.1"]
    assert lookups.names == []


async def test_user_and_password_go_to_the_proxy_alone():
    async with serving(always(answer(pdf()))) as origin, proxy_to(origin) as proxy:
        policy = proxy.policy(f"http://us%40er:p%3Ass@127.0.0.1:{proxy.port}")
        assert await get(policy) == pdf()
    expected = base64.b64encode(b"us@er:p:ss").decode()
    assert proxy.credentials == [f"Proxy-Authorization: Basic {expected}"]
    assert expected.encode() not in b"".join(origin.requests)
    assert "p:ss" not in repr(policy)


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        pytest.param(f"http://{HOST}/1", ["10.0.0.7"], id="a private address"),
        pytest.param(f"http://{HOST}/1", [PUBLIC, "127.0.0.1"], id="one of two"),
        pytest.param("http://169.254.169.254/1", [], id="a metadata address"),
        pytest.param("http://localhost/1", [], id="a local name"),
        pytest.param(f"http://{HOST}:25/1", [PUBLIC], id="a port"),
    ],
)
@pytest.mark.parametrize("by_name", [False, True], ids=["by address", "by name"])
async def test_the_proxy_never_sees_a_target_that_the_guard_denies(url, addresses, by_name):
    async with proxy_to() as proxy:
        found = await get(proxy.policy(by_name=by_name), url, resolver=Lookups(addresses))
    if by_name and addresses and ":25" not in url:
        assert proxy.seen  # such an address is the proxy's own business, as documented
    else:
        assert isinstance(found, EgressDenied)
        assert proxy.seen == []


async def test_private_systems_and_exceptions_are_reached_directly():
    async with serving(always(answer(pdf()))) as origin, proxy_to() as proxy:
        policy = proxy.policy(allow=[f"127.0.0.1:{origin.port}"])
        assert await get(policy, f"{origin.url}/1") == pdf()
        policy = proxy.policy(exceptions=[".example.com", "10.0.0.1"], ports=["80"])
        assert policy.proxy_for(HOST, 80) is None
        assert policy.proxy_for("10.0.0.1", 80) is None
        assert policy.proxy_for("notexample.com", 80) is not None
    assert proxy.seen == []


async def test_a_redirect_goes_through_the_proxy_too():
    async with serving(always(answer(pdf()))) as origin, proxy_to(origin) as proxy:
        away = answer(b"", "Location: http://files.example.net/2", status="302 Found")
        async with serving(always(away)) as first:
            policy = proxy.policy(allow=[f"127.0.0.1:{first.port}"])
            assert await get(policy, f"{first.url}/1") == pdf()
    assert proxy.seen == [f"CONNECT {PUBLIC}:80 HTTP/1.1"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param("407 Proxy Authentication Required", "proxy-credentials", id="credentials"),
        pytest.param("403 Forbidden", "proxy-denied", id="denied"),
        pytest.param("503 Service Unavailable", "proxy-failed", id="no connection"),
        pytest.param("SSH-2.0", "proxy-unreachable", id="no proxy"),
    ],
)
async def test_an_error_of_the_proxy_is_named(status, reason):
    async with proxy_to(status=status) as proxy:
        error = await get(proxy.policy())
    assert isinstance(error, SourceUnreachable)
    assert error.reason == reason
    assert "outgoing proxy" in str(error)
    assert str(proxy.port) not in str(error)


async def test_a_proxy_that_is_not_there_is_named():
    async with proxy_to() as proxy:
        pass
    error = await get(proxy.policy())
    assert isinstance(error, SourceUnreachable)
    assert error.reason == "proxy-unreachable"


async def test_the_next_address_is_tried_if_the_proxy_has_no_connection_to_the_first():
    async with proxy_to(status="502 Bad Gateway") as proxy:
        addresses = [PUBLIC, "93.184.216.35", "93.184.216.36"]
        await get(proxy.policy(), resolver=Lookups(addresses))
    assert len(proxy.seen) == 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("proxy.example:3128", id="no scheme"),
        pytest.param("https://proxy.example:3128", id="https"),
        pytest.param("http://proxy.example", id="no port"),
        pytest.param("http://user:CANARY@/", id="no host"),
        pytest.param("http://user:CANARY@proxy.example:3128/path", id="a path"),
        pytest.param("http://[::1", id="broken"),
    ],
)
def test_the_address_of_a_proxy_is_checked(text):
    with pytest.raises(ConfigurationError, match="Write http://") as caught:
        OutgoingProxy.parse(text)
    assert "CANARY" not in str(caught.value)


def test_an_exception_is_a_host_or_a_domain():
    with pytest.raises(ConfigurationError, match="not a host"):
        OutgoingProxy.parse("http://proxy.example:3128", exceptions=["http://x"])


async def test_the_environment_has_no_say(monkeypatch):
    async with proxy_to() as proxy, serving(always(answer(pdf()))) as origin:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert await get(origin.policy(), f"{origin.url}/1") == pdf()
    assert proxy.seen == []
