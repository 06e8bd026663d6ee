"""An address in a response may be relative, and written as only browsers read it."""

from __future__ import annotations

import pytest

from billhook.engine import read_integration
from billhook.engine.errors import EgressDenied
from billhook.engine.integration import compile_integration
from billhook.engine.testing import make_response
from engine.origins import Peer, answer, pdf, serving
from step_runs import PDF, SITE, as_json, as_pdf, run_toml

AT = """
[commands.GetInvoiceImage]
url = "{{{{Base}}}}/invoices/{{{{InvoiceNumber}}}}"
answer = {{ url = {place} }}
"""
STEPS = """
[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "{{Base}}/invoices/{{InvoiceNumber}}"
extract = { Link = { json = "$.file_url", url = true } }
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{{Find.Link}}"
"""
ADDRESSES = [
    pytest.param("/files/INV-7.pdf?v=2", "/files/INV-7.pdf?v=2", id="path"),
    pytest.param("INV-7/a.pdf", "/invoices/INV-7/a.pdf", id="relative"),
    pytest.param("../files/a.pdf", "/files/a.pdf", id="above"),
    pytest.param("?format=pdf", "/invoices/INV-7?format=pdf", id="query"),
    pytest.param("//billing.example/a.pdf", "/a.pdf", id="without-scheme"),
    pytest.param(f"{SITE}/files/a.pdf", "/files/a.pdf", id="whole"),
    pytest.param(" /files/Invoice 7 ü.pdf\n", "/files/Invoice%207%20%C3%BC.pdf", id="as-typed"),
]


@pytest.mark.parametrize(("address", "target"), ADDRESSES)
@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param(AT.format(place='"$.file_url"'), 200, id="json"),
        pytest.param(AT.format(place='{ header = "Location" }'), 201, id="location-of-a-201"),
        pytest.param(AT.format(place='{ header = "Location" }'), 202, id="location-of-a-202"),
        pytest.param(STEPS, 200, id="url-of-a-step"),
    ],
)
async def test_an_address_is_resolved_against_the_request_that_gave_it(
    text, status, address, target
):
    found = as_json({"file_url": address}, status=status, Location=address)
    run = run_toml(text, found, as_pdf())
    with await run.document() as document:
        assert document.body.read() == PDF
    assert run.transport.requests[1].url == f"{SITE}{target}"


async def test_an_address_is_resolved_after_a_redirect():
    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if b" /invoices" in request:
                await peer.send(answer(b"", "Location: /v2/x/INV-7", status="302 Found"))
            elif b" /v2/x/INV-7 " in request:
                await peer.send(answer(b'{"file_url": "INV-7.pdf"}'))
            else:
                assert b" /v2/x/INV-7.pdf " in request
                await peer.send(answer(pdf()))

    async with serving(script) as source:
        await _fetch(source, 'answer = { url = "$.file_url" }\n')


@pytest.mark.parametrize(
    ("location", "target"),
    [
        pytest.param(b"/files/Invoice INV-7.pdf", b"/files/Invoice%20INV-7.pdf", id="space"),
        pytest.param(b"/f?n=Invoice INV-7.pdf", b"/f?n=Invoice%20INV-7.pdf", id="query"),
        pytest.param(b"/files/M\xfcller.pdf", b"/files/M%FCller.pdf", id="latin-1"),
        pytest.param("/files/Müller.pdf".encode(), b"/files/M%C3%BCller.pdf", id="utf-8"),
        pytest.param(b"/files/x.pdf ", b"/files/x.pdf", id="space-at-the-end"),
        pytest.param(b"x/../y.pdf#page=1", b"/y.pdf", id="dots-and-fragment"),
    ],
)
async def test_a_location_is_followed_as_browsers_do(location, target):
    async def script(peer: Peer) -> None:
        request = await peer.request()
        head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location
        await peer.send(head + b"\r\n\r\n")
        request = await peer.request()
        assert request.startswith(b"GET " + target + b" HTTP/1.1\r\n")
        await peer.send(answer(pdf()))

    async with serving(script) as source:
        await _fetch(source)


async def _fetch(source, more: str = "") -> None:

    text = f"""format = 1
[integration]
name = "A"
[commands.GetInvoiceImage]
url = "{source.url}/invoices"
{more}"""
    opened = compile_integration(read_integration(text)).open(secrets={}, policy=source.policy())
    async with opened as door:
        with await door.run("GetInvoiceImage", InvoiceNumber="INV-7") as document:
            assert document.body.read() == pdf()


@pytest.mark.parametrize(
    "address", ["https://a b.example/x", "//me@evil.example/", "/a\tb", "/a\\b", "javascript:x"]
)
async def test_an_address_with_two_meanings_is_refused(address):
    await run_toml(AT.format(place='"$.file_url"'), as_json({"file_url": address})).failure(
        EgressDenied
    )


async def test_a_relative_link_for_a_person_becomes_a_whole_one():
    text = AT.format(place='"$.u"').replace('url = "$.u"', 'link = "$.u"')
    reply = make_response(b'{"u": "/pay/a b#due"}')
    with await run_toml(text, reply).document() as document:
        assert document.body.read() == f"{SITE}/pay/a%20b#due".encode()
