"""``billhook serve``: it starts from nothing, serves, and ends without losing anything."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import psycopg
import pytest

import forked
from billhook.portal.integrations.crypto import new_key
from migrated import put_tables
from server.serving_process import BILLHOOK, PDF, allowing, environment, recorded, seed


def refused(*options, **settings):
    """Start a server that can't start; return what it said."""
    done = forked.run(
        [*forked.BILLHOOK, "serve", "--port", "0", *options],
        env=environment(**settings),
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "Ctrl+C"])
def test_it_starts_from_nothing_and_stops_quietly(serve, tmp_path, number):
    serving = serve(tmp_path / "new" / "data")
    ready, state = serving.ask("GET", "/readyz")
    page, _ = serving.ask("GET", "/setup")
    status, errors = serving.stop(number)

    assert ready.status == 200
    assert json.loads(state)["checks"] == {"database": True, "writing": True, "runs": True}
    assert page.status == 200
    assert (status, errors) == (0, "")
    assert not serving.is_up()
    assert (tmp_path / "new" / "data").stat().st_mode & 0o077 == 0


def test_only_the_first_start_prints_where_to_begin(serve, tmp_path, start):
    first = serve(tmp_path / "new")
    first.stop()
    later, _ = start()

    assert f"http://127.0.0.1:{first.port}/setup" in first.said
    assert "code" in first.said
    assert "/setup" not in later.said


def test_the_first_start_prints_the_public_address_if_it_is_set(serve, tmp_path):
    put_tables(tmp_path / "new")
    serving = serve(tmp_path / "new", BILLHOOK_PUBLIC_URL="https://invoices.example.com/")

    assert "https://invoices.example.com/setup#code=" in serving.said


@pytest.mark.parametrize("integration", ["", "Acme%20billing"], ids=["by id", "by name"])
def test_a_program_with_a_key_gets_the_document(start, integration):
    serving, seeded = start()

    response, content = serving.run(seeded, integration=integration)

    assert (response.status, content) == (200, PDF)


def test_every_run_is_written_before_the_end(start):
    serving, seeded = start()
    for _ in range(20):
        serving.run(seeded)
    serving.run(seeded | {"key": "wrong"})
    assert serving.stop()[0] == 0

    assert recorded(start.data) == [("ok", "")] * 20


def test_a_run_in_progress_is_finished_before_the_end(start, source):
    serving, seeded = start()
    source.may_answer.clear()
    responses = []
    running = threading.Thread(target=lambda: responses.append(serving.run(seeded)))
    running.start()
    assert source.reached.wait(100)
    serving.process.send_signal(signal.SIGTERM)
    while serving.is_up():
        time.sleep(0.02)
    source.may_answer.set()
    running.join(100)

    assert responses[0][1] == PDF
    assert serving.stop() == (0, "")
    assert recorded(start.data) == [("ok", "")]


def test_expired_rows_are_deleted_when_it_starts(start):
    with contextlib.closing(sqlite3.connect(start.data / "billhook.sqlite3")) as database:
        with database:
            database.execute("INSERT INTO django_session VALUES ('old', '', '2020-01-01')")
        start()
        ends = time.monotonic() + 30
        while database.execute("SELECT 1 FROM django_session WHERE session_key = 'old'").fetchone():
            assert time.monotonic() < ends
            time.sleep(0.05)


def test_counters_count_the_runs(start):
    serving, seeded = start()
    serving.run(seeded)

    _, content = serving.ask("GET", "/metrics")

    assert b'billhook_gateway_answers_total{code="ok",status="200"} 1.0' in content


def test_several_workers_share_the_port_the_key_and_the_counters(start):
    serving, seeded = start("--workers", "2")
    statuses = [serving.run(seeded)[0].status for _ in range(10)]
    _, counters = serving.ask("GET", "/metrics")
    status, errors = serving.stop()

    assert statuses == [200] * 10
    assert b'billhook_gateway_answers_total{code="ok",status="200"} 10.0' in counters
    assert (status, errors) == (0, "")
    assert recorded(start.data) == [("ok", "")] * 10


def test_a_worker_that_dies_is_replaced(start):
    serving, seeded = start("--workers", "2")
    serving.run(seeded)
    before = _children(serving.process.pid)
    os.kill(min(before), signal.SIGKILL)
    while len(_children(serving.process.pid) - before) < 1:
        time.sleep(0.05)

    assert serving.run(seeded)[0].status == 200
    assert serving.stop()[0] == 0


def test_workers_end_when_their_supervisor_is_killed(start):
    serving, seeded = start("--workers", "2")
    serving.run(seeded)
    workers = _children(serving.process.pid)
    serving.stop(signal.SIGKILL)
    while any(_is_alive(worker) for worker in workers):
        time.sleep(0.05)

    assert not serving.is_up()


def _children(pid):
    path = f"/proc/{pid}/task/{pid}/children"
    with open(path) as file:  # noqa: PTH123
        return set(map(int, file.read().split()))


def _is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_port_in_use_is_reported_in_one_sentence(tmp_path, start):
    serving, _ = start()
    put_tables(tmp_path / "other")

    said = refused("--port", str(serving.port), BILLHOOK_DATA_DIR=str(tmp_path / "other"))

    assert said.startswith(f"Port {serving.port} of 127.0.0.1 is taken")
    assert len(said.splitlines()) == 1


