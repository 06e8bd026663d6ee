"""Data of the first release goes on working, and an older version refuses newer data."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import psycopg
import pytest

import forked
from server.serving_process import PDF, environment

FIRST_RELEASE = Path(__file__).with_name("first_release")


class BillingSystem(ThreadingHTTPServer):
    """The source of the first release's integrations, at the address that they have."""

    allow_reuse_port = True  # tests on both databases may run at the same time
    daemon_threads = True

    def __init__(self, address: str) -> None:
        self.credentials: list[str] = []
        super().__init__(("127.0.0.1", urlsplit(address).port), _BillingHandler)
        Thread(target=self.serve_forever, daemon=True).start()


class _BillingHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        sent = self.headers["X-Api-Key"] or self.headers["Authorization"]
        self.server.credentials.append(sent)
        self.send_response(200)
        self.send_header("Content-Length", str(len(PDF)))
        self.end_headers()
        self.wfile.write(PDF)

    def log_message(self, *_: object) -> None:
        pass


def old_folder(database: str, folder: Path) -> dict[str, str]:
    """Put the first release's data folder at *folder*, as it left it; return the facts."""
    shutil.copytree(FIRST_RELEASE / database, folder)
    folder.chmod(0o755)
    (folder / "start.lock").touch(mode=0o644)
    return json.loads((folder / "facts.json").read_text())


@pytest.fixture
def sqlite_folder(tmp_path):
    """A data folder with the SQLite database of the first release."""
    folder = tmp_path / "data"
    facts = old_folder("sqlite", folder)
    with contextlib.closing(sqlite3.connect(folder / "billhook.sqlite3")) as database:
        database.executescript((folder / "database.sql").read_text())
    return folder, facts, {}


@pytest.fixture
def postgresql_folder(tmp_path, postgresql):
    """The same on PostgreSQL, with the settings that name the database."""
    folder = tmp_path / "data"
    facts = old_folder("postgresql", folder)
    with psycopg.connect(postgresql) as database:
        database.execute((folder / "database.sql").read_text())
    return folder, facts, {"BILLHOOK_DATABASE_URL": postgresql}


@pytest.fixture
def billing():
    systems = []

    def start(address):
        systems.append(BillingSystem(address))
        return systems[-1]

    yield start
    for system in systems:
        system.shutdown()
        system.server_close()


def check_that_all_goes_on(serve, billing, folder, facts, settings):
    """Start this version's server on *folder*, twice, and use what it has."""
    source = billing(facts["source"])
    allowed = {"BILLHOOK_ALLOW": urlsplit(facts["source"]).netloc, **settings}
    serve(folder, **allowed).stop()
    serving = serve(folder, **allowed)

    for integration in ("plain", "signed"):
        response, document = serving.run({"key": facts["key"]}, integration=facts[integration])
        assert (response.status, document) == (200, PDF)
    seen = {"invoice": facts["invoices"]["INV-1"], "cookie": facts["contact"]}
    assert serving.view(seen)[1] == PDF
    assert source.credentials == ["first-secret", "Bearer second-secret", "first-secret"]
    for page in ("", "/invoices", "/customers", "/members", "/integrations", "/runs", "/settings"):
        path = f"/backoffice/{facts['organisation']}{page}"
        response, _ = serving.ask("GET", path, headers={"Cookie": facts["owner"]})
        assert response.status == 200, path
    for integration in ("plain", "signed"):
        path = f"/backoffice/{facts['organisation']}/integrations/{facts[integration]}"
        response, _ = serving.ask("GET", path, headers={"Cookie": facts["owner"]})
        assert response.status == 200, path
    status, errors = serving.stop()
    assert status == 0
    assert "rror" not in errors


def test_the_data_of_the_first_release_goes_on_working(serve, billing, sqlite_folder):
    folder, facts, settings = sqlite_folder
    check_that_all_goes_on(serve, billing, folder, facts, settings)

    with contextlib.closing(sqlite3.connect(folder / "billhook.sqlite3")) as database:
        runs = database.execute("SELECT outcome FROM runs_run").fetchall()
    assert runs == [("ok",)] * 6
    assert folder.stat().st_mode & 0o077 == 0


def test_the_data_of_the_first_release_goes_on_working_on_postgresql(
    serve, billing, postgresql_folder
):
    folder, facts, settings = postgresql_folder
    check_that_all_goes_on(serve, billing, folder, facts, settings)

    with psycopg.connect(settings["BILLHOOK_DATABASE_URL"]) as database:
        runs = database.execute("SELECT outcome FROM runs_run").fetchall()
    assert runs == [("ok",)] * 6


NEWER = (
    "INSERT INTO django_migrations (app, name, applied)"
    " VALUES ('runs', '9999_from_the_future', '2126-01-01')"
)
MIGRATIONS = "SELECT app, name FROM django_migrations ORDER BY app, name"


def refusal(folder, settings):
    """Start a server that can't start; return the last line that it said."""
    done = forked.run(
        [*forked.BILLHOOK, "serve", "--port", "0"],
        env=environment(BILLHOOK_DATA_DIR=str(folder), **settings),
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr.splitlines()[-1]


def test_a_newer_database_is_refused_and_not_changed(sqlite_folder):
    folder, _, settings = sqlite_folder
    with contextlib.closing(sqlite3.connect(folder / "billhook.sqlite3")) as database:
        with database:
            database.execute(NEWER)
        before = database.execute(MIGRATIONS).fetchall()
        said = refusal(folder, settings)
        after = database.execute(MIGRATIONS).fetchall()

    assert said.startswith("A newer version of Billhook has changed this database")
    assert after == before


def test_a_newer_database_is_refused_and_not_changed_on_postgresql(postgresql_folder):
    folder, _, settings = postgresql_folder
    with psycopg.connect(settings["BILLHOOK_DATABASE_URL"], autocommit=True) as database:
        database.execute(NEWER)
        before = database.execute(MIGRATIONS).fetchall()
        said = refusal(folder, settings)
        after = database.execute(MIGRATIONS).fetchall()

    assert said.startswith("A newer version of Billhook has changed this database")
    assert after == before
