"""Hostile origins: each ends the run with its own error, and leaves nothing open."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket  # noqa: TID251 - a full queue of connections needs the raw thing
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import brotli
import pytest
import zstandard

from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.errors import (
    BillhookError,
    EgressDenied,
    EmptyAnswer,
    SourceBroken,
    SourceCutShort,
    SourceEncoded,
    SourceRedirected,
    SourceStatus,
    SourceTimeout,
    SourceTlsFailed,
    SourceTooLarge,
    SourceTooSlow,
    SourceUnreachable,
)
from billhook.engine.http.tls import default_tls_context
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport
from billhook.engine.reasons.tls_failure import EXPIRED, NOT_TLS, OTHER_NAME, UNKNOWN_AUTHORITY
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from billhook.engine.verdict import Verdict
from engine.certificates import Authority
from engine.origins import (
    Peer,
    Script,
    Source,
    always,
    answer,
    command,
    nothing_left,
    once,
    pdf,
    serving,
    transport_to,
    with_limits,
)

BOTH_LOOPS = True

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSED = b"HTTP/1.1 200 OK\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def begins(data: bytes) -> Script:
    """Answer with *data*, then say nothing more and wait."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(data)
        await peer.until_gone()

    return script


def drips(begin: bytes, rest: bytes, *, pause: float = 0.1) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(begin)
        await peer.drip(rest, pause=pause)

    return script


def endlessly(begin: bytes, piece: bytes, *, pause: float = 0.0) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(begin)
        while True:
            await peer.send(piece)
            await asyncio.sleep(pause)

    return script


def resets(data: bytes) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(data)
        await asyncio.sleep(0.05)
        peer.reset()

    return script


async def fail(source: Source, *, trace: Trace | None = None, **limits: float) -> BillhookError:
    """Run a command against *source*, which must fail, and return the error."""
    get_invoice = with_limits(command(f"{source.url}/invoice"), **limits)
    async with transport_to(source) as door:
        with pytest.raises(BillhookError) as caught:
            await run_command(get_invoice, get_invoice.values({}), transport=door, trace=trace)
    await source.all_gone()
    return caught.value


SMALL = {"max_bytes": 200_000}
SHORT = {**SMALL, "read_timeout": 0.3, "throughput_window": 0.3}
"""For origins that make one wait; for others, a busy machine would be too slow."""
BOMB = b"\0" * 20_000_000

