"""The sample system as a process of its own."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from urllib.request import ProxyHandler, Request, build_opener

import pytest

COMMAND = (sys.executable, "-m", "billhook.sample", "--port", "0")


@contextlib.contextmanager
def running(*options: str, key: str | None = None):
    """Run the sample system; give it *key* by standard input when it is attached."""
    process = subprocess.Popen(
        [*COMMAND, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if key is not None:
            process.stdin.write(f"{key}\n")
            process.stdin.flush()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        process.wait()


def address(process) -> str:
    return process.stdout.readline().removeprefix("Listening on ").strip()


def fetch(url: str, key: str) -> bytes:
    request = Request(url, headers={"X-Api-Key": key})
    with build_opener(ProxyHandler({})).open(request, timeout=10) as response:
        return response.read()


def test_it_prints_its_address_and_the_key_that_it_expects():
    with running() as process:
        url = address(process)
        key = process.stdout.readline().removeprefix("X-Api-Key: ").strip()
        assert fetch(f"{url}/invoices/INV0000001/pdf", key).startswith(b"%PDF-")


def test_attached_it_reads_the_key_from_standard_input_and_does_not_print_it():
    with running("--attached", key="given") as process:
        assert fetch(f"{address(process)}/items/INV0000001", "given").startswith(b"%PDF-")
        process.stdin.close()
        assert process.wait(timeout=20) == 0
        assert process.stdout.read() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "Ctrl+C"])
def test_it_stops_cleanly_on(number):
    with running() as process:
        address(process)
        process.send_signal(number)
        assert process.wait(timeout=20) == 0


def test_attached_it_stops_with_its_parent_even_after_kill_9():
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdin.write(b'key\\n'); child.stdin.flush()\n"
        "child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)\n"
    )
    starter = [sys.executable, "-c", code, *COMMAND, "--attached"]
    with subprocess.Popen(starter, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        watch = os.pidfd_open(child)
        parent.kill()
    try:
        assert select.select([watch], [], [], 20)[0], "the sample system outlived its starter"
    finally:
        os.close(watch)


def test_a_port_in_use_is_reported_in_one_line():
    with running() as first:
        port = address(first).rpartition(":")[2]
        second = subprocess.run(
            [*COMMAND[:-1], port], capture_output=True, text=True, check=False, timeout=30
        )
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"Port {port} can't be used" in second.stderr
