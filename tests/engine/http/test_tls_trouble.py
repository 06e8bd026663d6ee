"""A TLS connection says what is wrong or soon will be: the certificate, the protocol, the port."""

from __future__ import annotations

import contextlib
import socket  # noqa: TID251 - asyncio's servers send no alerts
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from billhook.engine.authentication.tls import compile_tls
from billhook.engine.config import TlsConfig
from billhook.engine.errors import SourceError, SourceTlsFailed
from billhook.engine.http.tls import make_tls_context
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport
from billhook.engine.reasons.tls_failure import (
    DEFAULT_MESSAGE,
    EXPIRED,
    HANDSHAKE_REFUSED,
    NO_CLIENT_CERTIFICATE,
    NOT_YET_VALID,
    OLD_TLS,
    WANTS_TLS,
    tls_message,
    undated,
)
from billhook.engine.run import run_command
from engine.certificates import Authority, Certificates
from engine.origins import Source, always, answer, command, pdf, serving

BOTH_LOOPS = True


async def outcome(source: Source, context: ssl.SSLContext | None = None) -> bytes | SourceError:
    get_invoice = command(f"{source.url}/1", retries=0)
    async with HttpTransport(source.policy(), ssl_context=context) as transport:
        try:
            with await run_command(
                get_invoice, get_invoice.values({}), transport=transport
            ) as document:
                return document.body.read()
        except SourceError as error:
            return error


async def reason(source: Source, context: ssl.SSLContext | None = None) -> str:
    error = await outcome(source, context)
    assert isinstance(error, SourceTlsFailed), error
    assert str(error) == tls_message(error.reason) != DEFAULT_MESSAGE
    return error.reason


