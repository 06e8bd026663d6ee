"""docs/library.md is a contract: its programs run, and its tables are those of the code."""

from __future__ import annotations

import asyncio
import base64
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from billhook.engine import errors
from billhook.engine.answer.kinds import END_WINDOW, KINDS, SYNONYMS
from billhook.engine.config import DEFAULT_MAX_BYTES, DEFAULT_TIMEOUT
from billhook.engine.http.request import Limits
from billhook.engine.http.wire import MAX_HEADER_BYTES, MAX_HEADERS, MAX_INTERIM_ANSWERS
from billhook.engine.source import Source
from billhook.engine.testing import make_pdf
from engine.authorization_server import CLIENT_ID, AuthorizationServer, authorization_server
from engine.origins import Peer, answer, serving

PAGE = (Path(__file__).parents[2] / "docs/library.md").read_text()
SECTIONS = dict(section.split("\n", 1) for section in PAGE.split("\n## ")[1:])
PROGRAMS = {
    title: text.partition("```python\n")[2].partition("```")[0]
    for title, text in SECTIONS.items()
    if "```python" in text
}
PDF = make_pdf(2_000_000)
FILE = f"""\
format = 1
[integration]
name = "Acme billing"
variables = {{ BaseUrl = "http://127.0.0.1:8099" }}
secrets = ["ClientSecret"]
[authentication]
scheme = "oauth2-client-credentials"
token_url = "{{{{BaseUrl}}}}/token"
client_id = "{CLIENT_ID}"
client_secret = "{{{{ClientSecret}}}}"
[commands.GetInvoiceImage]
url = "{{{{BaseUrl}}}}/items/{{{{InvoiceNumber}}}}"
"""


@pytest.fixture
async def oauth() -> Iterator[AuthorizationServer]:
    """A source that gives documents for an access token alone."""
    missing = frozenset({"/items/no%20such%20invoice"})
    async with authorization_server(
        client_secret="s3cret", document=PDF, missing=missing
    ) as running:
        yield running


async def basic(peer: Peer) -> None:
    """Play a source that gives documents to Ann alone."""
    expected = b"Authorization: Basic " + base64.b64encode(b"ann:s3cret")
    while True:
        request = await peer.request()
        await peer.send(answer(PDF) if expected in request else answer(status="401 No"))


async def run_program(text: str, folder: Path, *, port: int = 0) -> str:
    """Run *text* in *folder*, with *port* for the page's, and return its output."""
    for name, content in (("program.py", text), ("acme.toml", FILE)):
        (folder / name).write_text(content.replace("8099", str(port)))
    line = (sys.executable, "-W", "error", "program.py")
    process = await asyncio.create_subprocess_exec(*line, cwd=folder, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_a_command_from_a_file_writes_the_document(
    oauth: AuthorizationServer, tmp_path: Path
) -> None:
    await run_program(PROGRAMS["From a file"], tmp_path, port=oauth.port)
    assert (tmp_path / "INV0000001.pdf").read_bytes() == PDF
    assert oauth.grants == ["client_credentials"]
    assert oauth.refused == 0


async def test_a_command_in_code_writes_several(tmp_path: Path) -> None:
    async with serving(basic) as source:
        await run_program(PROGRAMS["In code"], tmp_path, port=source.port)
    assert [(tmp_path / f"INV000000{n}.pdf").read_bytes() == PDF for n in range(1, 6)] == [True] * 5


async def test_a_failure_is_reported_with_its_attempts(
    oauth: AuthorizationServer, tmp_path: Path
) -> None:
    output = await run_program(PROGRAMS["Errors and timing"], tmp_path, port=oauth.port)
    error, token, document = output.splitlines()
    assert error.startswith("document-not-found - ")
    assert re.fullmatch(r"authentication POST 200 ok [\d.]+", token)
    assert re.fullmatch(r"GetInvoiceImage GET 404 document-not-found [\d.]+", document)


async def test_a_large_document_is_written_in_chunks(
    oauth: AuthorizationServer, tmp_path: Path
) -> None:
    await run_program(PROGRAMS["Large documents"], tmp_path, port=oauth.port)
    assert (tmp_path / "large.pdf").read_bytes() == PDF


async def test_the_fake_works_as_shown(tmp_path: Path) -> None:
    await run_program(PROGRAMS["In your own tests"], tmp_path)


def test_every_program_on_the_page_is_run_here() -> None:
    assert len(PROGRAMS) == PAGE.count("```python") == 5


def errors_of(base: type[errors.BillhookError]) -> Iterator[type[errors.BillhookError]]:
    for error in base.__subclasses__():
        if error.__module__ == errors.__name__:
            if "code" in vars(error):
                yield error
            yield from errors_of(error)


def test_every_argument_of_a_run_is_on_the_page() -> None:
    parameters = inspect.signature(Source.run).parameters.values()
    named = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    rows = SECTIONS["Running a command"]
    assert re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE) == named


def test_every_error_is_listed_with_its_code_and_statuses() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([\w-]+)` \| (\d+) \| (\d) \| .+ \|$", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(
        (error.__name__, error.code, str(error.status), str(error.exit_status))
        for error in errors_of(errors.BillhookError)
    )


def test_every_kind_of_document_is_listed() -> None:
    assert re.findall(r"^\| `(\w+/\w+)` \|", PAGE, re.MULTILINE) == list(KINDS)
    assert all(f"`{synonym}`" in PAGE for synonym in SYNONYMS)
    assert f"last {END_WINDOW:,} bytes" in PAGE


def test_every_limit_is_listed_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+)(?: \S+)? \|", PAGE, re.MULTILINE))
    limits = Limits(timeout=DEFAULT_TIMEOUT, max_bytes=DEFAULT_MAX_BYTES)
    assert {name: float(value.replace(",", "")) for name, value in rows.items()} == {
        field.name: getattr(limits, field.name)
        for field in fields(limits)
        if field.name != "retries"  # they belong to commands of several steps
    }
    assert f"{MAX_HEADERS} headers of {MAX_HEADER_BYTES:,} bytes" in PAGE
    assert f"{MAX_INTERIM_ANSWERS} interim responses" in PAGE
