"""``billhook demo``, as a process."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket  # noqa: TID251 - it takes a port away
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from billhook.sample.ledger import ODDITIES
from demo_process import DemoProcess, new_demo_folder, running_demo


@pytest.fixture(scope="module")
def demo():
    with running_demo(popen=subprocess.Popen) as demo:
        demo.wait_until_told()
        yield demo


def test_it_shows_the_request_that_was_sent_with_the_secret_masked(demo):
    assert f"GET {demo.sample_address}/invoices/INV0000001/pdf" in demo.printed
    assert "X-Api-Key: ••••••" in demo.printed


def test_it_shows_what_came_back_and_how_long_it_took(demo):
    size = len(demo.sample_get("/invoices/INV0000001/pdf"))
    assert re.search(r"status 200, [\d,]+ bytes on the wire", demo.printed)
    assert re.search(r"wait [\d.]+ ms, receive [\d.]+ ms", demo.printed)
    assert re.search(rf"{size:,} bytes of application/pdf, after [\d.]+ ms", demo.printed)
    assert "the very bytes that the sample system made" in demo.printed


def test_it_prints_the_address_and_the_accounts_for_signing_in(demo):
    assert f"{demo.address}/sign-in/password" in demo.printed
    assert re.search(r"contact +dana@meridian.example +Dana Reyes", demo.printed)
    assert re.search(r"member +maeve@alderfinch.example +Maeve Alder, owner", demo.printed)
    assert f"password    {demo.state['password']}" in demo.printed


def test_it_names_each_invoice_that_fails_on_purpose(demo):
    named = set(re.findall(r"INV\d{7}", demo.printed.partition("on purpose")[2]))
    assert named == set(ODDITIES)


def test_the_key_of_the_sample_system_is_printed_once_for_people_who_build_the_integration(demo):
    key = demo.state["sample_key"]
    assert re.search(rf"^  sample key +{key} +to build the integration", demo.printed, re.MULTILINE)
    assert demo.printed.count(key) == 1


def test_without_a_terminal_there_are_no_colours(demo):
    assert "\x1b" not in demo.printed


def test_its_files_are_readable_by_their_owner_only(demo):
    assert (demo.data_dir / "demo.json").stat().st_mode & 0o777 == 0o600
    assert demo.data_dir.stat().st_mode & 0o777 == 0o700


def process_id_of_sample(demo: DemoProcess) -> int:
    children = f"/proc/{demo.process.pid}/task/{demo.process.pid}/children"
    ids = Path(children).read_text().split()
    return next(
        int(i) for i in ids if b"billhook.sample" in Path(f"/proc/{i}/cmdline").read_bytes()
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "Ctrl+C"])
def test_it_stops_cleanly_with_everything_that_it_started_on(number):
    with running_demo() as demo:
        demo.wait_until_told()
        folder, watch = demo.data_dir, os.pidfd_open(process_id_of_sample(demo))
        demo.process.send_signal(number)
        assert demo.process.wait(timeout=30) == 0
        assert select.select([watch], [], [], 20)[0]
        os.close(watch)
    assert demo.printed.endswith("The demo has ended.\n")
    assert "Traceback" not in demo.printed
    assert not folder.exists()


@pytest.fixture
def folder(tmp_path):
    """The folder of a demo that was never started."""
    return new_demo_folder(tmp_path)


def test_the_sample_system_stops_even_when_the_demo_is_killed(folder):
    with running_demo("--data-dir", str(folder)) as demo:
        demo.wait_until_told()
        watch = os.pidfd_open(process_id_of_sample(demo))
        demo.process.kill()
        assert select.select([watch], [], [], 20)[0], "the sample system outlived the demo"
        os.close(watch)


def test_a_demo_with_its_own_folder_continues_where_it_stopped(tmp_path):
    states = []
    for _ in range(2):
        with running_demo("--data-dir", str(tmp_path)) as demo:
            demo.wait_until_told()
            states.append(demo.state)
            assert "200 invoices of 3 customers" in demo.printed
            assert "the very bytes that the sample system made" in demo.printed
    assert states[0] == states[1]


def test_a_failing_view_is_reported_and_the_demo_continues(folder):
    with running_demo("--data-dir", str(folder)) as demo:
        demo.wait_until_told()
    with contextlib.closing(sqlite3.connect(folder / "billhook.sqlite3")) as database:
        database.execute("DELETE FROM integrations_storedsecret")
        database.execute("UPDATE runs_run SET integration_id = NULL")
        database.execute("DELETE FROM integrations_integration")
        database.commit()
    with running_demo("--data-dir", str(folder)) as demo:
        demo.wait_until_told()
        assert "The first VIEW did not work" in demo.printed
        assert "document was answered with 502." in demo.printed
        assert "contact     dana@meridian.example" in demo.printed


def test_a_demo_whose_sample_system_cannot_get_its_port_says_so(tmp_path):
    with running_demo("--data-dir", str(tmp_path)) as demo:
        demo.wait_until_told()
        port = demo.state["sample_port"]
    with socket.create_server(("127.0.0.1", port)):
        told = refused("--port", "0", "--data-dir", str(tmp_path))
    assert told.startswith(f"This demo's sample billing system needs port {port} again")


def test_it_takes_no_settings_from_the_environment():
    elsewhere = {"BILLHOOK_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    with running_demo(environment=elsewhere) as demo:
        demo.wait_until_told()
        assert (demo.data_dir / "billhook.sqlite3").exists()


def refused(*options: str) -> str:
    """Run a demo that can't start, and return what it says."""
    command = [sys.executable, "-m", "billhook.cli", "demo", *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    return ended.stderr


def test_a_port_in_use_is_reported_in_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = refused("--port", str(port))
    assert told.startswith(f"Port {port} of 127.0.0.1 is taken")
    assert told.count("\n") == 1


def test_a_folder_with_a_real_installation_is_left_unchanged(tmp_path):
    database = tmp_path / "billhook.sqlite3"
    database.write_bytes(b"precious")
    assert "isn't a demo" in refused("--port", "0", "--data-dir", str(tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["billhook.sqlite3"]
    assert database.read_bytes() == b"precious"


def test_without_a_port_the_next_free_one_is_used(monkeypatch):
    from billhook.server.demo import start

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(start, "_PORT", port)
        with start._listen(None) as listening:
            assert listening.getsockname()[1] != port
