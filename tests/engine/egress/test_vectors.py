"""Every case of tests/vectors/egress.json, at the guard and on the wire.

On the wire, names are answered at the resolver's seam, and dials end at a server on loopback (see
``egress_world``): what was dialled and what was sent is then looked at.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectorError

from billhook.engine.command.compile import compile_command
from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.egress.guard import judge_address, judge_header, judge_redirect, judge_url
from billhook.engine.egress.policy import Allowance, EgressPolicy
from billhook.engine.egress.url import Origin, Url, parse_url
from billhook.engine.errors import (
    BillhookError,
    ConfigurationError,
    EgressDenied,
    SourceRedirected,
    SourceUnreachable,
    TokenError,
)
from billhook.engine.http.pool import Pool
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.site import Dial, Site
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Progress, Trace
from billhook.engine.http.transport import HttpTransport
from billhook.engine.verdict import Verdict
from egress_world import DOCUMENT, Received, World, WorldLoop, trusting_context, write_certificate

Case = dict[str, Any]

CASES: list[Case] = json.loads((Path(__file__).parents[2] / "vectors/egress.json").read_text())
POLICY = EgressPolicy()
LIMITS = Limits(timeout=60, max_bytes=1_000_000)
HEADERS = (
    ("Authorization", "Bearer canary"),
    ("Cookie", "sid=canary"),
    ("X-Api-Key", "canary"),
    ("X-Own", "canary"),
)
CONFIGURED = {name.lower() for name, _ in HEADERS}
# The words of the cases, for codes of problems that have a word of their own.
WORDS = {"control-character": "control-char", "invalid-host": "host-syntax"}
# Decided by the address behind a name or by the connection, so only on the wire.
ON_THE_WIRE = {"address", "not-an-ip", "zone-id", "connect-failed"}


def cases(choose: Callable[[Case], bool]) -> Any:
    return pytest.mark.parametrize(
        "case", [pytest.param(case, id=case["id"]) for case in CASES if choose(case)]
    )


def is_about_url(case: Case) -> bool:
    return "url" in case and "header" not in case and "tokens" not in case


def wanted(case: Case) -> str | None:
    return None if case["expect"] == "allow" else case["reason"]


def reason_of(verdict: Verdict | Url) -> str | None:
    allowed = isinstance(verdict, Url) or verdict.allowed
    return None if allowed else verdict.reason


def test_every_case_is_run() -> None:
    kinds = ("host", "header", "tokens", "redirect_chain", "url")
    assert len(CASES) == 293
    assert all(any(kind in case for kind in kinds) for case in CASES)


@cases(lambda case: "host" in case)
def test_an_address_is_judged(case: Case) -> None:
    verdict = judge_address(case["host"], host="source.example.com", port=443, policy=POLICY)
    assert reason_of(verdict) == wanted(case)


@cases(lambda case: "header" in case)
def test_a_header_is_judged(case: Case) -> None:
    header = case["header"]
    assert reason_of(judge_header(header["name"], header["value"])) == wanted(case)


@cases(lambda case: "header" in case)
def test_a_command_with_the_header_compiles_only_if_it_may_be_sent(case: Case) -> None:
    header = case["header"]
    headers = ((header["name"], header["value"]),)
    step = StepConfig(url=case["url"], headers=headers)
    assert (_compile_flaw(step) is None) is (case["expect"] == "allow")


def _compile_flaw(step: StepConfig) -> BillhookError | None:
    try:
        compile_command(CommandConfig(name="Fetch", steps=(step,)))
    except ConfigurationError as error:
        return error
    return None


@cases(is_about_url)
def test_a_url_is_judged_without_looking_up_its_name(case: Case) -> None:
    reason = reason_of(judge_url(case["url"], _policy(case)))
    url = parse_url(case["url"])
    is_decided_later = isinstance(url, Url) and not url.is_ip and wanted(case) in ON_THE_WIRE
    assert reason == (None if is_decided_later else wanted(case))


@cases(lambda case: "redirect_chain" in case)
def test_a_redirect_is_judged(case: Case) -> None:
    first, *locations = case["redirect_chain"]
    verdict: Url | Verdict = parse_url(first)
    for location in locations:
        assert isinstance(verdict, Url)
        verdict = judge_redirect(verdict, location, POLICY)
    assert reason_of(verdict) == wanted(case)


@cases(lambda case: "tokens" in case)
def test_tokens_in_a_url_are_judged(case: Case) -> None:
    given = {
        name: token if isinstance(token, dict) else {"value": token, "source": "caller"}
        for name, token in case["tokens"].items()
    }
    variables = {
        name: each["value"] for name, each in given.items() if each["source"] == "operator"
    }
    tokens = {name: each["value"] for name, each in given.items() if name not in variables}
    config = CommandConfig(name="Fetch", steps=(StepConfig(url=case["url"]),), tokens=tuple(tokens))
    with pytest.raises((ConfigurationError, TokenError)) as caught:
        _compile_and_fill(config, variables, tokens)
    reasons = {WORDS.get(problem.code, problem.code) for problem in caught.value.problems}
    assert reasons == {wanted(case)}


def _compile_and_fill(
    config: CommandConfig, variables: dict[str, str], tokens: dict[str, str]
) -> None:
    command = compile_command(config, variables=variables)
    command.steps[0].fill(command.values(tokens))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("world"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one run: None, or the reason for which it was refused."""

    reason: str | None


