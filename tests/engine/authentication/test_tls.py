"""Client certificates and additional CA certificates, with servers that require them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from billhook.engine.authentication.tls import compile_tls
from billhook.engine.config import TlsConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import ConfigurationError, SourceError, SourceTlsFailed
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.tls import default_tls_context
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport
from billhook.engine.secret import Secret
from engine.certificates import Authority
from engine.origins import Peer, Source, answer, serving

OURS = Authority()
OTHERS = Authority()
CERTIFICATE, KEY = OURS.client_pem()
CLIENT = "{{Certificate}}"


async def say_who(peer: Peer) -> None:
    """Answer with the common name in the client's certificate."""
    while True:
        await peer.request()
        certificate = peer.writer.get_extra_info("peercert") or {}
        names = [value for pairs in certificate.get("subject", ()) for _, value in pairs]
        await peer.send(answer(",".join(names).encode()))


def asking_for_a_certificate(folder: Path, *, must: bool = True) -> ssl.SSLContext:
    context = OURS.server_context(folder)
    context.verify_mode = ssl.CERT_REQUIRED if must else ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=OURS.pem)
    return context


async def get(transport: HttpTransport, source: Source) -> str:
    origin = Origin(scheme=source.scheme, host="127.0.0.1", port=source.port)
    request = WebRequest(
        step="Get",
        method="GET",
        url=f"{origin}/",
        origin=origin,
        target="/",
        headers=(),
        body=None,
        carries_secret=False,
    )
    response = await transport.exchange(
        request,
        RunTerms(
            limits=Limits(timeout=30.0, max_bytes=1000),
            redirects="deny",
            deadline=asyncio.get_running_loop().time() + 30,
            trace=Trace(),
        ),
    )
    with response.body:
        return response.body.read().decode()


def context_of(certificate: str | None = None, ca: str = "") -> ssl.SSLContext:
    config = TlsConfig(client_certificate=CLIENT if certificate is not None else "", ca=ca)
    secrets = {} if certificate is None else {"Certificate": Secret(certificate)}
    return compile_tls(config, secrets=["Certificate"]).bind(secrets)


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(CERTIFICATE + KEY, id="certificate, key"),
        pytest.param(KEY + CERTIFICATE, id="key, certificate"),
        pytest.param(f"  Bag attributes\n{CERTIFICATE}\n\r\n{KEY}", id="with words around"),
        pytest.param((CERTIFICATE + KEY).replace("\n", "\r\n"), id="lines of Windows"),
        pytest.param(CERTIFICATE + KEY + OURS.pem, id="with the authority"),
    ],
)
async def test_a_server_sees_our_certificate(tmp_path, pem):
    context = context_of(pem, OURS.pem)
    async with (
        serving(say_who, tls=asking_for_a_certificate(tmp_path)) as source,
        HttpTransport(source.policy(), ssl_context=context) as transport,
    ):
        assert await get(transport, source) == "Test client"


async def test_a_server_that_requires_a_certificate_refuses_us_without_one(tmp_path):
    context = context_of(ca=OURS.pem)
    async with (
        serving(say_who, tls=asking_for_a_certificate(tmp_path)) as source,
        HttpTransport(source.policy(), ssl_context=context) as transport,
    ):
        with pytest.raises(SourceError):
            await get(transport, source)


@pytest.mark.parametrize("ca", ["", OTHERS.pem], ids=["none of ours", "another's"])
async def test_a_server_with_an_unknown_ca_is_not_trusted(tmp_path, ca):
    context = context_of(CERTIFICATE + KEY, ca)
    async with (
        serving(say_who, tls=asking_for_a_certificate(tmp_path)) as source,
        HttpTransport(source.policy(), ssl_context=context) as transport,
    ):
        with pytest.raises(SourceTlsFailed):
            await get(transport, source)


def test_additional_ca_certificates_are_added_to_the_systems():
    with_ours, systems = context_of(ca=OURS.pem), ssl.create_default_context()
    assert with_ours.cert_store_stats()["x509_ca"] == systems.cert_store_stats()["x509_ca"] + 1
    assert with_ours.check_hostname
    assert with_ours.verify_mode is ssl.CERT_REQUIRED
    assert with_ours.minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_the_certificate_of_one_server_can_be_added_without_its_issuer(tmp_path):
    tls = asking_for_a_certificate(tmp_path)
    _key, mark, certificate = (tmp_path / "origin.pem").read_text().partition("-----BEGIN CERT")
    context = context_of(CERTIFICATE + KEY, mark + certificate)
    async with (
        serving(say_who, tls=tls) as source,
        HttpTransport(source.policy(), ssl_context=context) as transport,
    ):
        assert await get(transport, source) == "Test client"


