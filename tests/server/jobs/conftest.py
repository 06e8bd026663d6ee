"""An installation for the tests of a module, on the database that the tests run on."""

from __future__ import annotations

import secrets
from os import environ  # noqa: TID251 - to see on which database the tests run

import psycopg
import pytest

from server.jobs.nodes import Installation, Node


@pytest.fixture(scope="module")
def database_url():
    """The URL of a new database on PostgreSQL; "" on SQLite."""
    url = environ.get("BILLHOOK_DATABASE_URL", "")
    if not url:
        yield ""
        return
    server, _, _ = url.rpartition("/")
    name = f"jobs_{secrets.token_hex(8)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield f"{server}/{name}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def job_installation(tmp_path_factory, database_url):
    installation = Installation(tmp_path_factory.mktemp("jobs") / "data", database_url)
    yield installation
    installation.close()


@pytest.fixture(scope="module")
def node(job_installation, tmp_path_factory):
    """A node that stays for the tests of a module."""
    node = Node(job_installation, tmp_path_factory.mktemp("node") / "log")
    yield node
    node.end()


@pytest.fixture
def start(job_installation, tmp_path):
    """Start nodes; whatever happens, they are ended with the test."""
    started = []

    def start_node(**settings):
        log = tmp_path / f"node-{len(started)}.log"
        started.append(Node(job_installation, log, **settings))
        return started[-1]

    yield start_node
    for node in started:
        node.end()
