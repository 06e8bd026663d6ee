"""The preset of S3 against an S3 server that is not ours: rclone's, which checks signatures."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from billhook.engine.command.compile import compile_command
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.errors import BillhookError
from billhook.engine.integration import open_source
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from lab.invoices import NUMBERS, UNKNOWN, make_invoices
from lab.systems.s3 import S3Bucket
from lab.world import get_command, read_preset

KEYS = S3Bucket.secrets
STARTED = re.compile(r"server on \[(http://127\.0\.0\.1:\d+)/\]")


@pytest.fixture
def store(tmp_path):
    """Make a bucket with all invoices: folders are buckets and prefixes to rclone."""
    for invoice in make_invoices():
        if not invoice.is_draft:
            path = tmp_path / "acme" / "invoices" / f"{invoice.number}.pdf"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(invoice.pdf)
    return tmp_path


@asynccontextmanager
async def serve(store: Path) -> AsyncIterator[str]:
    """Run the server and give its origin."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("rclone"),
        *("serve", "s3", "--addr=127.0.0.1:0", "--config=", "--vfs-cache-mode=off"),
        f"--auth-key={KEYS['AccessKeyId']},{KEYS['SecretAccessKey']}",
        str(store),
        stderr=asyncio.subprocess.PIPE,
        env={"HOME": str(store)},
    )
    try:
        yield await _wait_for_origin(process)
    finally:
        process.terminate()
        await process.communicate()


async def _wait_for_origin(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        if match := STARTED.search(line.decode()):
            return match[1]
    raise AssertionError("rclone ended before it served")


async def fetch(origin: str, numbers: tuple[str, ...], secrets: dict[str, str]) -> list[object]:
    """Run the preset for each number; return each document's bytes, or its error's code."""
    preset = read_preset("s3").config
    variables = {"BaseUrl": f"{origin}/acme/invoices", "Region": "eu-central-1"}
    config = replace(preset, variables=variables)
    policy = EgressPolicy.from_texts(allow=[origin.removeprefix("http://")])
    given = {name: Secret(text) for name, text in secrets.items()}
    command = compile_command(
        get_command(config),
        variables=variables,
        secrets=config.secrets,
        authentication=config.authentication,
    )
    outcomes: list[object] = []
    async with open_source(config, secrets=given, policy=policy) as source:
        for number in numbers:
            values = command.values({"InvoiceNumber": number}, secrets={})
            try:
                with await run_command(command, values, transport=source) as document:
                    outcomes.append(document.body.read())
            except BillhookError as error:
                outcomes.append(error.code)
    return outcomes


async def test_a_real_store_accepts_the_signature_for_every_number(store):
    pdfs = {invoice.number: invoice.pdf for invoice in make_invoices()}
    async with serve(store) as origin:
        assert await fetch(origin, NUMBERS, KEYS) == [pdfs[number] for number in NUMBERS]


async def test_a_missing_object_in_a_real_store_is_reported_as_not_found(store):
    async with serve(store) as origin:
        assert await fetch(origin, (UNKNOWN,), KEYS) == ["document-not-found"]


async def test_a_real_store_refuses_a_signature_with_another_key(store):
    wrong = {**KEYS, "SecretAccessKey": f"{KEYS['SecretAccessKey']}~"}
    async with serve(store) as origin:
        assert await fetch(origin, NUMBERS[:1], wrong) == ["source-refused"]