@contextmanager
def serving_in_a_thread(context: ssl.SSLContext) -> Iterator[Source]:
    """Serve TLS with Python's blocking module, which sends its alerts before it hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with context.wrap_socket(
                    peer, server_side=True, do_handshake_on_connect=False
                ) as tls:
                    with contextlib.suppress(OSError):
                        tls.do_handshake()
                        tls.recv(1000)
                        tls.sendall(answer(pdf()))
                    time.sleep(0.05)  # a reset would overtake an alert

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield Source(port=listener.getsockname()[1], scheme="https")
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


async def test_a_certificate_that_is_not_valid_yet_is_named_with_its_day(tmp_path):
    authority = Authority()
    tls = authority.server_context(tmp_path, days=30, begins=5)
    async with serving(always(answer(pdf())), tls=tls) as source:
        found = await reason(source, authority.client_context())
    assert undated(found) == NOT_YET_VALID != found
    assert "not valid yet: only from 20" in tls_message(found)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_3, NO_CLIENT_CERTIFICATE, id="TLS 1.3"),
        pytest.param(ssl.TLSVersion.TLSv1_2, HANDSHAKE_REFUSED, id="TLS 1.2"),
    ],
)
async def test_a_server_that_wants_a_client_certificate_is_named(tmp_path, version, expected):
    authority = Authority()
    tls = authority.server_context(tmp_path)
    tls.minimum_version = tls.maximum_version = version
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(cadata=authority.pem)
    with serving_in_a_thread(tls) as source:
        found = await reason(source, authority.client_context())
    assert found == expected
    assert "client certificate" in tls_message(found)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_a_server_with_an_old_version_of_tls_is_named(tmp_path):
    authority = Authority()
    tls = authority.server_context(tmp_path)
    tls.set_ciphers("ALL:@SECLEVEL=0")
    tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_1
    context = authority.client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with serving_in_a_thread(tls) as source:
        assert await reason(source, context) == OLD_TLS


async def test_plain_http_to_a_port_that_speaks_tls_is_named(tmp_path):
    with serving_in_a_thread(Authority().server_context(tmp_path)) as source:
        source.scheme = "http"
        assert await reason(source) == WANTS_TLS


@pytest.mark.parametrize(
    ("status", "page", "expected"),
    [
        pytest.param(
            "400 Bad Request",
            b"<h1>400 Bad Request</h1>The plain HTTP request was sent to HTTPS port",
            WANTS_TLS,
            id="nginx",
        ),
        pytest.param(
            "400 Bad Request",
            b"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
            WANTS_TLS,
            id="Apache",
        ),
        pytest.param(
            "400 Bad Request",
            b"Client sent an HTTP request to an HTTPS server.\n",
            WANTS_TLS,
            id="Go",
        ),
        pytest.param(
            "400 Bad Request",
            b"<h1>400 Bad Request</h1>No required SSL certificate was sent",
            NO_CLIENT_CERTIFICATE,
            id="nginx, certificate",
        ),
        pytest.param(
            "403 Forbidden",
            b"<h2>403.7 - SSL client certificate is required.</h2>",
            NO_CLIENT_CERTIFICATE,
            id="IIS, certificate",
        ),
    ],
)
async def test_a_page_of_a_server_about_tls_is_understood(status, page, expected):
    async with serving(always(answer(page, status=status))) as source:
        assert await reason(source) == expected


@pytest.mark.parametrize(
    ("days", "begins", "is_soon"),
    [
        pytest.param(13, -350, True, id="a year, 13 days before"),
        pytest.param(15, -350, False, id="a year, 15 days before"),
        pytest.param(10, -35, False, id="45 days, 10 days before"),
        pytest.param(8, -37, True, id="45 days, 8 days before"),
    ],
)
async def test_a_certificate_that_ends_soon_is_noted_at_each_attempt(
    tmp_path, days, begins, is_soon
):
    authority, trace = Authority(), Trace()
    tls = authority.server_context(tmp_path, days=days, begins=begins)
    async with serving(always(answer(pdf())), tls=tls) as source:
        get_invoice = command(f"{source.url}/1", retries=0)
        context = authority.client_context()
        async with HttpTransport(source.policy(), ssl_context=context) as transport:
            for _ in range(2):
                document = await run_command(
                    get_invoice, get_invoice.values({}), transport=transport, trace=trace
                )
                document.close()
        assert source.connections == 1  # the second attempt is on the same one
    end = (datetime.now(UTC) + timedelta(days=days)).date().isoformat() if is_soon else ""
    assert [each.certificate_ends for each in trace.attempts] == [end] * 2
    assert all(("certificate_ends" in each.as_dict()) is is_soon for each in trace.attempts)


def test_each_reason_has_a_message_with_and_without_a_day():
    dated = tls_message(f"{EXPIRED}-2026-03-31")
    assert dated.replace(" on 2026-03-31", "") == tls_message(EXPIRED) != dated
    assert tls_message(NOT_YET_VALID).startswith("The source's certificate is not valid yet. ")
    assert tls_message("other") == tls_message("") == DEFAULT_MESSAGE


# CA certificates as people paste them


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    """A chain with an intermediate, a self-signed certificate, and an old chain."""
    return Certificates()


@pytest.mark.parametrize(
    ("sent", "pasted"),
    [
        pytest.param(("leaf",), ("root", "middle"), id="the chain isn't sent"),
        pytest.param(("leaf",), ("middle",), id="the chain isn't sent, only the intermediate"),
        pytest.param(("leaf", "middle"), ("root",), id="the root"),
        pytest.param(("leaf", "middle"), ("middle",), id="only the intermediate"),
        pytest.param(("leaf", "middle"), ("leaf",), id="only the server's own"),
        pytest.param(("own",), ("own",), id="self-signed"),
        pytest.param(("old-leaf",), ("old-root",), id="without key identifiers"),
        pytest.param(("old-leaf",), ("root", "old-root", "own"), id="among others"),
    ],
)
async def test_a_pasted_certificate_is_trusted(certificates, tmp_path, sent, pasted):
    pem = "".join(certificates.pem[name] for name in pasted)
    context = compile_tls(TlsConfig(ca=pem), secrets=[]).bind({})
    tls = certificates.server_context(tmp_path, *sent)
    async with serving(always(answer(pdf())), tls=tls) as source:
        assert await outcome(source, context) == pdf()


async def test_the_certificate_of_another_server_is_not_trusted(certificates, tmp_path):
    context = compile_tls(TlsConfig(ca=certificates.pem["own"]), secrets=[]).bind({})
    tls = certificates.server_context(tmp_path, "leaf", "middle")
    async with serving(always(answer(pdf())), tls=tls) as source:
        assert isinstance(await outcome(source, context), SourceTlsFailed)


def test_the_default_context_is_as_tolerant():
    assert make_tls_context().verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