HANGING_UP = (resets(b""), once(b""))
"""Origins that end a connection without a byte."""
HOSTILE = [
    pytest.param(drips(b"", b"HTTP/1.1 200 OK\r\n" * 99), SourceTimeout, id="slow-headers"),
    pytest.param(begins(b""), SourceTimeout, id="no-answer-at-all"),
    pytest.param(begins(b"HTTP/1.1 200 OK\r\nContent-"), SourceTimeout, id="half-a-head"),
    pytest.param(begins(answer(b"%PDF-", length=99)), SourceTimeout, id="a-body-that-stalls"),
    pytest.param(drips(CLOSED, pdf()), SourceTooSlow, id="a-byte-every-100-ms"),
    pytest.param(drips(CHUNKED, chunk(b"%") * 999), SourceTooSlow, id="a-chunk-dripped"),
    pytest.param(endlessly(CLOSED, b"%PDF-" * 9999), SourceTooLarge, id="an-endless-body"),
    pytest.param(endlessly(CHUNKED, chunk(b"%PDF-" * 9999)), SourceTooLarge, id="endless-chunks"),
    pytest.param(
        begins(answer(b"%PDF-", length=10**12)), SourceTooLarge, id="a-terabyte-announced"
    ),
    pytest.param(
        endlessly(CHUNKED + b"5;", b"x" * 65536), SourceBroken, id="an-endless-chunk-extension"
    ),
    pytest.param(
        endlessly(CHUNKED + chunk(pdf()) + b"0\r\n", b"T: x\r\n" * 999),
        SourceBroken,
        id="endless-trailers",
    ),
    pytest.param(endlessly(b"", b"\r\n" * 32768), SourceBroken, id="endless-line-breaks-first"),
    pytest.param(endlessly(b"", CONTINUE), SourceBroken, id="a-flood-of-100-continue"),
    pytest.param(
        endlessly(b"", CONTINUE, pause=0.01), SourceBroken, id="a-drizzle-of-100-continue"
    ),
    pytest.param(begins(CONTINUE * 999), SourceBroken, id="100-continue-all-at-once"),
    pytest.param(
        begins(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
        SourceBroken,
        id="another-protocol",
    ),
    pytest.param(once(answer(pdf(), length=9999)), SourceCutShort, id="fewer-bytes-than-announced"),
    pytest.param(always(answer(pdf(), length=99)), SourceBroken, id="more-bytes-than-announced"),
    pytest.param(once(CHUNKED + chunk(pdf())), SourceCutShort, id="a-missing-last-chunk"),
    pytest.param(once(CHUNKED + b"9999\r\n%PDF-"), SourceCutShort, id="a-chunk-cut"),
    pytest.param(once(CLOSED + pdf()[:-10]), SourceCutShort, id="ended-by-close-without-an-end"),
    pytest.param(resets(answer(b"%PDF-", length=99)), SourceCutShort, id="a-reset-mid-body"),
    pytest.param(resets(CHUNKED + chunk(pdf())), SourceCutShort, id="a-reset-between-chunks"),
    pytest.param(resets(CLOSED + pdf()), SourceCutShort, id="a-reset-in-place-of-a-close"),
    pytest.param(HANGING_UP[0], SourceCutShort, id="a-reset-before-the-answer"),
    pytest.param(HANGING_UP[1], SourceCutShort, id="a-close-before-the-answer"),
    pytest.param(once(b"HTTP/1.1 200 OK\r\nA: b"), SourceCutShort, id="a-close-in-the-head"),
    pytest.param(
        begins(answer(gzip.compress(BOMB), "Content-Encoding: gzip")),
        SourceTooLarge,
        id="a-gzip-bomb",
    ),
    pytest.param(
        begins(answer(brotli.compress(BOMB, quality=1), "Content-Encoding: br")),
        SourceEncoded,
        id="a-br-bomb",
    ),
    pytest.param(
        begins(answer(zstandard.compress(BOMB), "Content-Encoding: zstd")),
        SourceEncoded,
        id="a-zstd-bomb",
    ),
    pytest.param(
        begins(answer(b"x", "Content-Encoding: identity", "Content-Encoding: br")),
        SourceEncoded,
        id="a-second-encoding",
    ),
    pytest.param(
        begins(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
            + chunk(gzip.compress(BOMB))
            + b"0\r\n\r\n"
        ),
        SourceEncoded,
        id="a-bomb-in-the-transfer-encoding",
    ),
    pytest.param(
        always(answer(gzip.compress(BOMB, mtime=0))), SourceTooLarge, id="a-bomb-without-a-label"
    ),
    pytest.param(begins(b"%PDF-1.7 and so on\r\n\r\n"), SourceBroken, id="HTTP-0.9"),
    pytest.param(
        begins(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18)), SourceBroken, id="HTTP-2"
    ),
    pytest.param(begins(b"SSH-2.0-OpenSSH_9.6\r\n"), SourceBroken, id="SSH"),
    pytest.param(
        begins(b"\x15\x03\x01\x00\x02\x02\x46"), SourceTlsFailed, id="TLS-on-an-http-port"
    ),
    pytest.param(begins(b"HTTP/1.1 20 OK\r\n\r\n"), SourceBroken, id="a-status-of-two-digits"),
    pytest.param(
        begins(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 99_999), SourceBroken, id="a-huge-header"
    ),
    pytest.param(
        begins(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 999), SourceBroken, id="a-thousand-headers"
    ),
    pytest.param(
        endlessly(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), SourceBroken, id="endless-headers"
    ),
    pytest.param(begins(b"HTTP/1.1 200 " + b"O" * 99_999), SourceBroken, id="a-huge-reason-phrase"),
    pytest.param(begins(answer(pdf(), "A: \0")), SourceBroken, id="NUL-in-a-header"),
    pytest.param(begins(CHUNKED + b"zz\r\n"), SourceBroken, id="a-chunk-of-size-zz"),
    pytest.param(begins(CHUNKED + b"-5\r\n%PDF-"), SourceBroken, id="a-chunk-of-negative-size"),
    pytest.param(begins(CHUNKED + b"f" * 17 + b"\r\n"), SourceBroken, id="a-chunk-past-64-bits"),
    pytest.param(
        begins(CHUNKED + b"5\r\n%PDF-x\r\n"), SourceBroken, id="a-chunk-longer-than-its-size"
    ),
    pytest.param(begins(answer(length=-5)), SourceBroken, id="a-negative-length"),
    pytest.param(begins(answer(pdf(), "Content-Length: 5")), SourceBroken, id="two-lengths"),
    pytest.param(
        begins(answer(pdf(), "Content-Length: 2000")), SourceBroken, id="the-same-length-twice"
    ),
    pytest.param(begins(answer(length=10**30)), SourceBroken, id="a-length-past-64-bits"),
    pytest.param(
        begins(answer(chunk(pdf()), "Transfer-Encoding: chunked")),
        SourceBroken,
        id="a-length-and-chunks",
    ),
    pytest.param(
        always(answer(pdf()) + answer(pdf())), SourceBroken, id="two-answers-to-one-request"
    ),
    pytest.param(always(answer(pdf()) + b"junk"), SourceBroken, id="junk-behind-the-answer"),
    pytest.param(always(answer(status="204 No Content")), EmptyAnswer, id="204"),
    pytest.param(
        always(b"HTTP/1.1 204 No Content\r\n\r\n"), EmptyAnswer, id="204-without-a-length"
    ),
    pytest.param(always(answer()), EmptyAnswer, id="200-with-nothing"),
    pytest.param(
        always(b"HTTP/1.1 304 Not Modified\r\n\r\n"), SourceStatus, id="304-nobody-asked-for"
    ),
    pytest.param(always(answer(status="302 Found")), SourceRedirected, id="a-redirect-to-nowhere"),
]


