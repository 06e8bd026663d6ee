"""A whole integration opened as one source: everything that it uses, and nothing else."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace

import pytest

from billhook.engine.authentication.token_store import MemoryTokenStore
from billhook.engine.authentication.transport import SignedTransport
from billhook.engine.command.command import Command
from billhook.engine.command.compile import compile_command
from billhook.engine.config import (
    AuthenticationConfig,
    CommandConfig,
    DeriveConfig,
    ExtractConfig,
    IntegrationConfig,
    PathConfig,
    StepConfig,
    TlsConfig,
)
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.errors import (
    ConfigurationError,
    EgressDenied,
    NotADocument,
    SourcePaused,
    SourceStatus,
    TokenError,
)
from billhook.engine.http.breaker import FAILURES, BreakerTransport, State
from billhook.engine.http.retries import RetryingTransport
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport
from billhook.engine.integration import compile_integration, open_source
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from billhook.engine.source import Source
from billhook.engine.verdict import Verdict
from engine.authorization_server import CLIENT_ID, CLIENT_SECRET, authorization_server
from engine.origins import Peer, answer, nothing_left, pdf, serving

SECRETS = {"ApiKey": Secret("k3y"), "ClientSecret": Secret(CLIENT_SECRET)}


def integration(url: str, **more: object) -> IntegrationConfig:
    """One command of one step at *url*, with what a test adds."""
    command = {
        "name": "GetInvoiceImage",
        "steps": (StepConfig(url=f"{url}/items/{{{{InvoiceNumber}}}}"),),
        "retries": 0,
    } | more.pop("command", {})  # type: ignore[operator]
    return IntegrationConfig(
        name="Acme",
        secrets=tuple(SECRETS),
        commands=(CommandConfig(**command),),
        **more,  # type: ignore[arg-type]
    )


def compiled(config: IntegrationConfig) -> Command:
    return compile_command(
        config.commands[0],
        variables=config.variables,
        secrets=config.secrets,
        authentication=config.authentication,
    )


async def view(config: IntegrationConfig, source: Source, trace: Trace | None = None) -> bytes:
    command = compiled(config)
    secrets = {name: SECRETS[name] for name in command.secrets}
    values = command.values({"InvoiceNumber": "INV-1"}, secrets=secrets)
    with await run_command(command, values, transport=source, trace=trace) as document:
        return document.body.read()


def chain(source: Source) -> list[type]:
    """Return the transports of *source*, from the outside in."""
    found, transport = [], source._breaker
    while transport is not None:
        found.append(type(transport))
        transport = getattr(transport, "_inner", None)
    return found


PLAIN = "https://billing.example"
BASIC = AuthenticationConfig(scheme="basic", fields={"username": "ann", "password": "{{ApiKey}}"})
NOWHERE = EgressPolicy.from_texts()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(integration(PLAIN), [BreakerTransport, HttpTransport], id="plain"),
        pytest.param(
            integration(PLAIN, command={"retries": 1}),
            [BreakerTransport, RetryingTransport, HttpTransport],
            id="with repetition",
        ),
        pytest.param(
            integration(PLAIN, authentication=BASIC),
            [BreakerTransport, SignedTransport, HttpTransport],
            id="with authentication",
        ),
        pytest.param(
            integration(PLAIN, authentication=BASIC, command={"retries": 1}),
            [BreakerTransport, RetryingTransport, SignedTransport, HttpTransport],
            id="with both: each attempt is signed again",
        ),
    ],
)
def test_unused_parts_of_an_integration_are_ignored(config, expected):
    assert chain(open_source(config, secrets=SECRETS, policy=NOWHERE)) == expected


async def test_a_document_passes_through_the_whole_chain():
    asked = 0

    async def script(peer: Peer) -> None:
        nonlocal asked
        while True:
            request = await peer.request()
            asked += 1
            expected = base64.b64encode(b"ann:k3y")
            if b"Authorization: Basic " + expected not in request:
                await peer.send(answer(status="401 No"))
            elif asked == 1:
                await peer.send(answer(b"", "Retry-After: 0", status="503 Busy"))
            else:
                await peer.send(answer(pdf()))

    trace = Trace()
    async with nothing_left(), serving(script) as origin:
        config = integration(origin.url, authentication=BASIC, command={"retries": 2})
        async with open_source(config, secrets=SECRETS, policy=origin.policy()) as source:
            assert await view(config, source, trace) == pdf()
    assert [attempt.status for attempt in trace.attempts] == [503, 200]


async def test_oauth2_runs_through_the_whole_chain_and_stores_its_tokens():
    async with authorization_server() as server:
        server.good_access = set()
        config = integration(
            server.url,
            authentication=AuthenticationConfig(
                scheme="oauth2-refresh-token",
                fields={
                    "token_url": f"{server.url}/token",
                    "client_id": CLIENT_ID,
                    "client_secret": "{{ClientSecret}}",
                    "refresh_token": "{{ApiKey}}",
                },
            ),
        )
        server.good_refresh = "k3y"
        token_store, trace = MemoryTokenStore(), Trace()
        async with open_source(
            config, secrets=SECRETS, policy=server.policy, token_store=token_store
        ) as source:
            with pytest.raises(NotADocument):
                await view(config, source, trace)  # it answers with text, which is no document
        kept = await token_store.load()
    assert [attempt.step for attempt in trace.attempts] == ["authentication", "GetInvoiceImage"]
    assert server.served == ["/items/INV-1"]
    assert kept is not None
    assert kept.refresh == Secret(server.good_refresh)


async def test_values_of_a_session_fill_the_texts_of_a_step():
    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if request.startswith(b"POST /login "):
                await peer.send(answer(b'{"id": "s/1"}'))
            elif request.startswith(b"POST /items?sid=s%2F1 ") and b'{"session": "s/1"}' in request:
                await peer.send(answer(pdf()))
            else:
                await peer.send(answer(status="401 No"))

    async with serving(script) as origin:
        authentication = AuthenticationConfig(
            scheme="session",
            requests=(
                StepConfig(
                    method="POST",
                    url=f"{origin.url}/login",
                    body="k={{ApiKey}}",
                    extract=(ExtractConfig(name="Id", path=PathConfig(kind="json", text="$.id")),),
                ),
            ),
        )
        step = StepConfig(
            method="POST",
            url=f"{origin.url}/items?sid={{{{Session.Id}}}}",
            headers=(("Content-Type", "application/json"),),
            body='{"session": "{{Session.Id}}"}',
        )
        config = integration(origin.url, authentication=authentication, command={"steps": (step,)})
        async with open_source(config, secrets=SECRETS, policy=origin.policy()) as source:
            command = compiled(config)
            values = command.values({}, secrets={})
            with await run_command(command, values, transport=source) as document:
                assert document.body.read() == pdf()


async def test_steps_derive_values_from_those_of_a_session():
    opened = b'[7, "a key"]'
    expected = base64.b64encode(b"ann:7:a key").decode()

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if request.startswith(b"POST /db/ "):
                await peer.send(answer(opened))
            elif f"Authorization: Session {expected}\r\n".encode() not in request:
                await peer.send(answer(status="401 No"))
            elif request.startswith(b"GET /find "):
                await peer.send(answer(b'{"id": "x"}'))
            else:
                await peer.send(answer(pdf()))

    async with serving(script) as origin:
        authentication = AuthenticationConfig(
            scheme="session",
            requests=(
                StepConfig(
                    method="POST",
                    url=f"{origin.url}/db/",
                    body="k={{ApiKey}}",
                    extract=(
                        ExtractConfig(name="User", path=PathConfig(kind="json", text="$[0]")),
                        ExtractConfig(name="Key", path=PathConfig(kind="json", text="$[1]")),
                    ),
                ),
            ),
        )
        find = StepConfig(
            name="Find",
            url=f"{origin.url}/find",
            derive=(
                DeriveConfig(
                    name="Basic",
                    template="ann:{{Session.User}}:{{Session.Key}}",
                    function="base64",
                ),
                DeriveConfig(name="Header", template="Session {{Find.Basic}}"),
            ),
            headers=(("Authorization", "{{Find.Header}}"),),
            extract=(ExtractConfig(name="Id", path=PathConfig(kind="json", text="$.id")),),
        )
        take = StepConfig(
            name="Take",
            url=f"{origin.url}/documents/{{{{Find.Id}}}}",
            headers=(("Authorization", "{{Find.Header}}"),),
        )
        config = integration(
            origin.url, authentication=authentication, command={"steps": (find, take)}
        )
        async with open_source(config, secrets=SECRETS, policy=origin.policy()) as source:
            command = compiled(config)
            values = command.values({}, secrets={})
            with await run_command(command, values, transport=source) as document:
                assert document.body.read() == pdf()
            shown = command.preview(values)[0].headers[0][1].text
            assert shown == "‹Find.Header›"


async def test_a_redirect_to_another_origin_carries_no_credential():
    async def elsewhere(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(answer(pdf()))

    async with serving(elsewhere) as other:
        location = f"Location: {other.url}/file"

        async def script(peer: Peer) -> None:
            while True:
                await peer.request()
                await peer.send(answer(b"", location, status="302 There"))

        async with serving(script) as origin:
            config = integration(origin.url, authentication=BASIC)
            policy = origin.policy(allow=[f"127.0.0.1:{other.port}"])
            async with open_source(config, secrets=SECRETS, policy=policy) as source:
                assert await view(config, source) == pdf()
        assert b"Authorization: Basic" in origin.requests[0]
        assert b"Authorization" not in other.requests[0]


@pytest.mark.parametrize("repeat", [str, lambda secret: secret.encode().hex(), lambda s: s[:12]])
async def test_no_redirect_takes_a_secret_to_another_origin(repeat):
    secret = "canary-7f3a9b1c5d2e8f60"

    async with serving(lambda peer: peer.until_gone()) as other:
        location = f"Location: {other.url}/loot?k={repeat(secret)}"

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer(b"", location, status="302 There"))

        async with serving(script) as origin:
            config = integration(origin.url, authentication=BASIC)
            policy = origin.policy(allow=[f"127.0.0.1:{other.port}"])
            secrets = SECRETS | {"ApiKey": Secret(secret)}
            async with open_source(config, secrets=secrets, policy=policy) as source:
                with pytest.raises(EgressDenied) as failed:
                    await view(config, source)
    assert failed.value.verdict is Verdict.DENIED_SECRET_LED
    assert other.connections == 0


async def test_a_source_that_keeps_failing_is_paused_and_says_so():
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(answer(b"", status="500 No"))

    async with serving(script) as origin:
        config = integration(origin.url)
        async with open_source(config, secrets=SECRETS, policy=origin.policy()) as source:
            assert source.state.state is State.CLOSED
            for _ in range(FAILURES):
                with pytest.raises(SourceStatus):
                    await view(config, source)
            with pytest.raises(SourcePaused):
                await view(config, source)
            assert source.state.state is State.OPEN
    assert len(origin.requests) == FAILURES


async def test_authentication_is_subject_to_the_egress_policy():
    async with authorization_server() as server:
        config = integration(
            PLAIN,
            authentication=AuthenticationConfig(
                scheme="oauth2-client-credentials",
                fields={"token_url": f"{server.url}/token", "client_id": CLIENT_ID},
            ),
        )
        async with open_source(config, secrets=SECRETS, policy=NOWHERE) as source:
            with pytest.raises(EgressDenied):
                await view(config, source)
    assert server.forms == []


async def test_closing_waits_for_tokens_being_obtained():
    given = asyncio.Event()
    token_store = MemoryTokenStore()

    async def hook(server: object, moment: str) -> None:
        if moment == "token given":
            given.set()
            await asyncio.sleep(0.05)

    async with authorization_server(hook=hook) as server:
        server.good_refresh = "k3y"
        config = integration(
            server.url,
            authentication=AuthenticationConfig(
                scheme="oauth2-refresh-token",
                fields={
                    "token_url": f"{server.url}/token",
                    "client_id": CLIENT_ID,
                    "client_secret": "{{ClientSecret}}",
                    "refresh_token": "{{ApiKey}}",
                },
            ),
        )
        source = open_source(config, secrets=SECRETS, policy=server.policy, token_store=token_store)
        run = asyncio.ensure_future(view(config, source))
        await given.wait()
        run.cancel()
        await source.close()
        with pytest.raises(asyncio.CancelledError):
            await run
        kept = await token_store.load()
    assert kept is not None
    assert kept.refresh == Secret(server.good_refresh)


# Problems


@pytest.mark.parametrize(
    ("config", "error", "where"),
    [
        pytest.param(
            integration(PLAIN, authentication=AuthenticationConfig(scheme="bearer")),
            ConfigurationError,
            "authentication.token",
            id="authentication without its token",
        ),
        pytest.param(
            integration(PLAIN, tls=TlsConfig(client_certificate="{{ApiKey}}")),
            ConfigurationError,
            "tls.client_certificate",
            id="a certificate that is none",
        ),
        pytest.param(
            integration(PLAIN, authentication=replace(BASIC, fields={"username": "{{Missing}}"})),
            ConfigurationError,
            "authentication.username",
            id="an unknown secret",
        ),
    ],
)
def test_a_problem_is_reported_when_the_source_is_opened(config, error, where):
    with pytest.raises(error) as caught:
        open_source(config, secrets=SECRETS, policy=NOWHERE)
    assert [problem.where for problem in caught.value.problems] == [where]


def test_a_secret_without_a_value_is_reported_when_the_source_is_opened():
    with pytest.raises(TokenError) as caught:
        open_source(integration(PLAIN, authentication=BASIC), secrets={}, policy=NOWHERE)
    assert [problem.where for problem in caught.value.problems] == ["tokens.ApiKey"]


def test_a_compiled_integration_lists_the_secrets_of_authentication_and_tls():
    config = integration(
        PLAIN, authentication=BASIC, tls=TlsConfig(client_certificate="{{ClientSecret}}")
    )
    assert compile_integration(config).connection_secrets == {"ApiKey", "ClientSecret"}
    assert compile_integration(integration(PLAIN)).connection_secrets == frozenset()


async def test_an_unused_source_can_be_closed():
    async with open_source(
        integration(PLAIN, authentication=BASIC), secrets=SECRETS, policy=NOWHERE
    ):
        pass
