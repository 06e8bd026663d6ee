"""A download whose process is killed goes on: what is stored isn't asked for again."""

from __future__ import annotations

import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from server.jobs.nodes import is_done, wait_until

COUNT, AT_ONCE = 10, 4
"""Documents of the download, and those that are fetched at the same time."""


class _Documents(BaseHTTPRequestHandler):
    """Gives the first documents at once, and the others when it may."""

    asked: list[str]
    may_go_on: Event

    def do_GET(self) -> None:
        number = self.path.rpartition("/")[2]
        self.asked.append(number)
        if len(self.asked) > AT_ONCE:
            self.may_go_on.wait(60)
        content = b"%PDF-1.7\n" + number.encode() + b"\n%%EOF"
        self.send_response(200)
        self.send_header("Content-Type", "application/pdf")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def documents():
    """The system behind the integration."""
    handler = type("_H", (_Documents,), {"asked": [], "may_go_on": Event()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        handler.may_go_on.set()
        server.shutdown()


def test_a_kill_in_the_middle_of_a_download_loses_and_repeats_no_stored_document(
    job_installation, start, documents
):
    place = f"127.0.0.1:{documents.server_address[1]}"
    source = documents.RequestHandlerClass
    node = start(BILLHOOK_ALLOW=place)
    download_id, job_id = job_installation.ask(
        "choose_documents", address=f"http://{place}", count=COUNT
    )
    wait_until(lambda: len(source.asked) == 2 * AT_ONCE)
    stored, on_the_way = set(source.asked[:AT_ONCE]), set(source.asked[AT_ONCE:])
    node.signal_all(signal.SIGKILL)
    source.may_go_on.set()
    start(BILLHOOK_ALLOW=place)
    assert job_installation.wait_until(job_id, is_done)["token"] > 2
    found = job_installation.ask("look_at_download", download_id=download_id)
    numbers = [f"Z-{number}" for number in range(COUNT)]
    assert found == {"state": "ready", "numbers": numbers, "lacks": 0, "has_bytes": True}
    again = source.asked[2 * AT_ONCE :]
    assert sorted(again) == sorted(set(numbers) - stored)
    assert on_the_way <= set(again)