def run(
    world: World, url: str, certificate: Path, policy: EgressPolicy, runs: int
) -> list[Outcome]:
    """Send a configured request through the whole transport, *runs* times one after another."""

    async def send_all(loop: WorldLoop) -> list[Outcome]:
        servers = await loop.open()
        transport = HttpTransport(policy, resolver=world, ssl_context=trusting_context())
        try:
            async with transport:
                return [await _send(transport, url) for _ in range(runs)]
        finally:
            for server in servers:
                server.close()
                await server.wait_closed()

    with asyncio.Runner(loop_factory=lambda: WorldLoop(world, certificate)) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, WorldLoop)
        return runner.run(send_all(loop))


async def _send(transport: HttpTransport, url: str) -> Outcome:
    step = StepConfig(url=url, headers=HEADERS)
    try:
        command = compile_command(CommandConfig(name="Fetch", steps=(step,)))
        response = await transport.exchange(
            command.steps[0].fill(command.values({})),
            RunTerms(
                limits=command.limits,
                redirects=command.redirects,
                deadline=asyncio.get_running_loop().time() + 60,
                trace=Trace(),
            ),
        )
    except BillhookError as error:
        return Outcome(reason=_reason_of_error(error))
    with response.body as body:
        assert (response.status, body.read()) == (200, DOCUMENT)
    return Outcome(reason=None)


def _reason_of_error(error: BillhookError) -> str:
    match error:
        case ConfigurationError(problems=(problem,)):
            return WORDS.get(problem.code, problem.code)
        case (
            EgressDenied(verdict=Verdict() as verdict)
            | SourceRedirected(verdict=Verdict() as verdict)
        ):
            return verdict.reason
        case SourceUnreachable():
            return "connect-failed"
    raise error


def _policy(case: Case) -> EgressPolicy:
    allow = case.get("operator_allow")
    allowances = (
        (Allowance.parse(f"{allow['host']}:443={allow['network']}"),) if allow is not None else ()
    )
    denied = EgressPolicy.from_texts(deny=case.get("extra_blocked", ())).extra_denied
    return EgressPolicy(allowances=allowances, extra_denied=denied)


def assert_only_allowed_addresses_were_dialled(world: World, policy: EgressPolicy) -> None:
    for address in world.dialled:
        assert judge_address(address, host="?", port=443, policy=policy).allowed, address


@cases(is_about_url)
def test_a_url_is_fetched_or_refused(case: Case, certificate: Path) -> None:
    world = World(
        names=case.get("dns", {}),
        answers=case.get("dns_answers", []),
        refusals=99 if case.get("connect_fail_first") else 0,
    )
    policy = _policy(case)
    outcomes = run(world, case["url"], certificate, policy, case.get("runs", 1))
    allowed = [each == "allow" for each in case.get("expect_runs", [case["expect"]])]
    assert [outcome.reason for outcome in outcomes] == [
        None if each else wanted(case) for each in allowed
    ]
    assert_only_allowed_addresses_were_dialled(world, policy)
    assert len(world.received) == allowed.count(True)
    assert len(world.asked) <= case.get("max_lookups", len(outcomes))
    if not policy.allowances:
        assert all(name.endswith(".") for name in world.asked)
    if "connect_to" in case:
        assert set(world.dialled) <= set(case["connect_to"])
    if case["expect"] == "allow":
        assert_target_is_as_configured(case["url"], world.received[0])


