"""Runs of one command in one process, and by how many bytes its resident memory grows.

Arguments: the origin's port, runs at the same time, bytes expected of each. It prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
from pathlib import Path

from billhook.engine import (
    Command,
    CommandConfig,
    EgressPolicy,
    HttpTransport,
    StepConfig,
    run_command,
)
from billhook.engine.command.compile import compile_command


def resident(field: str) -> int:
    """Return a field of this process's memory in bytes: VmRSS is now, VmHWM the most ever."""
    match = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert match is not None
    return int(match[1]) * 1024


def measured_command(port: int) -> Command:
    step = StepConfig(url=f"http://127.0.0.1:{port}/items/{{{{InvoiceNumber}}}}")
    config = CommandConfig(
        name="GetInvoiceImage", steps=(step,), timeout=100, max_bytes=1_000_000_000
    )
    return compile_command(config, variables={}, secrets=())


async def one(command: Command, number: int, transport: HttpTransport) -> int:
    values = command.values({"InvoiceNumber": f"INV-{number}"})
    with await run_command(command, values, transport=transport) as document:
        return sum([len(chunk) async for chunk in document.body.chunks()])


async def measure(port: int, runs: int, size: int) -> dict[str, int]:
    policy = EgressPolicy.from_texts(allow=[f"127.0.0.1:{port}"])
    command = measured_command(port)
    async with HttpTransport(policy) as transport:
        before = resident("VmRSS")
        sizes = await asyncio.gather(*(one(command, number, transport) for number in range(runs)))
    return {
        "succeeded": sum(received == size for received in sizes),
        "grown": max(resident("VmHWM") - before, 0),
    }


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    result = asyncio.run(measure(*(int(argument) for argument in sys.argv[1:4])))
    print(json.dumps(result))  # noqa: T201
