"""A database that is restarted: jobs wait for it, and go on."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest

from server.jobs.nodes import Installation, Node, has_begun, is_done
from server.test_database_fails import Network


@pytest.fixture
def network(postgresql):
    parts = urlsplit(postgresql)
    network = Network(parts.hostname, parts.port or 5432)
    yield network
    network.close()


def test_a_job_goes_on_when_the_database_is_back(postgresql, network, tmp_path):
    installation = Installation(tmp_path / "data", postgresql)
    through = urlsplit(postgresql)._replace(netloc=f"billhook@127.0.0.1:{network.port}").geturl()
    node = Node(installation, tmp_path / "log", BILLHOOK_DATABASE_URL=through)
    try:
        job_id = installation.ask("enqueue", kind="slow", subject="away")
        installation.wait_until(job_id, has_begun)
        network.become("refusing")
        time.sleep(2)
        assert installation.ask("look", job_id=job_id)["state"] == "running"
        network.become("fine")
        job = installation.wait_until(job_id, is_done)
        assert (job["done"], job["written"]) == (10, 10)
        assert node.process.poll() is None
    finally:
        node.end()
        installation.close()
