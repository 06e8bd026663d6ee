"""docs/library.md is a contract: its programs run, and its tables are those of the code."""

from __future__ import annotations

import asyncio
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
from billhook.engine.http.pool import MAX_HEADER_BYTES, MAX_HEADERS, MAX_INTERIM_ANSWERS
from billhook.engine.http.request import Limits
from billhook.engine.testing import make_pdf
from engine.origins import Peer, Source, answer, serving

PAGE = (Path(__file__).parents[2] / "docs/library.md").read_text()
SECTIONS = dict(section.split("\n", 1) for section in PAGE.split("\n## ")[1:])
PROGRAMS = {
    title: text.partition("```python\n")[2].partition("```")[0]
    for title, text in SECTIONS.items()
    if "```python" in text
}
PDF = make_pdf(2_000_000)
FILE = """\
format = 1
[integration]
name = "Acme billing"
variables = { BaseUrl = "http://127.0.0.1:8099" }
secrets = ["ApiKey"]
[commands.GetInvoiceImage]
url = "{{BaseUrl}}/items/{{InvoiceNumber}}"
headers = [["X-Api-Key", "{{ApiKey}}"]]
"""


async def sells_invoices(peer: Peer) -> None:
    while True:
        request = await peer.request()
        found = request.startswith(b"GET /items/INV")
        await peer.send(answer(PDF) if found else answer(status="404 Not Found"))


@pytest.fixture
async def source() -> Iterator[Source]:
    async with serving(sells_invoices) as running:
        yield running


async def run_program(text: str, source: Source, folder: Path) -> str:
    """Run *text* in *folder*, with the source's port for the page's, and return its output."""
    for name, content in (("program.py", text), ("acme.toml", FILE)):
        (folder / name).write_text(content.replace("8099", str(source.port)))
    line = (sys.executable, "-W", "error", "program.py")
    process = await asyncio.create_subprocess_exec(*line, cwd=folder, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_a_command_from_a_file_writes_the_document(source: Source, tmp_path: Path) -> None:
    await run_program(PROGRAMS["From a file"], source, tmp_path)
    assert (tmp_path / "INV0000001.pdf").read_bytes() == PDF
    assert b"\r\nX-Api-Key: s3cret\r\n" in source.requests[0]


async def test_a_command_in_code_writes_several(source: Source, tmp_path: Path) -> None:
    await run_program(PROGRAMS["In code"], source, tmp_path)
    assert [(tmp_path / f"INV000000{n}.pdf").read_bytes() == PDF for n in range(1, 6)] == [True] * 5


async def test_a_failure_is_told_with_its_attempts(source: Source, tmp_path: Path) -> None:
    told = await run_program(PROGRAMS["What went wrong, and where the time went"], source, tmp_path)
    first, second = told.splitlines()
    assert first.startswith("document-not-found - ")
    assert re.fullmatch(r"GET 404 document-not-found [\d.]+", second)


async def test_a_large_document_is_written_in_chunks(source: Source, tmp_path: Path) -> None:
    await run_program(PROGRAMS["Large documents"], source, tmp_path)
    assert (tmp_path / "large.pdf").read_bytes() == PDF


async def test_the_fake_works_as_shown(source: Source, tmp_path: Path) -> None:
    await run_program(PROGRAMS["In your own tests"], source, tmp_path)
    assert source.requests == []


def test_every_program_of_the_page_is_run_here() -> None:
    assert len(PROGRAMS) == PAGE.count("```python") == 5


def errors_of(base: type[errors.BillhookError]) -> Iterator[type[errors.BillhookError]]:
    for error in base.__subclasses__():
        if error.__module__ == errors.__name__:
            if "code" in vars(error):
                yield error
            yield from errors_of(error)


def test_every_error_stands_there_with_its_code_and_statuses() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([\w-]+)` \| (\d+) \| (\d) \| .+ \|$", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(
        (error.__name__, error.code, str(error.status), str(error.exit_status))
        for error in errors_of(errors.BillhookError)
    )


def test_every_kind_of_document_stands_there() -> None:
    assert re.findall(r"^\| `(\w+/\w+)` \|", PAGE, re.MULTILINE) == list(KINDS)
    assert all(f"`{synonym}`" in PAGE for synonym in SYNONYMS)
    assert f"last {END_WINDOW:,} bytes" in PAGE


def test_every_limit_stands_there_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+)(?: \S+)? \|", PAGE, re.MULTILINE))
    limits = Limits(timeout=DEFAULT_TIMEOUT, max_bytes=DEFAULT_MAX_BYTES)
    assert {name: float(value.replace(",", "")) for name, value in rows.items()} == {
        field.name: getattr(limits, field.name)
        for field in fields(limits)
        if field.name != "retries"  # they belong to commands of several steps
    }
    assert f"{MAX_HEADERS} headers of {MAX_HEADER_BYTES:,} bytes" in PAGE
    assert f"{MAX_INTERIM_ANSWERS} interim answers" in PAGE
