"""Fixtures with ``billhook serve`` as a process, on a data folder with an integration and a key."""

from __future__ import annotations

import secrets
import shutil
import signal
from contextlib import contextmanager
from os import environ  # noqa: TID251 - to see on which database the tests run

import psycopg
import pytest

from server.serving_process import Serving, Source, allowing, seed


@pytest.fixture(scope="module")
def source():
    source = Source()
    yield source
    source.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory, source):
    """A data folder with an integration and a key; it is copied, so that it stays as it is."""
    folder = tmp_path_factory.mktemp("filled") / "data"
    return folder, seed(folder, source)


@pytest.fixture
def serve():
    """Start servers; whatever happens, they are ended with the test."""
    started = []

    def serve_on(data, *options, **settings):
        started.append(Serving(data, *options, **settings))
        return started[-1]

    yield serve_on
    for serving in started:
        serving.stop(signal.SIGKILL)


@pytest.fixture
def start(serve, tmp_path, filled, source):
    """Start servers on a copy of the filled folder."""
    data, seeded = shutil.copytree(filled[0], tmp_path / "data"), filled[1]
    source.reached.clear()

    def start_one(*options, **settings):
        return serve(data, *options, **allowing(source), **settings), seeded

    start_one.data = data
    yield start_one
    source.may_answer.set()


@pytest.fixture
def postgresql():
    """The URL of a new database, where the tests run on PostgreSQL."""
    if not environ.get("BILLHOOK_DATABASE_URL"):
        pytest.skip("only where the tests run on PostgreSQL")
    with _new_postgresql() as url:
        yield url


@pytest.fixture(scope="module")
def database_settings():
    """The settings of a server on a new database of the kind that the tests run on."""
    if not environ.get("BILLHOOK_DATABASE_URL"):
        yield {}
        return
    with _new_postgresql() as url:
        yield {"BILLHOOK_DATABASE_URL": url}


@contextmanager
def _new_postgresql():
    url = environ["BILLHOOK_DATABASE_URL"]
    server, _, _ = url.rpartition("/")
    name = f"serving_{secrets.token_hex(8)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield f"{server}/{name}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
