"""A stop takes no longer than it may, whatever hangs, and loses no record of a run."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket  # noqa: TID251 - for a mail server that is silent
import sqlite3
import threading
import time
from http.client import HTTPException

import pytest

from server.serving_process import recorded


def cut_off(ask, serving, source):
    """Stop the server while *ask* waits for the source; return the response that it got."""
    source.may_answer.clear()
    responses = []
    asking = threading.Thread(target=lambda: responses.append(ask()))
    asking.start()
    assert source.reached.wait(100)
    serving.process.send_signal(signal.SIGTERM)
    asking.join(100)
    return responses[0]


def test_a_run_that_does_not_end_is_cut_off_with_a_503_and_recorded(start, source):
    serving, seeded = start(BILLHOOK_STOP_SECONDS="6")

    response, content = cut_off(lambda: serving.run(seeded), serving, source)
    status, errors = serving.stop()

    assert (response.status, json.loads(content)["code"]) == (503, "server-stopped")
    assert response.getheader("Retry-After") == "5"
    assert response.getheader("Billhook-Run") == json.loads(content)["run"]
    assert status == 0
    assert "Traceback" not in errors
    assert recorded(start.data) == [("cancelled", "server-stopped")]


@pytest.mark.parametrize("page", ["document", "pages"])
def test_a_view_that_does_not_end_is_cut_off_with_a_503_and_recorded(start, source, page):
    serving, seeded = start(BILLHOOK_STOP_SECONDS="6")

    response, content = cut_off(lambda: serving.view(seeded, page=page), serving, source)
    status, errors = serving.stop()

    assert response.status == 503
    assert response.getheader("Retry-After") == "5"
    assert b"Try again" in content
    assert status == 0
    assert "Traceback" not in errors
    assert recorded(start.data) == [("cancelled", "server-stopped")]


@contextlib.contextmanager
def locked(data):
    """Hold SQLite's write lock, as another program might."""
    database = sqlite3.connect(data / "billhook.sqlite3", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database.close()


def test_records_that_cannot_be_written_at_a_stop_are_written_after_the_next_start(start):
    serving, seeded = start(BILLHOOK_STOP_SECONDS="2")
    with locked(start.data):
        for _ in range(20):
            serving.run(seeded)
        began = time.monotonic()
        status, errors = serving.stop()
        took = time.monotonic() - began
        before = recorded(start.data)
    kept = [line for line in errors.splitlines() if "runs-kept-in-files" in line]
    start()
    until = time.monotonic() + 30
    while len(recorded(start.data)) < 20 and time.monotonic() < until:
        time.sleep(0.1)

    assert (status, before) == (0, [])
    assert took < 4
    assert len(kept) == 1
    assert "lost=0" in kept[0]
    assert "runs=20" in kept[0]
    assert recorded(start.data) == [("ok", "")] * 20
    assert list((start.data / "unwritten-runs").iterdir()) == []


def test_a_thread_that_waits_for_the_database_does_not_keep_the_process(start):
    serving, _ = start(BILLHOOK_STOP_SECONDS="2")

    def post_a_form():
        with contextlib.suppress(OSError, HTTPException):
            serving.ask("POST", "/sign-in/password", "login=carl%40bolt.example&password=wrong")

    assert serving.ask("GET", "/readyz")[0].status == 200
    with locked(start.data):
        page = threading.Thread(target=post_a_form)
        page.start()
        time.sleep(0.5)
        began = time.monotonic()
        status, _ = serving.stop()
        took = time.monotonic() - began
    page.join(60)

    assert status == 0
    assert took < 4


def test_a_mail_server_that_is_silent_does_not_keep_the_process(start):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"smtp+plain://127.0.0.1:{silent.getsockname()[1]}"
        serving, _ = start(BILLHOOK_STOP_SECONDS="2", BILLHOOK_EMAIL_URL=address)
        page, content = serving.ask("GET", "/sign-in")
        cookie = page.getheader("Set-Cookie").partition(";")[0]
        token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', content)[1].decode()
        serving.ask(
            "POST",
            "/sign-in",
            f"csrfmiddlewaretoken={token}&email=carl%40bolt.example",
            {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"},
        )
        connected, _ = silent.accept()
        began = time.monotonic()
        status, errors = serving.stop()
        took = time.monotonic() - began
        connected.close()

    assert status == 0
    assert took < 4
    assert "Traceback" not in errors


def test_a_killed_server_loses_the_runs_of_its_last_second_at_most(start):
    serving, seeded = start()
    first = 30
    for _ in range(first):
        serving.run(seeded)
    time.sleep(1.5)
    for _ in range(5):
        serving.run(seeded)
    serving.stop(signal.SIGKILL)

    assert first <= len(recorded(start.data)) <= first + 5