@pytest.mark.parametrize(("script", "error"), HOSTILE)
async def test_a_hostile_origin_ends_the_run_with_its_own_error_and_leaves_nothing_open(
    script: Script, error: type[BillhookError]
) -> None:
    trace = Trace()
    async with serving(script) as source, nothing_left():
        failure = await fail(source, trace=trace, **SHORT if error is SourceTimeout else SMALL)
    assert type(failure) is error, failure
    assert [attempt.outcome for attempt in trace.attempts] == [error.code]
    assert len(source.requests) <= 1, "nothing is sent a second time"
    looks = script in HANGING_UP  # does it speak TLS? Nothing is sent to find that out
    assert source.connections == (2 if looks else 1)


@pytest.mark.parametrize(
    ("script", "phase"),
    [
        pytest.param(begins(b"HTTP/1.1 200 OK\r\n"), "headers", id="in-the-head"),
        pytest.param(begins(answer(b"%PDF-", length=99)), "body", id="in-the-body"),
    ],
)
async def test_a_timeout_names_its_phase(script: Script, phase: str) -> None:
    async with serving(script) as source:
        failure = await fail(source, read_timeout=0.2)
    assert isinstance(failure, SourceTimeout)
    assert failure.phase == phase


async def test_a_body_that_is_fast_enough_still_ends_at_the_deadline_of_the_run() -> None:
    trace = Trace()
    async with (
        serving(endlessly(CLOSED, b"%PDF-" * 2000, pause=0.05)) as source,
        nothing_left(),
    ):
        failure = await fail(source, trace=trace, timeout=0.4, throughput_window=0.1)
    assert isinstance(failure, SourceTimeout)
    assert failure.phase == "whole"
    assert [attempt.outcome for attempt in trace.attempts] == ["source-timeout"]


async def test_a_source_that_thinks_between_head_and_body_is_not_slow() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(length=2000))
        await asyncio.sleep(0.5)
        await peer.send(pdf())

    async with serving(script) as source, transport_to(source) as door:
        get_invoice = with_limits(command(f"{source.url}/invoice"), throughput_window=0.1)
        with await run_command(get_invoice, get_invoice.values({}), transport=door) as document:
            assert document.body.read() == pdf()


async def test_a_failed_status_counts_even_if_its_body_never_ends() -> None:
    endless = endlessly(b"HTTP/1.1 500 Oh\r\n\r\n", b"x" * 65536)
    async with serving(endless) as source, nothing_left():
        failure = await fail(source)
    assert isinstance(failure, SourceStatus)


