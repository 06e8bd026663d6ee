"""A private system that the operator allows is reached by its own integrations alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from billhook.engine import EgressPolicy, HttpTransport
from billhook.engine.errors import BillhookError, EgressDenied
from billhook.engine.http.transport import Transport
from billhook.engine.run import run_command
from billhook.engine.tokens.catalogue import Value
from billhook.engine.verdict import Verdict
from engine.origins import Source, answer, pdf
from engine.run.test_flows import answering, as_json, compile_steps, step

DOCUMENT = pdf(2000)
LINK_IN_ANSWER = step("Find", "{{Base}}/link", 'answer = { url = "$.pdf" }')
LINK_IN_STEP = step(
    "Find", "{{Base}}/link", 'extract = { Pdf = { json = "$.pdf", url = true } }'
) + step("Take", "{{Find.Pdf}}")
REDIRECT = step("Take", "{{Base}}/redirect")
WAYS = pytest.mark.parametrize(
    "steps",
    [
        pytest.param(REDIRECT, id="redirect"),
        pytest.param(LINK_IN_ANSWER, id="link to the document"),
        pytest.param(LINK_IN_STEP, id="link for a step"),
    ],
)


def leading_to(url: str):
    """Serve a redirect and a link to *url*, or to the server itself if it is a path."""

    def answers(request: str, whole: bytes) -> bytes:
        host = whole.lower().split(b"\r\nhost: ")[1].split(b"\r\n")[0].decode()
        target = url if "://" in url else f"http://{host}{url}"
        if request == "GET /redirect":
            return answer(b"", f"Location: {target}", status="302 Found")
        return as_json({"pdf": target}) if request == "GET /link" else answer(DOCUMENT)

    return answering(answers)


def allowing(*sources: Source) -> EgressPolicy:
    return EgressPolicy.from_texts(allow=[f"127.0.0.1:{each.port}" for each in sources])


async def take(steps: str, source: Source, transport: Transport) -> bytes:
    command = compile_steps(steps, source)
    tokens: dict[str, Value] = dict.fromkeys(command.tokens, "1")
    document = await run_command(command, command.values(tokens), transport=transport)
    with document:
        return document.body.read()


def verdict_of(error: BillhookError) -> Verdict:
    assert isinstance(error, EgressDenied)
    return error.verdict


@WAYS
async def test_no_response_leads_to_a_system_that_is_allowed_for_others(steps: str) -> None:
    async with (
        leading_to("/admin") as private,
        leading_to(f"{private.url}/admin") as source,
        HttpTransport(allowing(private, source)) as transport,
    ):
        with pytest.raises(EgressDenied) as failed:
            await take(steps, source, transport)
    assert verdict_of(failed.value) is Verdict.DENIED_LED
    assert private.connections == 0


@WAYS
async def test_an_allowed_system_leads_to_itself(steps: str) -> None:
    async with (
        leading_to("/document") as private,
        HttpTransport(allowing(private)) as transport,
    ):
        assert await take(steps, private, transport) == DOCUMENT


@WAYS
async def test_not_even_an_open_connection_to_it_is_used(steps: str) -> None:
    async with (
        leading_to("/admin") as private,
        leading_to(f"{private.url}/admin") as source,
        HttpTransport(allowing(private, source)) as transport,
    ):
        await take(step("Take", "{{Base}}/own"), private, transport)
        with pytest.raises(EgressDenied):
            await take(steps, source, transport)
    assert [request.split(b" ")[1] for request in private.requests] == [b"/own"]


class Names:
    """Resolves every name to loopback."""

    async def resolve(self, name: str) -> Sequence[str]:
        return ["127.0.0.1"]


async def test_a_name_that_is_allowed_in_a_private_network_is_judged_by_its_address() -> None:
    async with leading_to("/admin") as private:
        link = f"http://erp.example.net:{private.port}/admin"
        async with leading_to(link) as source:
            policy = EgressPolicy.from_texts(
                allow=[
                    f"127.0.0.1:{source.port}",
                    f"erp.example.net:{private.port}=127.0.0.0/8",
                ],
                ports=[str(private.port)],
            )
            async with HttpTransport(policy, resolver=Names()) as transport:
                with pytest.raises(EgressDenied) as failed:
                    await take(REDIRECT, source, transport)
    assert verdict_of(failed.value) is Verdict.DENIED_LED
    assert private.connections == 0
