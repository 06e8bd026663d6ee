"""Runs ``billhook demo`` as people do, and reads what it prints."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest

import forked
from migrated import put_tables

LAST_LINE = "Ctrl+C stops it."
SECONDS = 200


class DemoProcess:
    """A running demo. ``printed`` grows as it prints."""

    def __init__(
        self,
        *options: str,
        environment: dict[str, str] | None = None,
        popen: type[subprocess.Popen[str]] = forked.ForkedPopen,
    ) -> None:
        self.printed = ""
        self._news = threading.Condition()
        self.process = popen(
            [*forked.BILLHOOK, "demo", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**_clean_environment(), **(environment or {})},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._news:
                self.printed += line
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_for(self, pattern: str, *, after: int = 0) -> re.Match[str]:
        """Wait until *pattern* is printed beyond the first *after* characters."""
        search, deadline = re.compile(pattern, re.MULTILINE).search, time.monotonic() + SECONDS
        with self._news:
            while not (found := search(self.printed, after)):
                if not self._reader.is_alive() or time.monotonic() > deadline:
                    pytest.fail(f"{pattern} was not printed, but this:\n{self.printed}")
                self._news.wait(1)
        return found

    def wait_until_told(self) -> None:
        """Wait until all of the greeting is printed."""
        self.wait_for(re.escape(LAST_LINE))

    @property
    def address(self) -> str:
        """The portal's address."""
        return self.wait_for(r"^\s+portal\s+(http://\S+)")[1]

    @property
    def sample_address(self) -> str:
        """The sample system's address."""
        return self.wait_for(r"^\s+sample\s+(http://[^\s,]+)")[1]

    @property
    def data_dir(self) -> Path:
        """The folder of its data."""
        return Path(self.wait_for(r"^\s+folder\s+(\S+)$")[1])

    @property
    def state(self) -> dict[str, str]:
        """The details that it stores about itself."""
        return json.loads((self.data_dir / "demo.json").read_text())

    def sample_get(self, path: str) -> bytes:
        """Ask the sample system itself."""
        return self._ask_sample("GET", path)

    def sample_post(self, path: str) -> bytes:
        """Have the sample system do something."""
        return self._ask_sample("POST", path)

    def _ask_sample(self, method: str, path: str) -> bytes:
        headers = {"X-Api-Key": self.state["sample_key"]}
        request = Request(f"{self.sample_address}{path}", headers=headers, method=method)
        with build_opener(ProxyHandler({})).open(request, timeout=SECONDS) as response:
            return response.read()

    def stop(self) -> int:
        """End it, and return its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        self.process.stdout.close()
        return status


def new_demo_folder(parent: Path) -> Path:
    """Make the data folder of a demo that has its tables and nothing else, to save the migrating.

    A demo without ``--data-dir`` makes all of it: see tests/demo.
    """
    folder = parent / "data"
    put_tables(folder)
    state = {
        "today": datetime.now(UTC).date().isoformat(),
        "sample_port": 0,
        "sample_key": secrets.token_urlsafe(18),
        "password": "amber-fern-otter-417",
    }
    (folder / "demo.json").write_text(json.dumps(state))
    return folder


def _clean_environment() -> dict[str, str]:
    """Leave out the settings of the test run itself."""
    everything = os.environ  # noqa: TID251 - a child needs the rest
    return {name: text for name, text in everything.items() if not name.startswith("BILLHOOK_")}


@contextlib.contextmanager
def running_demo(
    *options: str,
    environment: dict[str, str] | None = None,
    popen: type[subprocess.Popen[str]] = forked.ForkedPopen,
) -> Iterator[DemoProcess]:
    """Run a demo on a free port for as long as the block lasts."""
    demo = DemoProcess("--port", "0", *options, environment=environment, popen=popen)
    try:
        yield demo
    finally:
        demo.stop()
