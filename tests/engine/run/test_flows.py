"""Whole commands over loopback, as the systems of this world want them."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from billhook.engine import Command, EgressPolicy, HttpTransport, Secret, Trace, read_integration
from billhook.engine.body import MEMORY_LIMIT
from billhook.engine.command.compile import compile_command
from billhook.engine.errors import SourceCutShort, SourceTimeout
from billhook.engine.run import run_command
from engine.origins import Peer, Source, answer, nothing_left, pdf, serving

Answerer = Callable[[str, bytes], bytes]
DOCUMENT = pdf(60_000)


def as_json(value: object, status: str = "200 OK") -> bytes:
    return answer(json.dumps(value).encode(), "Content-Type: application/json", status=status)


def answering(answers: Answerer):
    """Serve what *answers* makes of method and target, and of the whole request."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            method, target, _ = request.split(b"\r\n")[0].decode().split(" ")
            await peer.send(answers(f"{method} {target}", request))

    return serving(script)


def in_order(*expected: tuple[str, bytes]) -> Answerer:
    """Answer the requests that are *expected*, in their order; anything else is a 400."""
    left = list(expected)

    def answers(request: str, _: bytes) -> bytes:
        if not left or left[0][0] != request:
            return answer(b"unexpected", status="400 Bad Request")
        return left.pop(0)[1]

    return answers


def compile_steps(steps: str, source: Source) -> Command:
    head = f"""
format = 1
[integration]
name = "Acme"
variables = {{ Base = "{source.url}" }}
secrets = ["ApiKey"]
"""
    config = read_integration(head + steps)
    return compile_command(config.commands[0], variables=config.variables, secrets=config.secrets)


def policy_for(*sources: Source) -> EgressPolicy:
    return EgressPolicy.from_texts(
        allow=[f"{each.host}:{each.port}" for each in sources], also_led=True
    )


async def run(steps: str, *sources: Source, trace: Trace | None = None) -> bytes:
    command = compile_steps(steps, sources[0])
    tokens = dict.fromkeys(command.tokens, "INV 1/2")
    values = command.values(tokens, secrets={"ApiKey": Secret("k3y")})
    async with HttpTransport(policy_for(*sources)) as transport:
        document = await run_command(command, values, transport=transport, trace=trace)
        with document:
            return document.body.read()


def step(name: str, url: str, lines: str = "") -> str:
    return f'\n[[commands.GetInvoiceImage.steps]]\nname = "{name}"\nurl = "{url}"\n{lines}\n'


LOOKUP = step("Find", "{{Base}}/find?n={{InvoiceNumber}}", 'extract = { Id = "$.data[0].id" }')
KEY = 'headers = [["X-Key", "{{ApiKey}}"]]'


async def test_a_number_is_looked_up_and_its_pdf_returned():
    script = in_order(
        ("GET /find?n=INV%201%2F2", as_json({"data": [{"id": "a/b"}]})),
        ("GET /invoices/a%2Fb/pdf", answer(DOCUMENT)),
    )
    async with nothing_left(), answering(script) as source:
        assert await run(LOOKUP + step("Take", "{{Base}}/invoices/{{Find.Id}}/pdf"), source) == (
            DOCUMENT
        )
    assert source.connections == 1


async def test_a_document_is_generated_awaited_and_returned():
    steps = (
        step("Generate", "{{Base}}/generate", 'method = "POST"\nextract = { Job = "$.job" }')
        + step(
            "Wait",
            "{{Base}}/jobs/{{Generate.Job}}",
            "repeat_until = { when = [{ json = '$.done', equals = true }], pause = 0.01 }",
        )
        + step("Take", "{{Base}}/jobs/{{Generate.Job}}/pdf")
    )
    script = in_order(
        ("POST /generate", as_json({"job": 7}, "202 Accepted")),
        ("GET /jobs/7", as_json({"done": False})),
        ("GET /jobs/7", as_json({}, "404 Not Found")),
        ("GET /jobs/7", as_json({"done": True})),
        ("GET /jobs/7/pdf", answer(DOCUMENT)),
    )
    trace = Trace()
    async with nothing_left(), answering(script) as source:
        assert await run(steps, source, trace=trace) == DOCUMENT
    assert [each.step for each in trace.attempts] == ["Generate", "Wait", "Wait", "Wait", "Take"]