@pytest.mark.parametrize(
    ("script", "limits"),
    [
        pytest.param(resets(answer(b"x", status="500 Oh", length=99)), SMALL, id="is-reset"),
        pytest.param(begins(answer(b"x", status="500 Oh", length=99)), SHORT, id="stalls"),
        pytest.param(
            drips(b"", CHUNKED.replace(b"200 OK", b"500 Oh") + b"zz\r\n", pause=0.002),
            SMALL,
            id="breaks-the-rules",
        ),
    ],
)
async def test_a_failed_status_counts_even_if_its_body(script: Script, limits) -> None:
    async with serving(script) as source, nothing_left():
        failure = await fail(source, **limits)
    assert isinstance(failure, SourceStatus)


async def test_a_body_that_arrived_with_its_head_is_limited_too() -> None:
    async with serving(always(CHUNKED + chunk(pdf()) + b"0\r\n\r\n")) as source:
        assert isinstance(await fail(source, max_bytes=1999), SourceTooLarge)


async def test_a_stalled_tls_handshake_ends_as_a_timeout_of_tls() -> None:
    async def script(peer: Peer) -> None:
        await peer.until_gone()

    async with serving(script) as source, nothing_left():
        source.scheme = "https"
        failure = await fail(source, connect_timeout=0.2)
    assert isinstance(failure, SourceTimeout)
    assert failure.phase == "tls"