def test_certificates_are_judged_in_the_same_way_on_every_python():
    for context in (default_tls_context(), context_of(ca=OURS.pem)):
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT
        assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED


async def test_a_certificate_is_presented_only_to_the_commands_own_origins(tmp_path):
    """The target of a redirect or a response may ask for it, but doesn't get it, nor our trust."""
    context = context_of(CERTIFICATE + KEY, OURS.pem)
    async with (
        serving(say_who, tls=asking_for_a_certificate(tmp_path, must=False)) as own,
        serving(say_who, tls=asking_for_a_certificate(tmp_path, must=False)) as other,
    ):
        origin = Origin(scheme="https", host="127.0.0.1", port=own.port)
        policy = own.policy(allow=[f"127.0.0.1:{other.port}"])
        async with HttpTransport(
            policy, ssl_context=context, ssl_origins=frozenset({origin})
        ) as transport:
            assert await get(transport, own) == "Test client"
            with pytest.raises(SourceTlsFailed):
                await get(transport, other)
    assert other.requests == []


def test_no_part_of_the_key_remains_on_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = {path.name for path in Path("/proc/self/fd").iterdir()}
    context_of(CERTIFICATE + KEY)
    assert {path.name for path in Path("/proc/self/fd").iterdir()} == before
    assert list(tmp_path.iterdir()) == []


# Problems


def broken_certificates() -> Iterator[object]:
    other_certificate, other_key = OURS.client_pem()
    certificate, locked = OURS.client_pem(b"pass")
    cases = {
        "no key": (CERTIFICATE, "no private key"),
        "no certificate": (KEY, "no certificate"),
        "neither": ("CANARY", "no certificate"),
        "nothing": ("", "no certificate"),
        "another key": (other_certificate + KEY, "belongs to"),
        "a key with a passphrase": (certificate + locked, "passphrase"),
        "a broken certificate": (CERTIFICATE.replace("M", "!", 3) + KEY, "can't be used"),
        "a broken key": (CERTIFICATE + other_key[:80] + other_key[-30:], "can't be used"),
        "letters beyond ASCII": (CERTIFICATE + "ñ" + KEY, "isn't PEM"),
    }
    for name, (pem, says) in cases.items():
        yield pytest.param(pem, says, id=name)


@pytest.mark.parametrize(("pem", "says"), tuple(broken_certificates()))
def test_an_unusable_certificate_is_reported_in_plain_words(pem, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        context_of(pem)
    assert caught.value.problems[0].where == "tls.client_certificate"
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "where", "says"),
    [
        pytest.param(TlsConfig(ca="CANARY"), "tls.ca", "PEM", id="no PEM"),
        pytest.param(TlsConfig(ca=OURS.pem[:90]), "tls.ca", "PEM", id="cut short"),
        pytest.param(TlsConfig(ca=OURS.pem + KEY), "tls.ca", "private key", id="with a key"),
        pytest.param(
            TlsConfig(client_certificate=CERTIFICATE + KEY),
            "tls.client_certificate",
            "secret",
            id="a certificate in the file",
        ),
        pytest.param(
            TlsConfig(client_certificate="{{Certficate}}"),
            "tls.client_certificate",
            "Did you mean",
            id="a secret misspelt",
        ),
    ],
)
def test_a_problem_in_the_file_points_to_its_key(config, where, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        compile_tls(config, secrets=["Certificate"])
    assert [problem.where for problem in caught.value.problems] == [where]
    assert "CANARY" not in str(caught.value)


def test_a_missing_certificate_is_named():
    plan = compile_tls(TlsConfig(client_certificate=CLIENT), secrets=["Certificate"])
    assert plan.secrets == {"Certificate"}
    with pytest.raises(ConfigurationError) as caught:
        plan.bind({})
    assert caught.value.problems[0].where == "tokens.Certificate"
