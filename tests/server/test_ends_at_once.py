"""A person whose access ends is refused at the next click, in every process of every node.

A server with two workers answers clicks; another node changes who may do what.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import forked
from server.serving_process import PDF, Serving, Source, allowing, environment, seed

NODE = Path(__file__).with_name("another_node.py")
CLICKS = 8
"""Connections that are open at a time, so that both workers have some."""


class Installation:
    """A server with two workers, and another node on the same database."""

    def __init__(self, data: Path, source: Source, **settings: str) -> None:
        self.seeded = seed(data, source, **settings)
        settings |= allowing(source)
        self.serving = Serving(data, "--workers", "2", **settings)
        self._node = forked.start(
            [sys.executable, NODE],
            env=environment(BILLHOOK_DATA_DIR=str(data), **settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        self._node.communicate(timeout=60)
        self.serving.stop()

    def change(self, change: str, subject: str = ""):
        """Have the other node make a change, and return what it says."""
        self._node.stdin.write(json.dumps([change, subject]) + "\n")
        self._node.stdin.flush()
        return json.loads(self._node.stdout.readline())

    def statuses(self, cookie: str, prefix: str = "") -> set[int]:
        """Open the document over several connections at once; return the statuses."""
        path = f"{prefix}/invoices/{self.seeded['invoice']}/document"
        connections = [self.serving.connection() for _ in range(CLICKS)]
        for connection in connections:
            connection.connect()
        found = set()
        for connection in connections:
            with closing(connection):
                connection.request("GET", path, headers={"Cookie": cookie})
                response = connection.getresponse()
                assert (response.read() == PDF) is (response.status == 200)
                found.add(response.status)
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory, source, database_settings):
    data = tmp_path_factory.mktemp("two-workers") / "data"
    installation = Installation(data, source, **database_settings)
    yield installation
    installation.close()


@pytest.fixture
def installation(running, database_settings):  # named, so that the tests run on both databases
    return running


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param("sign out", 302, id="signing out"),
        pytest.param("set password", 302, id="a new password"),
        pytest.param("disable", 302, id="a blocked person"),
        pytest.param("remove contact", 404, id="a contact who is removed"),
        pytest.param("withdraw invoice", 404, id="an invoice that is a draft again"),
    ],
)
def test_a_contacts_next_click_is_refused(installation, change, status):
    email = f"{change.replace(' ', '.')}@bolt.example"
    contact = installation.change("new contact", email)
    assert installation.statuses(contact["cookie"]) == {200}

    installation.change(change, email)

    assert installation.statuses(contact["cookie"]) == {status}
    installation.change("issue invoice")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param("make viewer", 403, id="a lower role"),
        pytest.param("remove member", 404, id="a member who is removed"),
        pytest.param("sign out", 302, id="signing out"),
    ],
)
def test_a_members_next_look_as_a_contact_is_refused(installation, change, status):
    contact = installation.change("new contact", f"seen.{change.replace(' ', '.')}@bolt.example")
    email = f"{change.replace(' ', '.')}@acme.example"
    editor = installation.change("new editor", email)
    prefix = f"/as/{contact['contact']}"
    assert installation.statuses(editor["cookie"], prefix) == {200}

    installation.change(change, email)

    assert installation.statuses(editor["cookie"], prefix) == {status}


def test_who_is_let_in_again_gets_the_document_at_once(installation):
    contact = installation.change("new contact", "again@bolt.example")
    installation.change("withdraw invoice")
    assert installation.statuses(contact["cookie"]) == {404}

    installation.change("issue invoice")

    assert installation.statuses(contact["cookie"]) == {200}