def test_an_address_of_another_machine_is_reported_in_one_sentence(tmp_path):
    put_tables(tmp_path)
    said = refused("--host", "192.0.2.1", BILLHOOK_DATA_DIR=str(tmp_path))

    assert said == "192.0.2.1 isn't an address of this machine. Give one that is with --host.\n"


def test_an_unwritable_data_folder_is_reported_in_one_sentence(tmp_path):
    (tmp_path / "file").touch()

    said = refused("--data-dir", str(tmp_path / "file" / "data"))

    assert said.startswith(f"The data folder {tmp_path}/file/data can't be written to.")
    assert len(said.splitlines()) == 1


def test_an_unavailable_database_is_reported_in_one_sentence(tmp_path):
    said = refused(
        BILLHOOK_DATA_DIR=str(tmp_path),
        BILLHOOK_DATABASE_URL="postgresql://name:secret-word@127.0.0.1:1/billhook",
    )

    assert said.startswith("The database that BILLHOOK_DATABASE_URL names can't be used")
    assert "secret-word" not in said
    assert len(said.splitlines()) == 1


def test_a_damaged_database_is_reported_in_one_sentence(tmp_path):
    (tmp_path / "billhook.sqlite3").write_bytes(b"this is no database" * 1000)

    said = refused(BILLHOOK_DATA_DIR=str(tmp_path))

    assert said.startswith("The database billhook.sqlite3 in the data folder can't be used")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("secrets.key", b"garbage", "A secrets key must be 32 random bytes in base64"),
        ("secrets.key", b"", "There is no secrets key."),
        ("secrets.key", b"\xff\xfe", "holds no key."),
        ("signing.key", b"", "holds no key."),
    ],
    ids=["no-base-64", "empty", "no-text", "no-signing-key"],
)
def test_a_damaged_key_is_reported_in_one_sentence(tmp_path, name, content, said):
    put_tables(tmp_path)
    (tmp_path / name).write_bytes(content)

    message = refused(BILLHOOK_DATA_DIR=str(tmp_path))

    assert message.startswith(f"The file {name} in the data folder ")
    assert said in message
    assert "Restore it from a backup" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (None, "The file secrets.key isn't in the data folder."),
        (new_key(), "The file secrets.key in the data folder is older than the database"),
    ],
    ids=["missing", "foreign"],
)
def test_a_lost_key_file_is_reported_and_not_replaced(filled, tmp_path, keys, said):
    folder = shutil.copytree(filled[0], tmp_path / "data")
    (folder / "secrets.key").unlink()
    if keys is not None:
        (folder / "secrets.key").write_text(keys.to_text())

    message = refused(BILLHOOK_DATA_DIR=str(folder))

    assert message.startswith(said)
    assert "Restore it from a backup" in message
    assert "billhook rotate-secrets --forget-unreadable" in message
    assert (folder / "secrets.key").exists() is (keys is not None)


def test_an_invalid_setting_of_keys_is_reported_without_them(tmp_path):
    put_tables(tmp_path)
    message = refused(BILLHOOK_DATA_DIR=str(tmp_path), BILLHOOK_SECRETS_KEYS="c4nary")

    assert message.startswith("The setting BILLHOOK_SECRETS_KEYS can't be used.")
    assert "c4nary" not in message


def test_the_keys_are_created_on_the_first_start(serve, tmp_path):
    serve(tmp_path / "new").stop()

    for name in ("secrets.key", "signing.key"):
        assert (tmp_path / "new" / name).stat().st_mode & 0o777 == 0o600


def test_all_invalid_settings_are_reported_together(tmp_path):
    said = refused(
        "--workers",
        "0",
        BILLHOOK_DATA_DIR=str(tmp_path),
        BILLHOOK_PORTS="many",
        BILLHOOK_LOG_FORMAT="xml",
    )

    names = [line.partition(":")[0] for line in said.splitlines()]
    assert sorted(names) == ["BILLHOOK_LOG_FORMAT", "BILLHOOK_PORTS", "BILLHOOK_WORKERS"]


def test_a_setting_that_does_not_exist_is_reported_with_the_nearest_name(serve, tmp_path):
    put_tables(tmp_path)
    serving = serve(tmp_path, BILLHOOK_ALOW="x")
    serving.stop()

    assert "There is no setting BILLHOOK_ALOW. Did you mean BILLHOOK_ALLOW?" in serving.said


def test_the_help_lists_every_setting():
    done = subprocess.run([BILLHOOK, "serve", "--help"], capture_output=True, text=True, check=True)

    for name in ("BILLHOOK_DATA_DIR", "BILLHOOK_WORKERS", "BILLHOOK_API_RATE"):
        assert name in done.stdout


def test_it_serves_from_postgresql_with_workers_that_start_together(
    serve, tmp_path, source, postgresql
):
    settings = {"BILLHOOK_DATABASE_URL": postgresql, **allowing(source)}
    seeded = seed(tmp_path, source, BILLHOOK_DATABASE_URL=postgresql)
    serving = serve(tmp_path, "--workers", "2", **settings)
    statuses = [serving.run(seeded)[0].status for _ in range(10)]
    status, errors = serving.stop()

    assert statuses == [200] * 10
    assert (status, errors) == (0, "")
    with psycopg.connect(postgresql) as connection:
        assert connection.execute("SELECT count(*) FROM runs_run").fetchone() == (10,)
