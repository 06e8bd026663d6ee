"""Try an installed Billhook out: the command line, the server with its pages, and the demo."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import ProxyHandler, build_opener

PRESET = "stripe"
SECONDS = 60


def try_installed(programs: Path, folder: Path, *, version: str) -> None:
    """Use ``billhook`` of the folder *programs* from within *folder*, far from any checkout.

    Raises:
        SystemExit: with a sentence, at the first thing that doesn't work.
    """
    billhook = Billhook(programs / "billhook", folder)
    try_command_line(billhook, version)
    try_server(billhook)
    try_demo(billhook)
    print("The installed package works.", flush=True)


class Billhook:
    """The installed program, run in an environment without any setting of ours."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        left_out = ("BILLHOOK_", "PYTHON", "DJANGO_")
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith(left_out)
        }

    def run(self, *arguments: str) -> str:
        """Run to the end and return what was printed."""
        done = subprocess.run(
            [self._program, *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        expect(done.returncode == 0, f"billhook {arguments[0]} failed: {done.stderr}")
        return done.stdout

    def save(self, name: str, text: str) -> str:
        """Write a file that commands can read, and return its name."""
        (self._folder / name).write_text(text)
        return name

    @contextlib.contextmanager
    def running(self, *arguments: str, until: str) -> Iterator[str]:
        """Run until the line *until* is printed; give what was printed so far, then end it."""
        process = subprocess.Popen(
            [self._program, *arguments],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        printed = ""
        try:
            while until not in printed and process.stdout and (line := process.stdout.readline()):
                printed += line
            expect(until in printed, f"billhook {arguments[0]} ended early: {printed}")
            yield printed
            process.terminate()
            expect(process.wait(SECONDS) == 0, f"billhook {arguments[0]} didn't end with status 0.")
        finally:
            process.kill()
            process.communicate()


def try_command_line(billhook: Billhook, version: str) -> None:
    """Check the version, and check and fill a preset."""
    expect(billhook.run("--version") == f"billhook {version}\n", "--version prints another one.")
    file = billhook.save("preset.toml", billhook.run("presets", "show", PRESET))
    billhook.run("check", file)
    filled = billhook.run("fill", file, "GetInvoiceImage", "InvoiceNumber=INV-7")
    expect("INV-7" in filled, f"fill doesn't show the number: {filled}")


def try_server(billhook: Billhook) -> None:
    """Start a server on a new folder, and read a page with every file that it needs."""
    serve = ("serve", "--port", "0", "--data-dir", "data")
    with billhook.running(*serve, until="Ctrl+C stops it.") as printed:
        [address] = re.findall(r"listens on (http://\S+?),", printed)
        expect(fetch(f"{address}/healthz") == b"alive\n", "/healthz doesn't say that it is alive.")
        page = fetch(f"{address}/setup").decode()
        files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
        expect(len(files) > 1, "The set-up page names no static files.")
        for file in files:
            expect(bool(fetch(urljoin(address, file))), f"{file} is empty.")


def try_demo(billhook: Billhook) -> None:
    """Run the demo up to its first VIEW, which has to show the right document."""
    with billhook.running("demo", "--port", "0", until="Ctrl+C stops it.") as printed:
        same = "the very bytes that the sample system made"
        expect(same in printed, f"The demo's first VIEW didn't work: {printed}")


def fetch(url: str) -> bytes:
    """Return the content of *url*; every status but 200 is an error."""
    opener = build_opener(ProxyHandler({}))  # it is on this machine
    with opener.open(url, timeout=SECONDS) as response:
        content: bytes = response.read()
    return content


def expect(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - the statement comes first
    """End with the sentence *otherwise* unless *is_so*."""
    if not is_so:
        raise SystemExit(otherwise)
