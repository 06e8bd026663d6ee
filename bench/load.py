"""Puts load on a server with wrk, and checks first that it answers with the very document."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import Server
from bench.tools import CannotRun, tool

CONNECTIONS = 32

_SCRIPT = """
wrk.method = "{method}"
wrk.body = {body}
{headers}
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{{"requests": %d, "microseconds": %d, "p50": %f, "p99": %f, "errors": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One of the things compared: a server and the request that it gets."""

    name: str
    label: str
    server: Server
    url: str
    method: str = "GET"
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The result of one round: times in milliseconds; ``busy`` is the share of its core it used."""

    per_second: float
    p50: float
    p99: float
    busy: float


def check(target: Target, document: bytes) -> None:
    """Make sure that the answer is the document, byte by byte."""
    request = urllib.request.Request(
        target.url,
        method=target.method,
        data=target.body.encode() or None,
        headers=target.headers,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
    except urllib.error.HTTPError as error:
        told = error.read()[:500].decode(errors="replace")
        raise CannotRun(f"{target.label} answered {error.code}: {told}") from None
    if content != document:
        raise CannotRun(f"{target.label} answered with something else than the document.")


def measure(target: Target, folder: Path, *, seconds: int, core: int) -> Measured:
    """Load *target* for so many seconds and return what came."""
    script = folder / f"{target.name}.lua"
    script.write_text(_script(target))
    used = target.server.cpu_seconds()
    command = [tool("taskset"), "-c", str(core), tool("wrk"), "-t1", f"-c{CONNECTIONS}"]
    command += [f"-d{seconds}s", "--timeout", "30s", "-s", str(script), target.url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = target.server.cpu_seconds() - used
    told = json.loads(output.strip().splitlines()[-1])
    if told["errors"]:
        raise CannotRun(f"{target.label} failed {told['errors']} requests:\n{output}")
    passed = told["microseconds"] / 1e6
    return Measured(
        per_second=told["requests"] / passed,
        p50=told["p50"] / 1000,
        p99=told["p99"] / 1000,
        busy=used / passed,
    )


def _script(target: Target) -> str:
    headers = "\n".join(
        f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}"
        for name, value in target.headers.items()
    )
    body = json.dumps(target.body) if target.body else "nil"
    return _SCRIPT.format(method=target.method, body=body, headers=headers)
