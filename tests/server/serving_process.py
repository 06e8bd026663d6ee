"""``billhook serve`` as a process, and a source for it, for tests."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket  # noqa: TID251 - to see whether anybody listens
import sqlite3
import subprocess
import sys
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import environ  # noqa: TID251 - a process gets it, without our settings
from pathlib import Path

import forked
from migrated import put_tables

PDF = b"%PDF-1.7\n1 0 obj\nendobj\ntrailer\n%%EOF\n"
BILLHOOK = str(Path(sys.executable).with_name("billhook"))
_QUIET = {"BILLHOOK_LOG_LEVEL": "warning", "BILLHOOK_JOB_PROCESSES": "0"}
SEED = Path(__file__).with_name("seed.py")


class Source:
    """A system that has a document for every number; it can be made to wait before it responds."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.reached.set()
                source.may_answer.wait(200)
                self.send_response(200)
                self.send_header("Content-Length", str(len(PDF)))
                self.end_headers()
                self.wfile.write(PDF)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # who asked may have left
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()


def environment(**more: str) -> dict[str, str]:
    """Return the environment without any settings of ours but *more*."""
    kept = environ.items()
    return {name: value for name, value in kept if not name.startswith("BILLHOOK_")} | more


def seed(data_dir: Path, source: Source, **settings: str) -> dict[str, str]:
    """Fill a new data folder."""
    if "BILLHOOK_DATABASE_URL" not in settings:
        put_tables(data_dir)
    done = forked.run(
        [sys.executable, SEED, source.address],
        env=environment(BILLHOOK_DATA_DIR=str(data_dir), **(allowing(source) | settings)),
    )
    assert done.returncode == 0, done.stderr
    seeded: dict[str, str] = json.loads(done.stdout)
    return seeded


def recorded(data: Path) -> list[tuple[str, str]]:
    """Return outcome and reason of every run in the SQLite database of *data*."""
    with contextlib.closing(sqlite3.connect(data / "billhook.sqlite3")) as database:
        return database.execute("SELECT outcome, reason FROM runs_run").fetchall()


def allowing(source: Source) -> dict[str, str]:
    """Return the setting that lets integrations reach *source*."""
    return {"BILLHOOK_ALLOW": f"127.0.0.1:{source.port}"}


class Serving:
    """A running ``billhook serve`` on a free port."""

    def __init__(
        self, data_dir: Path, *options: str, before: tuple[str, ...] = (), **settings: str
    ) -> None:
        self.process = forked.start(
            [*before, *forked.BILLHOOK, "serve", "--port", "0", *options],
            env=environment(BILLHOOK_DATA_DIR=str(data_dir), **{**_QUIET, **settings}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._ended: tuple[int, str] | None = None
        self.said = self._read_until("Ctrl+C stops it.")
        found = re.search(r"listens on http://127\.0\.0\.1:(\d+)", self.said)
        assert found, self.said + self.process.communicate(timeout=30)[1]
        self.port = int(found[1])

    def _read_until(self, line: str) -> str:
        said = ""
        while line not in said and (read := self.process.stdout.readline()):
            said += read
        return said

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=200)

    def ask(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None):
        connection = self.connection()
        connection.request(method, path, body=body or None, headers=headers or {})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def run(self, seeded: dict[str, str], *, integration: str = ""):
        """Run the command, as a program with the key does."""
        path = f"/api/v1/integrations/{integration or seeded['integration']}"
        return self.ask(
            "POST",
            f"{path}/commands/GetInvoiceImage/run",
            body='{"tokens": {"InvoiceNumber": "INV-1"}}',
            headers={
                "Authorization": f"Bearer {seeded['key']}",
                "Content-Type": "application/json",
            },
        )

    def view(self, seeded: dict[str, str], *, page: str = "document"):
        """Open the invoice, as its contact does with a click on VIEW."""
        path = f"/invoices/{seeded['invoice']}/{page}"
        return self.ask("GET", path, headers={"Cookie": seeded["cookie"]})

    def is_up(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit status and the text on standard error."""
        if self._ended is None:
            self.process.send_signal(number)
            _, errors = self.process.communicate(timeout=200)
            self._ended = self.process.returncode, errors
        return self._ended
