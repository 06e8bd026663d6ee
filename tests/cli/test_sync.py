"""`billhook sync FILE --dry-run`: what lists give, from a real source, for people and as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator

import pytest

from lab.lists import KEY, ListedSystem, list_file, serve_lists


@pytest.fixture
async def system() -> Iterator[ListedSystem]:
    listed = ListedSystem()
    listed.add_many(20)
    async with serve_lists(listed):
        yield listed


async def run_sync(system, tmp_path, *arguments: str, text: str = "") -> tuple[int, str, str]:
    """Run the command on a file; return the status, the output and what went to people."""
    path = tmp_path / "acme.toml"
    path.write_text(text or list_file(system.origin), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "billhook", "sync", str(path)),
        *("--secret", "ApiKey=env:ACME_KEY", "--allow", system.origin.removeprefix("http://")),
        *arguments,
        env={"ACME_KEY": KEY},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def test_a_dry_run_reports_rows_reasons_totals_and_a_sample(system, tmp_path):
    system.change(3, state="odd")
    status, output, _ = await run_sync(system, tmp_path, "--dry-run")
    assert status == 0
    assert "ListInvoices: 19 rows on 4 pages, to the end, 4 requests." in output
    assert 'The status "odd" isn\'t listed' in output
    assert "status open → open: 19" in output
    assert "id 1, number INV-00001" in output
    assert "Nothing was stored." in output


async def test_pages_and_json_give_one_object_of_that_many_pages(system, tmp_path):
    status, output, errors = await run_sync(system, tmp_path, "--dry-run", "--pages", "2", "--json")
    assert (status, errors) == (0, "")
    found = json.loads(output)
    assert found["ok"]
    (report,) = found["lists"]
    assert (report["command"], report["pages"], report["rows"]) == ("ListInvoices", 2, 14)
    assert not report["complete"]
    assert len(system.requests) == 2


async def test_one_page_is_called_one_page(system, tmp_path):
    _, output, _ = await run_sync(system, tmp_path, "--dry-run", "--pages", "1")
    assert " rows on 1 page, not to the end, 1 request." in output


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        pytest.param(("--json",), 2, "usage", id="no-dry-run"),
        pytest.param(("--json", "--dry-run"), 4, "source-refused", id="refused"),
        pytest.param(
            ("--json", "--dry-run", "--variable", "X=1"), 2, "unknown-variable", id="variable"
        ),
    ],
)
async def test_a_failure_has_its_code_and_status(system, tmp_path, arguments, status, code):
    system.trouble = [(401, {})]
    found, output, _ = await run_sync(system, tmp_path, *arguments)
    assert (found, json.loads(output)["error"]["code"]) == (status, code)


async def test_a_file_without_lists_is_refused_with_their_names(system, tmp_path):
    text = 'format = 1\n[integration]\nname = "x"\n'
    status, _, errors = await run_sync(system, tmp_path, "--dry-run", text=text)
    assert status == 2
    assert "ListInvoices" in errors
