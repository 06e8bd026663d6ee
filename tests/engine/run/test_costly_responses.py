"""Responses and paths that take long: the run ends in time, and other runs continue meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import time
from collections.abc import AsyncIterator

import pytest

from billhook.engine.errors import BillhookError
from billhook.engine.run import run_command
from billhook.engine.testing import FakeTransport, make_response
from step_runs import compile_toml

WIDE = b"<a>" + b"<b/>" * 49_000 + b"</a>"
DEEP = b"<a>" * 2_000 + b"x" * 180_000 + b"</a>" * 2_000
DEEPER = b"<a>" * 2_000 + b"x" * 1_986_000 + b"</a>" * 2_000
LETTERS = "".join(chr(0x100 + n) for n in range(900))
PATTERNS = json.dumps([{"t": "a", "p": rf"(\pL{{1,900}}){n}"} for n in range(4_500)]).encode()
ROWS = json.dumps([{"t": "x" * 20, "a": n} for n in range(4_000)]).encode()
COMPARISONS = "$[?" + "||".join(f"@.a=={n - 90}" for n in range(90)) + "]"
LISTS = b"[" + b",".join([b"[]"] * 8_000_000) + b"]"
TRANSLATION = f"//*[translate(.,'{LETTERS}','')='q']"
COSTLY = {
    "comparison": ("xpath", "/a/b!=/a/b", WIDE),
    "union": ("xpath", "/a/*|/a/b|/a/b[1]|/a/b[2]", WIDE),
    "translation": ("xpath", TRANSLATION, DEEP),
    "texts": ("xpath", "//a", DEEP),
    "nested texts": ("xpath", "//a", DEEPER),
    "patterns": ("json", "$[?search(@.t, @.p)]", PATTERNS),
    "comparisons": ("json", COMPARISONS, ROWS),
    "repetition": ("regex", "((?:x{1,100}){1,10})y", b"x" * 199_000),
    "lists": ("json", "$.id", LISTS),
}
FAILURES = {"source-timeout", "source-too-complex", "missing-value", "document-not-found"}


@contextlib.asynccontextmanager
async def longest_wait() -> AsyncIterator[list[float]]:
    """Note how long, at most, other work had to wait for the event loop."""
    waits = [0.0]

    async def watch() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            waits[0] = max(waits[0], time.monotonic() - began)

    watching = asyncio.create_task(watch())
    try:
        yield waits
    finally:
        watching.cancel()


def command(kind: str, path: str, timeout: float):
    quoted = json.dumps(path, ensure_ascii=False)
    return compile_toml(f"""
[commands.GetInvoiceImage]
timeout = {timeout}
max_bytes = 50_000_000
[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "{{{{Base}}}}/find"
extract = {{ Id = {{ {kind} = {quoted}, many = "first" }} }}
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{{{{Base}}}}/take/{{{{Find.Id}}}}"
""")


async def code_of(kind: str, path: str, data: bytes, *, seconds: float = 2, share: str = "") -> str:
    costly = command(kind, path, seconds)
    transport = FakeTransport(make_response(data), make_response(b"%PDF-1.4\n%%EOF\n"))
    try:
        values = costly.values({})
        document = await run_command(costly, values, transport=transport, share=share)
    except BillhookError as error:
        return error.code
    document.close()
    return "ok"


@pytest.mark.parametrize("name", COSTLY)
async def test_a_costly_response_ends_in_time_and_holds_up_nobody(name: str) -> None:
    began = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with longest_wait() as waits:
        code = await code_of(*COSTLY[name])
    assert code in FAILURES
    assert time.monotonic() - began < 4
    assert waits[0] < 0.5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


async def test_another_organisation_goes_on_meanwhile() -> None:
    slow = [
        asyncio.create_task(code_of("xpath", TRANSLATION, DEEP, seconds=4, share="harper"))
        for _ in range(4)
    ]
    await asyncio.sleep(0.5)
    began = time.monotonic()
    big = json.dumps({"id": 7, "pad": "x" * 300_000}).encode()
    assert await code_of("json", "$.id", big, seconds=4, share="northwind") == "ok"
    assert time.monotonic() - began < 3
    assert await asyncio.gather(*slow) == ["source-timeout"] * 4