@pytest.mark.parametrize(
    "size", [pytest.param(60_000, id="small"), pytest.param(5 * MEMORY_LIMIT, id="large")]
)
async def test_base64_in_json_is_decoded(size):
    document = pdf(size)
    coded = as_json({"content": base64.b64encode(document).decode()})
    steps = step("Take", "{{Base}}/doc", 'answer = { base64 = "$.content" }')
    async with nothing_left(), answering(in_order(("GET /doc", coded))) as source:
        assert await run(steps, source) == document


async def test_a_pre_signed_url_gets_no_credentials_and_is_fetched_once():
    async with AsyncExitStack() as stack:
        files = await stack.enter_async_context(
            answering(in_order(("GET /a%2Fb.pdf?sig=x%2By", answer(DOCUMENT))))
        )
        signed = f"{files.url}/a%2Fb.pdf?sig=x%2By"
        source = await stack.enter_async_context(
            answering(in_order(("POST /pdf", as_json({"download": {"url": signed}}))))
        )
        steps = step(
            "Take", "{{Base}}/pdf", f'method = "POST"\n{KEY}\nanswer = {{ url = "$.download.url" }}'
        )
        assert await run(steps, source, files) == DOCUMENT
        assert b"X-Key: k3y" in source.requests[0]
        assert b"k3y" not in files.requests[0]
        assert b"X-Key" not in files.requests[0]


async def test_a_single_use_link_is_never_requested_twice():
    """The second connection is hung up on after the request, when the link is used already."""

    async def script(peer: Peer) -> None:
        request = await peer.request()
        if b"/find" in request:
            await peer.send(as_json({"u": f"{source.url}/once"}))
            request = await peer.request()
        # without an answer

    steps = step("Take", "{{Base}}/find", 'answer = { url = "$.u" }')
    async with nothing_left(), serving(script) as source:
        with pytest.raises(SourceCutShort):
            await run(steps, source)
    assert sum(b"/once" in each for each in source.requests) == 1


async def test_one_file_of_a_zip_is_returned():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("2026/invoice-1.pdf", DOCUMENT)
        archive.writestr("read-me.txt", b"x")
    steps = step("Take", "{{Base}}/zip", 'method = "POST"\nanswer = { zip = "invoice-*.pdf" }')
    script = in_order(("POST /zip", answer(file.getvalue())))
    async with nothing_left(), answering(script) as source:
        assert await run(steps, source) == DOCUMENT


async def test_a_document_that_was_never_generated_is_generated_and_returned():
    steps = step("Take", "{{Base}}/doc/{{InvoiceNumber}}", 'answer = { base64 = "$.content" }')
    steps += """
[[commands.GetInvoiceImage.steps.on_not_found]]
name = "Build"
method = "PUT"
url = "{{Base}}/build"
headers = [["Content-Type", "application/json"]]
body = '{"file": "{{InvoiceNumber}}"}'
"""
    script = in_order(
        ("GET /doc/INV%201%2F2", as_json({"error": "none"}, "404 Not Found")),
        ("PUT /build", as_json({})),
        ("GET /doc/INV%201%2F2", as_json({"content": base64.b64encode(DOCUMENT).decode()})),
    )
    async with nothing_left(), answering(script) as source:
        assert await run(steps, source) == DOCUMENT
    assert source.requests[1].endswith(b'{"file": "INV 1/2"}')


async def test_a_redirect_in_a_response_leads_to_the_document():
    script = in_order(
        ("GET /pdf", answer(b"", "Location: /there?x=1", status="302 Found")),
        ("GET /there?x=1", answer(DOCUMENT)),
    )
    async with nothing_left(), answering(script) as source:
        assert await run(step("Take", "{{Base}}/pdf"), source) == DOCUMENT


async def test_a_cancelled_run_leaves_nothing_behind():
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(as_json({"done": False}))
        await peer.until_gone()

    steps = "[commands.GetInvoiceImage]\ntimeout = 0.3\n" + step(
        "Wait",
        "{{Base}}/",
        "repeat_until = { when = [{ json = '$.done', equals = true }], pause = 0 }",
    )
    async with nothing_left(), serving(script) as source:
        with pytest.raises(SourceTimeout):
            await run(steps, source)