@asynccontextmanager
async def a_full_queue() -> AsyncIterator[Source]:
    """Give a port whose queue of connections is full: the kernel answers no further SYN."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield Source(port=listener.getsockname()[1])


async def test_an_address_that_never_responds_ends_as_a_timeout_of_connect() -> None:
    async with a_full_queue() as source, nothing_left():
        failure = await fail(source, connect_timeout=0.2)
    assert isinstance(failure, SourceTimeout)
    assert failure.phase == "connect"


async def test_a_port_where_nobody_listens_is_unreachable() -> None:
    async with serving(always(b"")) as source:
        pass
    async with nothing_left():
        failure = await fail(source)
    assert isinstance(failure, SourceUnreachable)


class TestTls:
    """Nothing is sent unless the certificate is trusted for the very name."""

    async def attempt(self, tls: ssl.SSLContext, client: ssl.SSLContext) -> BillhookError:
        async with serving(always(answer(pdf())), tls=tls) as source, nothing_left():
            get_invoice = command(f"{source.url}/invoice")
            async with transport_to(source, ssl_context=client) as door:
                with pytest.raises(BillhookError) as caught:
                    await run_command(get_invoice, get_invoice.values({}), transport=door)
            await source.all_gone()
        assert source.requests == []
        return caught.value

    async def test_an_untrusted_ca_certificate_fails(self, tmp_path) -> None:
        tls = Authority().server_context(tmp_path)
        failure = await self.attempt(tls, Authority().client_context())
        assert isinstance(failure, SourceTlsFailed)
        assert failure.reason == UNKNOWN_AUTHORITY

    async def test_the_default_trusts_no_self_signed_certificate(self, tmp_path) -> None:
        tls = Authority().server_context(tmp_path)
        failure = await self.attempt(tls, default_tls_context())
        assert isinstance(failure, SourceTlsFailed)
        assert failure.reason == UNKNOWN_AUTHORITY

    async def test_a_certificate_for_another_address_fails(self, tmp_path) -> None:
        authority = Authority()
        tls = authority.server_context(tmp_path, address="127.0.0.2")
        failure = await self.attempt(tls, authority.client_context())
        assert isinstance(failure, SourceTlsFailed)
        assert failure.reason == OTHER_NAME

    async def test_an_expired_certificate_fails(self, tmp_path) -> None:
        authority = Authority()
        tls = authority.server_context(tmp_path, days=-1)
        failure = await self.attempt(tls, authority.client_context())
        assert isinstance(failure, SourceTlsFailed)
        day = datetime.now(UTC) - timedelta(days=1)
        assert failure.reason == f"{EXPIRED}-{day:%Y-%m-%d}"
        assert f"expired on {day:%Y-%m-%d}" in str(failure)

    async def test_plain_http_on_a_tls_port_fails(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.reader.read(1)
            await peer.send(answer(pdf()))
            await peer.until_gone()

        async with serving(script) as source, nothing_left():
            source.scheme = "https"
            failure = await fail(source)
        assert isinstance(failure, SourceTlsFailed)
        assert failure.reason == NOT_TLS

    async def test_a_hang_up_during_the_handshake_fails(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.reader.read(1)

        async with serving(script) as source, nothing_left():
            source.scheme = "https"
            assert isinstance(await fail(source), SourceTlsFailed)

    async def test_a_trusted_certificate_for_the_exact_address_works(self, tmp_path) -> None:
        authority = Authority()
        tls = authority.server_context(tmp_path)
        async with serving(always(answer(pdf())), tls=tls) as source, nothing_left():
            get_invoice = command(f"{source.url}/invoice")
            trace = Trace()
            async with transport_to(source, ssl_context=authority.client_context()) as door:
                for _ in range(2):
                    await run_command(
                        get_invoice, get_invoice.values({}), transport=door, trace=trace
                    )
            await source.all_gone()
        first, second = trace.attempts
        assert first.timing.tls is not None
        assert second.timing.tls is None
        assert source.connections == 1


def redirecting_to(*locations: str) -> Script:
    """Answer each request with a redirect: to the next of *locations*, the last one for ever."""
    left = list(locations)

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            target = left.pop(0) if len(left) > 1 else left[0]
            await peer.send(answer(b"moved", f"Location: {target}", status="302 Found"))

    return script


class TestRedirects:
    """A redirect is judged as a request of its own before anything is sent."""

    async def test_a_redirect_loop_ends(self) -> None:
        async with serving(redirecting_to("/invoice")) as source, nothing_left():
            assert isinstance(await fail(source), SourceRedirected)
        assert len(source.requests) == 1

    async def test_the_fourth_redirect_is_not_followed(self) -> None:
        async with serving(redirecting_to("/1", "/2", "/3", "/4", "/5")) as source, nothing_left():
            assert isinstance(await fail(source), SourceRedirected)
        assert len(source.requests) == 4

    @pytest.mark.parametrize(
        "host",
        [
            pytest.param("127.0.0.1:{port}", id="another-port-of-this-server"),
            pytest.param("[::1]:{port}", id="loopback-in-IPv6"),
            pytest.param("169.254.169.254", id="metadata"),
            pytest.param("localhost:{port}", id="a-name-of-this-server"),
        ],
    )
    async def test_a_redirect_to_a_denied_address_reaches_nobody(self, host: str) -> None:
        async with serving(always(answer(pdf()))) as inner:
            target = f"http://{host.format(port=inner.port)}/latest"
            async with serving(redirecting_to(target)) as source, nothing_left():
                failure = await fail(source)
        assert isinstance(failure, EgressDenied)
        assert inner.connections == 0

    async def test_a_redirect_to_an_allowed_origin_carries_nothing_that_was_configured(
        self,
    ) -> None:
        async with serving(always(answer(pdf()))) as other:
            to_other = redirecting_to(f"{other.url}/1.pdf?sig=a%2Fb%3D")
            async with serving(to_other) as source:
                policy = source.policy(allow=[f"127.0.0.1:{other.port}"])
                get_invoice = command(
                    f"{source.url}/invoice",
                    headers=(("Authorization", "Bearer {{ApiKey}}"), ("Cookie", "a=b")),
                    secrets=("ApiKey",),
                )
                values = get_invoice.values({}, secrets={"ApiKey": Secret("canary-7341")})
                async with HttpTransport(policy) as door:
                    with await run_command(get_invoice, values, transport=door) as document:
                        assert document.size == 2000
        assert b"canary-7341" in source.requests[0]
        assert other.requests[0].startswith(b"GET /1.pdf?sig=a%2Fb%3D HTTP/1.1\r\n")
        assert b"canary-7341" not in other.requests[0]
        assert b"cookie" not in other.requests[0].lower()

    async def test_no_redirect_is_followed_if_the_command_says_deny(self) -> None:
        async with serving(redirecting_to("/elsewhere")) as source, transport_to(source) as door:
            get_invoice = command(f"{source.url}/invoice", redirects="deny")
            with pytest.raises(SourceRedirected):
                await run_command(get_invoice, get_invoice.values({}), transport=door)
        assert len(source.requests) == 1


async def test_a_secret_does_not_travel_over_http_to_a_host_that_is_not_allowed() -> None:
    get_invoice = command("http://billing.example.com/invoice?key={{ApiKey}}", secrets=("ApiKey",))
    values = get_invoice.values({}, secrets={"ApiKey": Secret("canary-7341")})
    async with HttpTransport(EgressPolicy()) as door:
        with pytest.raises(EgressDenied) as caught:
            await run_command(get_invoice, values, transport=door)
    assert caught.value.verdict is Verdict.DENIED_SECRET_OVER_HTTP
