"""Targets of fuzzing: each takes bytes as a source or a person may send them.

A target returns what came of them. Whatever they are, it may raise nothing: an error that Billhook
has for broken input is a result, and any other exception is a fault.
"""

from __future__ import annotations

import asyncio
import functools
import io
from collections.abc import Callable
from dataclasses import replace

import pytest

from billhook.engine import compile_integration, read_integration
from billhook.engine.answer import document as document_module
from billhook.engine.answer.content import Content
from billhook.engine.answer.kinds import KINDS
from billhook.engine.answer.paths import HeaderPath
from billhook.engine.answer.place import Fact
from billhook.engine.authentication import oauth2_client
from billhook.engine.command.command import Command
from billhook.engine.document_headers import content_disposition
from billhook.engine.errors import AuthenticationFailed, BillhookError
from billhook.engine.integration_file.file import decode_file, write_integration
from billhook.engine.reader import pool
from billhook.engine.reasons.challenge import read_challenges, read_parameters
from billhook.engine.run import run_command
from billhook.engine.safe_name import safe_name, safe_stem
from billhook.engine.testing import FakeTransport, make_response
from billhook.engine.tokens.values import Values
from billhook.portal.documents.renderer import CannotShow, Renderer
from billhook.portal.imports.reading.file import open_table, read_file
from billhook.portal.imports.reading.table import UnreadableFile
from engine import origins
from engine.origins import Peer, serving, transport_to, with_limits

PDF = b"%PDF-1.4\n%%EOF\n"
HEAD = """
format = 1
[integration]
name = "Fuzzed"
[commands.GetInvoiceImage]
tokens = ["InvoiceNumber"]
"""
_READS = {
    "json": """
[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "https://billing.example/find"
not_found_when = [{ json = "$.count", equals = 0 }, { json = "$..error", exists = true }]
success_when = [{ json = "$.status", one_of = ["ok", 1, true] }, { body_contains = "a" }]
reason = { json = "$.message" }
[commands.GetInvoiceImage.steps.extract]
Id = { json = "$.items[?@.number=='INV-1'].id", many = "first" }
All = { json = "$..id", none = "empty", many = "last" }
Key = { json = "$.key", secret = true, none = "empty" }
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "https://billing.example/take/{{Find.Id}}"
""",
    "base64": """
url = "https://billing.example/take"
accept = ["application/pdf", "image/png", "application/xml"]
answer = { base64 = "$..content", name = { json = "$.name" }, type = { json = "$.type" } }
""",
    "xml": """
[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "https://billing.example/find"
not_found_when = [{ xpath = "//*[local-name()='Fault']", matches = "not found" }]
success_when = [{ xpath = "count(//Item) > 0", equals = true }]
[commands.GetInvoiceImage.steps.extract]
Id = { xpath = "//Item[Number='INV-1']/Id", many = "first", none = "empty" }
Next = { xpath = "/List/@next", none = "empty", url = true }
Some = { regex = "<Id>([^<]*)</Id>", many = "last" }
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "https://billing.example/take/{{Find.Id}}"
""",
    "zip": """
url = "https://billing.example/take"
accept = ["application/pdf", "application/xml", "application/zip"]
answer = { zip = "*.pdf" }
""",
    "link": """
url = "https://billing.example/take"
answer = { link = "$.url" }
""",
    "document": """
url = "https://billing.example/{{InvoiceNumber}}"
""",
}
_ACCEPTED = tuple(KINDS)
_NO_VALUES = Values({})


@functools.cache
def _command(name: str) -> Command:
    return compile_integration(read_integration(HEAD + _READS[name])).commands["GetInvoiceImage"]


def _run(command: Command, data: bytes, *headers: tuple[str, str], status: int = 200) -> str:
    """Run *command* with *data* as its first response, and return what came of it."""

    async def run() -> str:
        first = make_response(data, headers=headers, status=status)
        transport = FakeTransport(first, make_response(PDF))
        try:
            values = command.values({"InvoiceNumber": "INV-1"})
            document = await run_command(command, values, transport=transport)
        except BillhookError as error:
            return error.code
        with document:
            return document.media_type

    return asyncio.run(run())


def _reading(name: str, content_type: str = "") -> Callable[[bytes], str]:
    command = _command(name)
    headers = [("Content-Type", content_type)] if content_type else []
    return lambda data: _run(command, data, *headers)


def document(data: bytes) -> str:
    """Take *data* for a document of any kind that Billhook knows."""
    return _run(replace(_command("document"), accept=_ACCEPTED), data)


def multipart(data: bytes) -> str:
    """Read *data* as the parts of a response."""
    kind = 'multipart/related; boundary=b; start="<root>"'
    return _run(_command("base64"), data, ("Content-Type", kind))