def assert_target_is_as_configured(url: str, received: Received) -> None:
    _, _, rest = url.partition("://")
    assert received.target == "/" + rest.partition("/")[2]
    assert received.names >= CONFIGURED


@cases(lambda case: "host" in case)
def test_an_address_to_which_a_name_resolves_is_dialled_or_refused(
    case: Case, certificate: Path
) -> None:
    world = World(answers=[[case["host"]]])
    (outcome,) = run(world, "https://source.example.com/", certificate, POLICY, 1)
    assert outcome.reason == wanted(case)
    assert world.dialled == ([case["host"]] if case["expect"] == "allow" else [])


def fits_on_the_wire(case: Case) -> bool:
    """A line break in a Location ends it: an origin can't send such a one."""
    return "redirect_chain" in case and not any("\n" in each for each in case["redirect_chain"])


@cases(fits_on_the_wire)
def test_a_redirect_is_followed_or_refused(case: Case, certificate: Path) -> None:
    first, *locations = case["redirect_chain"]
    world = World(locations=locations)
    (outcome,) = run(world, first, certificate, POLICY, 1)
    assert outcome.reason == wanted(case)
    assert_only_allowed_addresses_were_dialled(world, POLICY)
    if case["expect"] == "block":
        assert len(world.received) == len(locations)
        return
    assert len(world.received) == len(case["redirect_chain"])
    for received in world.received[1:]:
        assert_headers_are_dropped(received, case.get("expect_dropped"))
    if "expect_wire_target" in case:
        assert world.received[-1].target == case["expect_wire_target"]


def assert_headers_are_dropped(received: Received, dropped: list[str] | None) -> None:
    if dropped is None:
        assert received.names >= CONFIGURED
        return
    assert not received.names & CONFIGURED
    assert not received.names & {name.lower() for name in dropped}
    assert b"canary" not in received.raw


@cases(lambda case: case.get("reason") == "address" and "host" in case)
def test_the_last_gate_alone_refuses_an_address_that_the_others_let_through(
    case: Case, certificate: Path
) -> None:
    world = World()
    origin = Origin(scheme="http", host=case["host"], port=80)
    dial = Dial(Site(origin), limits=LIMITS, progress=Progress("main", "GET"))

    async def open_connection() -> None:
        pool = Pool(POLICY, resolver=world)
        try:
            await pool.open(dial)
        finally:
            await pool.close()

    with (
        asyncio.Runner(loop_factory=lambda: WorldLoop(world, certificate)) as runner,
        pytest.raises(ClientConnectorError),
    ):
        runner.run(open_connection())
    assert dial.verdict is not None
    assert dial.verdict.reason == "address"
    assert (world.asked, world.dialled) == ([], [])


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("api.example.com/@10.0.0.1", id="path"),
        pytest.param("api.example.com?", id="query"),
        pytest.param("API.example.com", id="capitals"),
        pytest.param("api.example.com.", id="trailing dot"),
        pytest.param("api.example.com:80", id="port"),
        pytest.param("[2606:4700:4700::1111]", id="brackets"),
        pytest.param("bücher.example.com", id="beyond ASCII"),
    ],
)
def test_a_request_made_by_hand_goes_only_where_its_origin_has_one_reading(
    host: str, certificate: Path
) -> None:
    world = World()
    request = WebRequest(
        step="main",
        method="GET",
        url="https://api.example.com/",
        origin=Origin(scheme="https", host=host, port=443),
        target="/",
        headers=(),
        body=None,
        carries_secret=False,
    )

    async def send() -> None:
        async with HttpTransport(POLICY, resolver=world) as transport:
            deadline = asyncio.get_running_loop().time() + 60
            await transport.exchange(
                request,
                RunTerms(limits=LIMITS, redirects="follow", deadline=deadline, trace=Trace()),
            )

    with (
        asyncio.Runner(loop_factory=lambda: WorldLoop(world, certificate)) as runner,
        pytest.raises(EgressDenied) as caught,
    ):
        runner.run(send())
    assert caught.value.verdict.reason == "host-syntax"
    assert (world.asked, world.dialled) == ([], [])
