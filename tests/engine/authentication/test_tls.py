"""Client certificates and additional CA certificates, with servers that require them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from billhook.engine.authentication.tls import compile_tls
from billhook.engine.config import CommandConfig, IntegrationConfig, StepConfig, TlsConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import ConfigurationError, SourceError, SourceTlsFailed
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.tls import default_tls_context
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport
from billhook.engine.integration import compile_integration
from billhook.engine.secret import Secret
from engine.certificates import Authority
from engine.origins import Peer, Source, answer, pdf, serving

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


def context_of(
    certificate: str | None = None, ca: str = "", passphrase: str | None = None
) -> ssl.SSLContext:
    config = TlsConfig(
        client_certificate=CLIENT if certificate is not None else "",
        passphrase="{{Passphrase}}" if passphrase is not None else "",
        ca=ca,
    )
    given = {"Certificate": certificate, "Passphrase": passphrase}
    secrets = {name: Secret(value) for name, value in given.items() if value is not None}
    return compile_tls(config, secrets=["Certificate", "Passphrase"]).bind(secrets)


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


LOCKED_CERTIFICATE, LOCKED_KEY = OURS.client_pem(b"p4ss w\xc3\xb6rd")
PASSPHRASE = "p4ss wörd"
P12 = OURS.client_pkcs12(PASSPHRASE)


@pytest.mark.parametrize(
    ("certificate", "passphrase"),
    [
        pytest.param(LOCKED_CERTIFICATE + LOCKED_KEY, PASSPHRASE, id="PEM"),
        pytest.param(LOCKED_KEY + OURS.pem + LOCKED_CERTIFICATE, PASSPHRASE, id="PEM, other order"),
        pytest.param((CERTIFICATE + KEY).replace("\n", ""), None, id="PEM in one line"),
        pytest.param((CERTIFICATE + KEY).replace("\n", " "), None, id="PEM with spaces"),
        pytest.param(P12, PASSPHRASE, id="PKCS#12"),
        pytest.param(OURS.client_pkcs12(""), None, id="PKCS#12 without a passphrase"),
        pytest.param(f" {OURS.client_pkcs12('')}\n", None, id="PKCS#12 with white space"),
    ],
)
async def test_a_certificate_is_used_in_the_form_in_which_people_have_it(
    tmp_path, certificate, passphrase
):
    context = context_of(certificate, OURS.pem, passphrase)
    async with (
        serving(say_who, tls=asking_for_a_certificate(tmp_path)) as source,
        HttpTransport(source.policy(), ssl_context=context) as transport,
    ):
        assert await get(transport, source) == "Test client"


@pytest.mark.parametrize(
    ("certificate", "passphrase", "says", "where"),
    [
        pytest.param(
            LOCKED_CERTIFICATE + LOCKED_KEY, "CANARY", "doesn't open", "passphrase", id="wrong"
        ),
        pytest.param(
            CERTIFICATE + KEY, "CANARY", "has no passphrase", "passphrase", id="not needed"
        ),
        pytest.param(
            OURS.client_pkcs12(PASSPHRASE),
            "CANARY",
            "doesn't open",
            "passphrase",
            id="P12, wrong",
        ),
        pytest.param(
            OURS.client_pkcs12(PASSPHRASE),
            None,
            "has a passphrase",
            "passphrase",
            id="P12, none",
        ),
        pytest.param("Q0FOQVJZ", PASSPHRASE, "neither PEM", "client_certificate", id="neither"),
        pytest.param("MAAA", None, "can't be read", "passphrase", id="no PKCS#12"),
    ],
)
def test_a_passphrase_that_is_wrong_is_reported(certificate, passphrase, says, where):
    with pytest.raises(ConfigurationError, match=says) as caught:
        context_of(certificate, passphrase=passphrase)
    assert caught.value.problems[0].where == f"tls.{where}"
    assert "CANARY" not in str(caught.value)


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
        pytest.param(TlsConfig(ca=f"é{OURS.pem}"), "tls.ca", "PEM", id="not ASCII"),
        pytest.param(TlsConfig(ca=OURS.pem + KEY), "tls.ca", "private key", id="with a key"),
        pytest.param(
            TlsConfig(client_certificate=CERTIFICATE + KEY),
            "tls.client_certificate",
            "secret",
            id="a certificate in the file",
        ),
        pytest.param(
            TlsConfig(passphrase="{{Certificate}}"), "tls.passphrase", "goes with", id="passphrase"
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


# A certificate of a command's own


def two_commands(url: str, **more: object) -> IntegrationConfig:
    step = StepConfig(url=f"{url}/1")
    return IntegrationConfig(
        name="Acme",
        secrets=("Certificate", "Own", "Passphrase"),
        tls=TlsConfig(client_certificate=CLIENT, ca=OURS.pem),
        commands=(
            CommandConfig(name="GetInvoiceImage", steps=(step,)),
            CommandConfig(name="GetStatement", steps=(step,), **more),  # type: ignore[arg-type]
        ),
    )


async def test_a_command_presents_a_certificate_of_its_own(tmp_path):
    async def who_in_a_pdf(peer: Peer) -> None:
        while True:
            await peer.request()
            serial = (peer.writer.get_extra_info("peercert") or {}).get("serialNumber", "")
            await peer.send(answer(pdf().replace(b"0" * 100, serial.encode().ljust(100, b"0"), 1)))

    own, theirs = OURS.client_pkcs12(PASSPHRASE), CERTIFICATE + KEY
    async with serving(who_in_a_pdf, tls=asking_for_a_certificate(tmp_path)) as source:
        more = {"client_certificate": "{{Own}}", "passphrase": "{{Passphrase}}"}
        secrets = {
            "Certificate": Secret(theirs),
            "Own": Secret(own),
            "Passphrase": Secret(PASSPHRASE),
        }
        integration = compile_integration(two_commands(source.url, **more))
        assert integration.connection_secrets == secrets.keys()
        async with integration.open(secrets=secrets, policy=source.policy()) as opened:
            seen = []
            for name in ("GetInvoiceImage", "GetStatement", "GetInvoiceImage", "GetStatement"):
                with await opened.run(name) as document:
                    seen.append(document.body.read())
    assert seen[0] == seen[2] != seen[1] == seen[3]
    assert source.connections == 2


@pytest.mark.parametrize(
    ("more", "where"),
    [
        pytest.param({"client_certificate": CERTIFICATE}, "client_certificate", id="no token"),
        pytest.param({"passphrase": "{{Passphrase}}"}, "passphrase", id="only a passphrase"),
    ],
)
def test_a_problem_of_a_commands_certificate_points_to_its_key(more, where):
    with pytest.raises(ConfigurationError) as caught:
        compile_integration(two_commands("https://a.example", **more))
    assert [each.where for each in caught.value.problems] == [f"commands.GetStatement.{where}"]