def headers(data: bytes) -> str:
    """Take *data* for the value of each header that is read, and for a line of the status."""
    value = data.decode("latin-1").replace("\r", " ").replace("\n", " ")
    content = Content(200, [("Content-Disposition", value), ("Set-Cookie", value)], _NoBody())
    found = Fact(path=HeaderPath(name="Content-Disposition")).find(content, _NO_VALUES)
    content.cookie("session")
    read_challenges([("WWW-Authenticate", value)])
    read_parameters(value)
    name = safe_name(found, "pdf") if found else None
    assert content_disposition(name or "x.pdf", download=True).isascii()
    return f"{_reading_with_type(value)} {name}"


class _NoBody:
    """A body without bytes, as a file has them."""

    size = 0
    descriptor = None

    def head(self, count: int) -> bytes:
        return b""

    def tail(self, count: int) -> bytes:
        return b""

    def read(self) -> bytes:
        return b""


def _reading_with_type(value: str) -> str:
    return _run(_command("json"), b'{"status": "ok", "items": []}', ("Content-Type", value))


def file_name(data: bytes) -> str:
    """Take *data* for the name of a file."""
    text = data.decode("utf-8", errors="replace")
    name = safe_name(text, "pdf") or "invoice.pdf"
    assert "/" not in name
    assert "\\" not in name
    assert name.isprintable()
    assert content_disposition(name, download=False).isascii()
    assert not safe_stem(text).startswith(".")
    return "name"


def toml(data: bytes) -> str:
    """Read *data* as the file of an integration, compile it, and write it again."""
    try:
        config = read_integration(decode_file(data))
        compile_integration(config)
    except BillhookError as error:
        return error.code
    assert read_integration(write_integration(config)) == config
    return "integration"


def csv(data: bytes) -> str:
    """Read *data* as a file that a member imports."""
    if data.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return "a workbook, which is read in a process"
    try:
        table = open_table(read_file(data, is_heading=str.isalpha, max_rows=1_000))
    except UnreadableFile:
        return "unreadable"
    return f"{len(table.sheets)} sheets"


def token(data: bytes) -> str:
    """Read *data* as the response of a token URL."""
    try:
        fields = oauth2_client._read_response(make_response(data), with_refresh_token=True)
        oauth2_client._tokens(fields, None, "source")
    except AuthenticationFailed as error:
        return error.code
    return "token"


@functools.cache
def _renderer() -> Renderer:
    return Renderer(size=1)


def pages(data: bytes) -> str:
    """Draw the first page of *data*, in the process that draws those of others."""
    media_type = "application/pdf" if b"%PDF" in data[:1024] else "image/tiff"
    try:
        return f"{len(_draw(data, media_type))} bytes"
    except CannotShow as error:
        return error.reason


def _draw(data: bytes, media_type: str) -> bytes:
    file = io.BytesIO(data)
    _renderer().pages(file, media_type)
    _renderer().text(file, media_type, pages=1)
    return _renderer().page(file, media_type, number=1, width=100)


def wire(data: bytes) -> str:
    """Send *data* as a whole response, head and body, over a connection that then ends."""

    async def send(peer: Peer) -> None:
        await peer.request()
        await peer.send(data)

    async def run() -> str:
        async with serving(send) as source:
            plain = origins.command(f"{source.url}/", accept=_ACCEPTED, redirects="follow")
            transport = transport_to(source)
            limited = with_limits(plain, timeout=2.0, max_bytes=100_000)
            try:
                found = await run_command(limited, limited.values({}), transport=transport)
            except BillhookError as error:
                return error.code
            finally:
                await transport.close()
            with found:
                return found.media_type

    return asyncio.run(run())


TARGETS: dict[str, Callable[[bytes], str]] = {
    "json": _reading("json"),
    "xml": _reading("xml"),
    "base64": _reading("base64"),
    "zip": _reading("zip"),
    "link": _reading("link"),
    "tiff": document,
    "pdf": document,
    "multipart": multipart,
    "headers": headers,
    "file-names": file_name,
    "toml": toml,
    "csv": csv,
    "token": token,
}
SLOW_TARGETS: dict[str, Callable[[bytes], str]] = {"pages": pages, "wire": wire}
"""Targets with a process or a connection of their own: a few inputs a second."""


def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everything read in this process, where an exception can be seen."""
    monkeypatch.setattr(pool, "is_quick", lambda *_: True)
    monkeypatch.setattr(document_module, "SMALL", 10**9)


def stop() -> None:
    """End the processes that targets have started."""
    _renderer().close()
    _renderer.cache_clear()
