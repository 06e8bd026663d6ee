"""``billhook health`` asks a running server, for the health checks of containers."""

from __future__ import annotations

import json
import signal
import socket  # noqa: TID251 - it plays servers that aren't ours
import threading

import pytest

import forked
from server.serving_process import Serving, environment


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    serving = Serving(tmp_path_factory.mktemp("health") / "data")
    yield serving
    serving.stop(signal.SIGKILL)


def health(*options: str, **more: str) -> tuple[int, str, str]:
    command = [*forked.BILLHOOK, "health", "--timeout", "50"]  # the machine may be busy
    done = forked.run([*command, *options], env=environment(**more), timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("options", "said"), [([], "alive\n"), (["--ready"], "ready\n")])
def test_a_running_server_is_healthy(serving, options, said):
    assert health("--port", str(serving.port), *options) == (0, said, "")


def test_it_connects_directly_even_if_a_proxy_is_set(serving):
    proxy = {"http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}

    assert health("--port", str(serving.port), **proxy)[0] == 0


def test_with_json_it_is_one_object(serving):
    status, out, _ = health("--port", str(serving.port), "--json")

    assert (status, json.loads(out)) == (0, {"ok": True})


def test_without_a_server_it_says_so_and_exits_with_status_1():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    status, out, err = health("--port", str(port))

    assert (status, out) == (1, "")
    assert err == f"No server answers on 127.0.0.1 port {port}. Is billhook serve running?\n"


def test_with_json_a_failure_is_one_object_with_a_code():
    status, out, err = health("--port", "1", "--json")

    assert (status, err) == (1, "")
    assert json.loads(out)["error"]["code"] == "not-healthy"


def test_a_server_that_is_not_ready_is_unhealthy_with_its_reason():
    reply = b'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 19\r\n\r\n{"database": false}'
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=_answer, args=(other, reply), daemon=True).start()
        status, _, err = health("--ready", "--port", str(other.getsockname()[1]))

    assert status == 1
    assert err == 'The server answers /readyz with status 503: {"database": false}\n'


def test_a_server_that_does_not_speak_http_is_unhealthy():
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=_answer, args=(other, b"220 mail\r\n"), daemon=True).start()
        status, _, err = health("--port", str(other.getsockname()[1]))

    assert status == 1
    assert err.startswith("No server answers")


def test_a_server_that_accepts_and_says_nothing_is_unhealthy():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        status, _, err = health("--port", str(port), "--timeout", "0.2")

    assert status == 1
    assert err == (
        f"The server on 127.0.0.1 port {port} gave no answer within 0.2 seconds. "
        "It may have too much to do, or hang.\n"
    )


def _answer(server: socket.socket, reply: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(reply)
