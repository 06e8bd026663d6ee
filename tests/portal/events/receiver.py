"""A receiver of events on loopback, which responds with a chosen status and keeps what it gets."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from billhook.portal.installation import environment
from billhook.portal.integrations.policy import egress_policy


class Receiver:
    """Listens until it is closed. ``status`` and ``headers`` are its response."""

    def __init__(self) -> None:
        self.status = 204
        self.headers: dict[str, str] = {}
        self.received: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Server(ThreadingHTTPServer):
            request_queue_size = 128  # with the usual 5, a connection may wait for a second

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append((headers, body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.authority}/hooks?from=billhook"

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.received]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def allowed_receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Yield a receiver that the operator allows."""
    made = Receiver()
    monkeypatch.setenv("BILLHOOK_ALLOW", made.authority)
    environment.current.cache_clear()
    egress_policy.cache_clear()
    yield made
    monkeypatch.undo()
    environment.current.cache_clear()
    egress_policy.cache_clear()
    made.close()
