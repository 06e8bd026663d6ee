"""The sample billing system in its own process, and the requests to it over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.request import ProxyHandler, Request, build_opener

from billhook.server.errors import CannotStart

_PATIENCE: Final = 5
_FETCH_SECONDS: Final = 20


class SampleProcess:
    """Runs the sample system until it is left. It ends with this process, whatever ends that.

    The key goes through standard input, where no list of processes shows it; the child also
    watches that pipe, and stops when it closes.
    """

    def __init__(self, *, key: str, today: str, payments: Path, port: int = 0) -> None:
        self._key = key
        command = [sys.executable, "-m", "billhook.sample", "--attached"]
        self._process = subprocess.Popen(  # noqa: S603 - our own module, a number and a date
            [*command, "--port", str(port), "--today", today, "--payments", str(payments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl+C is ours to handle; it stops when its work is done
        )
        self.address = self._hand_over_key()
        self.port = int(self.address.rpartition(":")[2])

    def _hand_over_key(self) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("both are pipes")
        try:
            stdin.write(f"{self._key}\n")
            stdin.flush()
        except BrokenPipeError:
            pass  # it has ended already; the next line shows that
        address = stdout.readline().removeprefix("Listening on ").strip()
        if not address:
            raise CannotStart(f"The sample billing system could not start: {self._last_words()}")
        return address

    def _last_words(self) -> str:
        _, errors = self._process.communicate(timeout=_PATIENCE)
        lines = errors.strip().splitlines()
        return lines[-1] if lines else "It gave no reason."

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close its standard input, on which it stops, and wait for its end."""
        try:
            self._process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def tell_changes_to(self, url: str) -> None:
        """Have the system send a POST to *url* whenever an invoice is paid there."""
        body = json.dumps({"url": url}).encode()
        headers = {"X-Api-Key": self._key, "Content-Type": "application/json"}
        request = Request(  # noqa: S310 - our own address
            f"{self.address}/webhook", data=body, headers=headers, method="PUT"
        )
        with build_opener(ProxyHandler({})).open(request, timeout=_FETCH_SECONDS) as answer:
            answer.read()

    def document(self, number: str) -> bytes:
        """Return the document of invoice *number*, as the system itself gives it."""
        return self._get(f"/invoices/{number}/pdf")

    def _get(self, path: str) -> bytes:
        request = Request(f"{self.address}{path}", headers={"X-Api-Key": self._key})  # noqa: S310
        with build_opener(ProxyHandler({})).open(request, timeout=_FETCH_SECONDS) as answer:
            content: bytes = answer.read()
        return content
