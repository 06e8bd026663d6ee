"""A server whose database or disk fails: runs go on, pages say so, and nothing is lost quietly."""

from __future__ import annotations

import json
import resource
import socket  # noqa: TID251 - for a network that swallows packets
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

import psycopg
import pytest

from server.serving_process import allowing, recorded, seed


class Network:
    """The network between the server and PostgreSQL: ``fine``, ``refusing`` or ``silent``."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._state = "fine"
        self._may_pass = threading.Event()
        self._may_pass.set()
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def become(self, state: str) -> None:
        """Change the state. Connections end when it begins to refuse."""
        self._state = state
        if state == "silent":
            self._may_pass.clear()
        else:
            self._may_pass.set()
        while state == "refusing" and self._open:
            _cut(self._open.pop())

    def close(self) -> None:
        self._listening.close()
        self.become("refusing")

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listening.accept()
                if self._state == "refusing":
                    caller.close()
                    continue
                threading.Thread(target=self._connect, args=(caller,), daemon=True).start()

    def _connect(self, caller: socket.socket) -> None:
        self._may_pass.wait()
        with suppress(OSError):
            target = socket.create_connection(self._target)
            self._open += [caller, target]
            for one, other in ((caller, target), (target, caller)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(65536):
                self._may_pass.wait()
                other.sendall(piece)
        _cut(one)
        _cut(other)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@pytest.fixture
def network(postgresql):
    parts = urlsplit(postgresql)
    network = Network(parts.hostname, parts.port)
    network.url = parts._replace(netloc=f"{parts.username}@127.0.0.1:{network.port}").geturl()
    network.direct_url = postgresql
    yield network
    network.close()


@pytest.fixture
def away(network, serve, source, tmp_path):
    """A server on PostgreSQL behind *network*, and the number of recorded runs."""
    settings = {"BILLHOOK_DATABASE_URL": network.url, "BILLHOOK_STOP_SECONDS": "4"}
    seeded = seed(tmp_path, source, BILLHOOK_DATABASE_URL=network.direct_url)

    def start():
        return serve(tmp_path, **settings, **allowing(source)), seeded

    def count():
        with psycopg.connect(network.direct_url) as database:
            return database.execute("SELECT count(*) FROM runs_run").fetchone()[0]

    start.count = count
    return start


def readiness(serving):
    """Return the status of /readyz; it must come within a second, and a little for the machine."""
    began = time.monotonic()
    status = serving.ask("GET", "/readyz")[0].status
    assert time.monotonic() - began < 1.5
    return status


def eventually(look, expected, *, seconds=30):
    """Wait until *look* returns what is expected; return what it returns."""
    until = time.monotonic() + seconds
    while (found := look()) != expected and time.monotonic() < until:
        time.sleep(0.2)
    return found


def test_runs_go_on_and_pages_say_so_while_postgresql_refuses(away, network):
    serving, seeded = away()
    assert serving.view(seeded)[0].status == 200
    assert serving.run(seeded)[0].status == 200
    network.become("refusing")
    runs = [serving.run(seeded)[0].status for _ in range(20)]
    pages = [serving.view(seeded)[0] for _ in range(20)]
    ready = eventually(lambda: readiness(serving), 503, seconds=5)
    network.become("fine")

    assert runs == [200] * 20
    assert [page.status for page in pages] == [503] * 20
    assert pages[0].getheader("Retry-After") == "10"
    assert ready == 503
    assert eventually(lambda: serving.view(seeded)[0].status, 200) == 200
    assert eventually(lambda: readiness(serving), 200) == 200
    assert eventually(away.count, 23) >= 22
    _, errors = serving.stop()
    assert errors.count("database-away") == 1
    assert "Traceback" not in errors


def test_postgresql_that_is_silent_holds_up_no_run_and_no_stop(away, network):
    serving, seeded = away()
    assert serving.run(seeded)[0].status == 200
    assert eventually(away.count, 1) == 1
    network.become("silent")
    viewers = [threading.Thread(target=_view, args=(serving, seeded)) for _ in range(6)]
    for viewer in viewers:
        viewer.start()
    runs = [serving.run(seeded)[0].status for _ in range(20)]
    ready = readiness(serving)
    began = time.monotonic()
    status, errors = serving.stop()
    took = time.monotonic() - began
    for viewer in viewers:
        viewer.join(60)
    network.become("fine")
    away()

    assert runs == [200] * 20
    assert ready == 503
    assert status == 0
    assert took < 6
    assert "lost=0" in errors
    assert eventually(away.count, 21) >= 21


def _view(serving, seeded):
    with suppress(OSError):
        serving.view(seeded)


def limit_files(serving, size):
    """Let no file of the server grow beyond *size*: a disk without room, for this process alone."""
    resource.prlimit(serving.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_runs_and_views_go_on_while_the_disk_is_full_and_are_written_later(start):
    serving, seeded = start(BILLHOOK_CACHE_BYTES="0")
    assert serving.view(seeded)[0].status == 200
    limit_files(serving, 0)
    runs = [serving.run(seeded)[0].status for _ in range(20)]
    views = [serving.view(seeded)[0].status for _ in range(5)]
    ready = eventually(lambda: readiness(serving), 503, seconds=10)
    state = json.loads(serving.ask("GET", "/readyz")[1])["checks"]
    limit_files(serving, resource.RLIM_INFINITY)

    assert runs == [200] * 20
    assert views == [200] * 5
    assert (ready, state["writing"]) == (503, False)
    assert eventually(lambda: len(recorded(start.data)), 26) == 26
    assert eventually(lambda: readiness(serving), 200) == 200


def test_the_log_says_how_many_runs_are_lost_at_a_stop_while_the_disk_is_full(start):
    serving, seeded = start(BILLHOOK_STOP_SECONDS="2")
    serving.run(seeded)
    eventually(lambda: len(recorded(start.data)), 1)
    limit_files(serving, 0)
    for _ in range(20):
        serving.run(seeded)
    began = time.monotonic()
    status, errors = serving.stop()

    assert status == 0
    assert time.monotonic() - began < 4
    (line,) = [line for line in errors.splitlines() if "runs-lost" in line]
    assert "runs=20" in line
