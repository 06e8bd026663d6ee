"""Two nodes on one PostgreSQL, each with a data folder of its own, that serve in turns."""

from __future__ import annotations

import re
import secrets
from http.client import HTTPConnection, HTTPResponse
from itertools import cycle
from os import environ  # noqa: TID251 - to see on which database the tests run
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest
from lxml import html

from nodes.processes import LEASE, NODES, kill
from nodes.source import KnownSource
from portal.smtp_server import SmtpServer
from portal.sync.billing import KEY, BillingServer, integration_text, serving
from server.serving_process import Serving, allowing, seed

HOST = "portal.example"


@pytest.fixture(scope="module")
def shared_postgresql():
    """The URL of a new database, where the tests run on PostgreSQL."""
    url = environ.get("BILLHOOK_DATABASE_URL", "")
    if not url:
        pytest.skip("only where the tests run on PostgreSQL")
    server, _, _ = url.rpartition("/")
    name = f"nodes_{secrets.token_hex(8)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield f"{server}/{name}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class Installation:
    """The settings that all nodes have, and what a test has to know of the data."""

    def __init__(
        self, url: str, source: KnownSource, mail: SmtpServer, billing: BillingServer, folder: Path
    ) -> None:
        self.source, self.mail, self.billing = source, mail, billing
        self.url, self.folder = url, folder
        [allowed] = allowing(source).values()
        self.settings = {
            "BILLHOOK_DATABASE_URL": url,
            "BILLHOOK_PUBLIC_URL": f"http://{HOST}",
            "BILLHOOK_SIGNING_KEY": secrets.token_urlsafe(48),
            "BILLHOOK_SECRETS_KEYS": secrets.token_urlsafe(32) + "=",
            "BILLHOOK_EMAIL_URL": f"smtp+plain://127.0.0.1:{mail.port}",
            "BILLHOOK_LOG_FORMAT": "json",
            "BILLHOOK_JOB_PROCESSES": "1",
            "BILLHOOK_JOB_LEASE_SECONDS": f"{LEASE:.0f}",
            "BILLHOOK_ALLOW": f"{allowed},{billing.address.removeprefix('http://')}",
        }
        self.seeded = seed(folder / "seed", source, **self.settings)
        self.nodes: list[Serving] = []

    def start_node(self, name: str) -> Serving:
        """Start a node whose processes are a session of their own."""
        settings = self.settings | {"BILLHOOK_NODE": name}
        return Serving(self.folder / name, before=("setsid",), **settings)

    def close(self) -> None:
        for node in self.nodes:
            kill(node)

    def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement, values).fetchall()


@pytest.fixture(scope="module")
def installation(tmp_path_factory, shared_postgresql):
    """Two nodes that are running; both work on jobs."""
    source, mail = KnownSource(), SmtpServer()
    folder = tmp_path_factory.mktemp("nodes")
    with serving() as billing:
        made = Installation(shared_postgresql, source, mail, billing, folder)
        try:
            for name in NODES:
                made.nodes.append(made.start_node(name))
            yield made
        finally:
            made.close()
            source.close()
            mail.close()


@pytest.fixture(scope="module")
def books(installation):
    """The books of a billing system that lists one customer, with Carl, and seven invoices."""
    books = installation.billing.new_books()
    books.size = 3
    books.customer("9", "Nine Ltd")
    books.contact("p1", "9", "carl@bolt.example")
    for _ in range(7):
        books.add(customer="9")
    return books


@pytest.fixture(scope="module")
def sync_page(installation, books) -> str:
    """The page of the sync of *books*, which was imported, saved and started through the pages."""
    owner = Visitor(installation.nodes, installation.seeded["owner"])
    place = f"/backoffice/{installation.seeded['organisation']}/integrations"
    text = integration_text(installation.billing.address)
    editor = owner.upload(f"{place}/import", "billing.toml", text)
    page = owner.submit(editor, f"{place}/new", **{"secret-0-value": KEY})
    found = installation.query("SELECT id FROM integrations_integration WHERE name = 'Billing'")
    assert found, page.text
    path = f"{place}/{found[0][0]}/sync"
    owner.post(f"{path}/start", page=path)
    return path


