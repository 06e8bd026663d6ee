"""A response is read as what it is, where its labels say less than that, or something else."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from billhook.engine import Secret, read_integration
from billhook.engine.integration import compile_integration
from billhook.engine.testing import make_response
from engine.origins import Peer, answer, pdf, serving
from step_runs import PDF, SITE, as_json, as_pdf, run_toml

FIND_AND_TAKE = """
[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "{{{{Base}}}}/find"
{reading}
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{{{{Base}}}}/documents/{{{{Find.Id}}}}"
"""
IN_BASE64 = """
[commands.GetInvoiceImage]
url = "{{{{Base}}}}/find"
answer = {{ base64 = {path} }}
"""
BY_JSON = 'extract = { Id = "$.id" }'
BY_XML = 'extract = { Id = { xpath = "//id" } }'
BY_TEXT = """extract = { Id = { regex = "id=([0-9]+)" } }
success_when = [{ body_contains = "Müller" }]"""
JSON = '{"customer": "Müller & Söhne", "id": 4711}'
XML = "<i><customer>Müller und Söhne</customer><id>4711</id></i>"


@pytest.mark.parametrize(
    ("body", "content_type", "reading"),
    [
        pytest.param(
            JSON.encode("latin-1"), "application/json; charset=ISO-8859-1", BY_JSON, id="l"
        ),
        pytest.param(JSON.encode("latin-1"), "application/json", BY_JSON, id="json-in-latin-1"),
        pytest.param(
            JSON.encode("utf-16"), "application/json; charset=utf-16", BY_JSON, id="utf-16"
        ),
        pytest.param(
            b"\n\xef\xbb\xbf" + JSON.encode(), "application/json", BY_JSON, id="space-bom"
        ),
        pytest.param(
            XML.encode("latin-1"), "text/xml; charset=iso-8859-1", BY_XML, id="xml-header"
        ),
        pytest.param(
            b'\r\n<?xml version="1.0" encoding="windows-1252"?>' + XML.encode("cp1252"),
            "text/xml",
            BY_XML,
            id="xml-declaration",
        ),
        pytest.param(
            b'<?xml version="1.0" encoding="utf-16"?>' + XML.encode(),
            "text/xml; charset=utf-8",
            BY_XML,
            id="xml-that-declares-utf-16",
        ),
        pytest.param(
            "id=4711;Kunde=Müller".encode("latin-1"),
            "text/plain; charset=iso-8859-1",
            BY_TEXT,
            id="condition-with-an-umlaut",
        ),
        pytest.param(
            b'{"id": 4711, "total": NaN, "x": -Infinity}', "", BY_JSON, id="nan-beside-it"
        ),
    ],
)
async def test_a_value_is_extracted_in_any_charset(body, content_type, reading):
    found = make_response(body, headers=[("Content-Type", content_type)])
    run = run_toml(FIND_AND_TAKE.format(reading=reading), found, as_pdf())
    with await run.document():
        assert run.sent[1] == f"Take GET {SITE}/documents/4711"


@pytest.mark.parametrize(
    ("path", "reply"),
    [
        pytest.param(
            '"$.pdf"',
            as_json({"pdf": base64.encodebytes(PDF).decode().replace("\n", "\\r\\n")}),
            id="escaped-twice",
        ),
        pytest.param('"$.pdf"', as_json({"pdf": list(PDF)}), id="numbers"),
        pytest.param(
            '"$.pdf"', as_json({"pdf": {"type": "Buffer", "data": list(PDF)}}), id="buffer"
        ),
        pytest.param('"$.pdf"', as_json({"pdf": PDF.hex()}), id="hex"),
        pytest.param("true", as_json({"type": "Buffer", "data": list(PDF)}), id="whole-buffer"),
        pytest.param("true", as_json(list(PDF)), id="whole-list"),
        pytest.param("true", make_response(b"\xef\xbb\xbf" + base64.b64encode(PDF)), id="mark"),
        pytest.param(
            '{ xpath = "//pdf" }',
            make_response(b"<r><pdf><![CDATA[\n" + base64.encodebytes(PDF) + b"]]></pdf></r>"),
            id="character-data",
        ),
    ],
)
async def test_a_document_is_read_in_all_forms_of_bytes(path, reply):
    with await run_toml(IN_BASE64.format(path=path), reply).document() as document:
        assert document.body.read() == PDF


TOKEN = json.dumps({"access_token": "tok", "token_type": "Bearer", "expires_in": 3600}).encode()
OAUTH = """
[authentication]
scheme = "oauth2-client-credentials"
token_url = "{url}/token"
client_id = "me"
client_secret = "{{{{Key}}}}"
"""
SESSION = """
[authentication]
scheme = "session"
headers = [["Authorization", "Bearer {{{{Session.Id}}}}"]]
[authentication.request]
method = "POST"
url = "{url}/token"
headers = [["Content-Type", "application/json"]]
body = '{{"key": {{{{Key}}}}}}'
extract = {{ Id = "$.access_token" }}
"""


@pytest.mark.parametrize("scheme", [OAUTH, SESSION], ids=["oauth2", "session"])
async def test_a_token_that_comes_in_gzip_is_read(scheme):
    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if b" /token " in request:
                await peer.send(answer(gzip.compress(TOKEN), "Content-Encoding: gzip"))
            else:
                assert b"Authorization: Bearer tok" in request
                await peer.send(answer(pdf()))

    async with serving(script) as source:
        head = 'format = 1\n[integration]\nname = "A"\nsecrets = ["Key"]\n'
        command = f'[commands.GetInvoiceImage]\nurl = "{source.url}/{{{{InvoiceNumber}}}}"\n'
        text = head + scheme.format(url=source.url) + command
        integration = compile_integration(read_integration(text))
        opened = integration.open(secrets={"Key": Secret("s3cret")}, policy=source.policy())
        async with opened as door:
            with await door.run("GetInvoiceImage", InvoiceNumber="INV-7") as document:
                assert document.body.read() == pdf()
