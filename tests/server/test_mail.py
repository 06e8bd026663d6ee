"""A code to sign in leaves the real server by SMTP, and no restart loses it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from portal.smtp_server import SmtpServer, smtp_server
from server.serving_process import Serving, Source, seed

OWNER = "owner@acme.example"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


@pytest.fixture
def data(tmp_path: Path) -> Path:
    source = Source()
    try:
        seed(tmp_path / "data", source)
    finally:
        source.close()
    return tmp_path / "data"


def serving(data: Path, server: SmtpServer) -> Serving:
    return Serving(data, BILLHOOK_EMAIL_URL=f"smtp+plain://127.0.0.1:{server.port}")


def ask_for_code(process: Serving) -> None:
    page, content = process.ask("GET", "/sign-in")
    form = {"csrfmiddlewaretoken": TOKEN.search(content.decode())[1], "email": OWNER}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": page.headers["Set-Cookie"].partition(";")[0],
    }
    response, _ = process.ask("POST", "/sign-in", urlencode(form), headers)
    assert response.headers["Location"] == "/sign-in/code"


def make_due(data: Path) -> int:
    """Have waiting mail sent now; return how many mails there are."""
    with closing(sqlite3.connect(data / "billhook.sqlite3")) as database, database:
        past = "2026-01-01 00:00:00"
        sql = "UPDATE mail_outgoingmail SET next_attempt_at = ? WHERE attempts > 0"
        return database.execute(sql, [past]).rowcount


def test_a_code_that_a_mail_server_defers_is_sent_after_a_restart(data):
    with smtp_server(RCPT="451 later") as busy:
        first = serving(data, busy)
        ask_for_code(first)
        busy.wait_for("RSET")
        assert first.stop()[0] == 0
    assert make_due(data) == 1
    with smtp_server() as ready:
        second = serving(data, ready)
        ready.wait_for("DATA")
        status, log = second.stop()
    (mail,) = ready.mails
    assert f"To: {OWNER}" in mail
    assert status == 0
    assert OWNER not in log