class Page:
    """A response, read."""

    def __init__(self, response: HTTPResponse, content: bytes) -> None:
        self.status, self.headers, self.content = response.status, response.headers, content

    @property
    def text(self) -> str:
        return self.content.decode()

    def find(self, pattern: str) -> str:
        found = re.search(pattern, self.text)
        assert found, self.text
        return found[1].replace("&amp;", "&")

    @property
    def form_token(self) -> str:
        return self.find(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Visitor:
    """A browser whose requests go to the nodes in turns: each to another one than the last."""

    def __init__(self, nodes: list[Serving], cookie: str = "") -> None:
        self._turns = cycle(nodes)
        self.cookies = dict([cookie.split("=", 1)]) if cookie else {}

    def get(self, path: str) -> Page:
        return self.ask("GET", path)

    def post(self, path: str, *, page: str = "", **fields: str) -> Page:
        """Send the form of *page*, and follow to where it leads."""
        token = self.get(page or path).form_token
        body = urlencode({"csrfmiddlewaretoken": token, **fields})
        return self.follow(self.ask("POST", path, body, "application/x-www-form-urlencoded"))

    def send_form(self, path: str, **changes: str) -> Page:
        """Send the form at *path* as it is, with *changes*."""
        return self.submit(self.get(path), path, **changes)

    def submit(self, page: Page, path: str, **changes: str) -> Page:
        """Send the form of *page* that posts to *path* as it is, with *changes*."""
        document = html.fromstring(page.text)
        for template in document.iter("template"):  # a browser doesn't send what is in one
            template.clear()
        forms = document.forms
        form = next(
            each
            for each in forms
            if each.action in {None, "", path} and changes.keys() <= {*each.fields}
        )
        fields = [(n, v.strip()) for n, v in form.form_values() if n not in changes]
        body = urlencode([*fields, *changes.items()])
        return self.follow(self.ask("POST", path, body, "application/x-www-form-urlencoded"))

    def upload(self, path: str, name: str, content: str) -> Page:
        token = self.get(path).form_token
        parts = (
            ("csrfmiddlewaretoken", "", token),
            ("file", f'; filename="{name}"', content),
        )
        body = "".join(
            f'--X\r\nContent-Disposition: form-data; name="{field}"{more}\r\n\r\n{value}\r\n'
            for field, more, value in parts
        )
        return self.follow(
            self.ask("POST", path, body + "--X--\r\n", "multipart/form-data; boundary=X")
        )

    def follow(self, page: Page) -> Page:
        while page.status in {302, 303}:
            where = urlsplit(page.headers["Location"])
            page = self.get(where.path + (f"?{where.query}" if where.query else ""))
        return page

    def ask(self, method: str, path: str, body: str = "", kind: str = "") -> Page:
        headers = {"Host": HOST, "Origin": f"http://{HOST}"}
        headers |= {"Content-Type": kind} if kind else {}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = HTTPConnection("127.0.0.1", next(self._turns).port, timeout=60)
        connection.request(method, path, body=body.encode() or None, headers=headers)
        response = connection.getresponse()
        page = Page(response, response.read())
        connection.close()
        for line in response.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return page


@pytest.fixture
def visitor(installation):
    """Return a function that gives a browser, with a session or without."""

    def make(cookie: str = "", *, nodes: list[Serving] | None = None) -> Visitor:
        return Visitor(nodes or installation.nodes, cookie)

    return make


@pytest.fixture
def contact(installation, visitor) -> Visitor:
    return visitor(installation.seeded["cookie"])


@pytest.fixture
def owner(installation, visitor) -> Visitor:
    return visitor(installation.seeded["owner"])
