"""Bounces that arrive in a mailbox are read from it by IMAP, each once, and never for long."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from billhook.portal.installation import environment
from billhook.portal.jobs.clock import PresentTime
from billhook.portal.jobs.models import Job, JobSchedule
from billhook.portal.jobs.services import enqueue_scheduled
from billhook.portal.jobs.turn import Turn
from billhook.portal.mail.access import bounce_mailbox
from billhook.portal.mail.models import BounceMailbox
from billhook.portal.notices.bounces.jobs import JOB, begin_reading
from billhook.portal.notices.models import NoticeMailing
from engine.certificates import Authority
from portal.notices.dovecot import PASSWORD, USER, Dovecot, dovecot
from portal.notices.returned_mail import sample

pytestmark = pytest.mark.django_db

ORDINARY = b"From: a@acme.example\nSubject: lunch\n\nAt one?\n"
Poll = Callable[[], None]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def server(authority: Authority) -> Iterator[Dovecot]:
    with dovecot(authority) as running:
        yield running


@pytest.fixture(autouse=True)
def trusted(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the authority, as a machine whose administrator has installed it."""
    path = tmp_path / "authority.pem"
    path.write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))


@pytest.fixture
def use() -> Iterator[Callable[[str], None]]:
    """Return a function that sets the mailbox."""

    def put(url: str) -> None:
        environment.put("BILLHOOK_BOUNCE_MAILBOX", url)

    yield put
    environment.put("BILLHOOK_BOUNCE_MAILBOX", "")


@pytest.fixture
def poll(look: Callable[[], None]) -> Poll:
    """Return a function that has the mailbox read now, as the schedule does every five minutes."""

    def poll_now() -> None:
        begin_reading()
        JobSchedule.objects.filter(kind=JOB).update(next_at=PresentTime() - timedelta(seconds=1))
        enqueue_scheduled()
        look()

    return poll_now


def url_of(server: Dovecot, **other: Any) -> str:
    parts = {
        "scheme": "imaps",
        "user": USER,
        "password": PASSWORD,
        "host": "127.0.0.1",
        "port": server.tls_port,
        "folder": "INBOX",
    } | other
    user, password = quote(parts["user"], safe=""), quote(parts["password"], safe="")
    return (
        f"{parts['scheme']}://{user}:{password}@{parts['host']}:{parts['port']}/{parts['folder']}"
    )


def state(mailing: NoticeMailing) -> str:
    return NoticeMailing.objects.get(id=mailing.id).state


def read_again() -> None:
    """Have the notice count as sent, so that the next reading of its bounce shows."""
    NoticeMailing.objects.update(state="sent")


def test_a_bounce_is_read_once_and_other_mail_stays_as_it_is(
    mailing: NoticeMailing, server: Dovecot, use: Callable[[str], None], poll: Poll
) -> None:
    use(url_of(server))
    server.put(ORDINARY, name="lunch")
    server.put(sample("out-of-office-sieve", mailing), name="away")
    server.put(sample("postfix-no-such-user", mailing), name="bounce")
    with capture_logs() as lines:
        poll()
    assert state(mailing) == "bounced"
    (line,) = [line for line in lines if line["event"] == "bounces-read"]
    assert (line["messages"], line["bounced"]) == (3, 1)
    assert server.read_names() == {"bounce"}
    read_again()
    poll()
    assert state(mailing) == "sent"
    server.put(sample("qmail", mailing), name="another")
    poll()
    assert state(mailing) == "bounced"


def test_a_mailbox_is_read_with_starttls(
    mailing: NoticeMailing, server: Dovecot, use: Callable[[str], None], poll: Poll
) -> None:
    server.put(sample("qmail", mailing), name="bounce")
    use(url_of(server, scheme="imap", port=server.plain_port))
    poll()
    assert (state(mailing), bounce_mailbox().failure) == ("bounced", "")


def test_numbers_that_begin_again_and_old_mail(
    mailing: NoticeMailing, server: Dovecot, use: Callable[[str], None], poll: Poll
) -> None:
    use(url_of(server))
    server.put(sample("qmail", mailing), name="old", days_ago=20)
    poll()
    assert state(mailing) == "sent"
    server.put(sample("qmail", mailing), name="new")
    poll()
    assert state(mailing) == "bounced"
    read_again()
    server.begin_numbers_again()
    poll()
    assert state(mailing) == "bounced"


def test_a_large_mail_is_cut(
    mailing: NoticeMailing, server: Dovecot, use: Callable[[str], None], poll: Poll
) -> None:
    use(url_of(server))
    server.put(ORDINARY + b"a line\n" * 5_000_000, name="large")
    server.put(sample("qmail", mailing) + b"attachment\n" * 1_000_000, name="bounce")
    poll()
    assert (state(mailing), bounce_mailbox().number) == ("bounced", 2)


def test_a_turn_that_has_no_time_left_goes_on_in_the_next(
    server: Dovecot, use: Callable[[str], None], poll: Poll, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(url_of(server))
    for number in range(3):
        server.put(ORDINARY, name=f"m{number}")
    goes_on = cycle([True, False])
    monkeypatch.setattr(Turn, "goes_on", property(lambda _: next(goes_on)))
    with capture_logs() as lines:
        poll()
    turns = [line["messages"] for line in lines if line["event"] == "bounces-read"]
    assert turns == [1, 1, 1]
    assert bounce_mailbox().number == 3


PROBLEMS: dict[str, tuple[dict[str, Any], str, str]] = {
    "password": ({"password": "other"}, "bounces-authentication", "refused the name and password"),
    "folder": ({"folder": "Nowhere"}, "bounces-refused", "folder Nowhere"),
    "certificate": ({"host": "localhost"}, "bounces-certificate", "is for another name"),
    "TLS": ({"port": "plain"}, "bounces-tls", "imaps:// means TLS from the start"),
    "port": ({"port": 1}, "bounces-unreachable", "127.0.0.1:1"),
    "host": ({"host": "nowhere.invalid"}, "bounces-host-unknown", "nowhere.invalid"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_mailbox_that_cannot_be_read_is_reported_without_its_password(
    server: Dovecot, use: Callable[[str], None], poll: Poll, name: str
) -> None:
    change, code, says = PROBLEMS[name]
    if change == {"port": "plain"}:
        change = {"port": server.plain_port}
    use(url_of(server, **change))
    with capture_logs() as lines:
        poll()
        poll()
    row = BounceMailbox.objects.get()
    assert row.failure == code
    assert says in row.reason
    assert "BILLHOOK_BOUNCE_MAILBOX" in row.reason
    assert Job.objects.filter(kind=JOB).latest("created_at").state == "done"
    (line,) = [line for line in lines if line["event"] == "bounce-mailbox-fails"]
    assert line["reason"] == code
    shown = repr(lines) + row.reason + repr(list(Job.objects.values()))
    assert "canary" not in shown
    assert "bounces@harper.example" not in shown
    use(url_of(server))
    with capture_logs() as lines:
        poll()
    assert "bounce-mailbox-works" in {line["event"] for line in lines}
    assert BounceMailbox.objects.get().failing_since is None


def test_without_a_mailbox_nothing_is_scheduled(use: Callable[[str], None], poll: Poll) -> None:
    use("imaps://a:b@127.0.0.1:1")
    poll()
    assert JobSchedule.objects.filter(kind=JOB).exists()
    use("")
    poll()
    assert not JobSchedule.objects.filter(kind=JOB).exists()


GREETING = b"* OK ready\r\n"


@contextmanager
def misbehaving(talk: Callable[[socketserver.StreamRequestHandler], None]) -> Iterator[int]:
    """Run a server that doesn't behave; give its port."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                talk(self)
            except OSError:
                return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def silent(stream: socketserver.StreamRequestHandler) -> None:
    stream.rfile.read()


def dripping(stream: socketserver.StreamRequestHandler) -> None:
    while True:
        stream.wfile.write(b"*")
        time.sleep(0.05)


def dripping_later(stream: socketserver.StreamRequestHandler) -> None:
    stream.wfile.write(GREETING)
    stream.rfile.readline()
    dripping(stream)


def of_another_kind(stream: socketserver.StreamRequestHandler) -> None:
    stream.wfile.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def generous(stream: socketserver.StreamRequestHandler) -> None:
    stream.wfile.write(GREETING)
    tag = stream.rfile.readline().split()[0]
    stream.wfile.write(b"* 1 FETCH (BODY[] {99999999999}\r\n" + b"x" * 9_000_000 + tag)


def without_plain(stream: socketserver.StreamRequestHandler) -> None:
    """Take the command LOGIN alone, and a password with special characters, and have no mail."""
    stream.wfile.write(GREETING)
    while line := stream.rfile.readline().decode():
        tag, word, rest = (line.strip() + "  ").split(" ", 2)
        if word == "LOGIN" and rest.strip() != r'"a\"b" "c \"\\d"':
            stream.wfile.write(f"{tag} NO canary\r\n".encode())
            continue
        more = {"CAPABILITY": "* CAPABILITY IMAP4rev1\r\n", "UID": "* SEARCH\r\n"}
        stream.wfile.write(f"{more.get(word, '')}{tag} OK done\r\n".encode())


def test_the_command_login_is_used_where_there_is_no_other_way(
    use: Callable[[str], None], poll: Poll
) -> None:
    with misbehaving(without_plain) as port:
        use(f"imap+plain://a%22b:c%20%22%5Cd@127.0.0.1:{port}")
        poll()
        assert BounceMailbox.objects.get().failure == ""
        use(f"imap+plain://a:b@127.0.0.1:{port}")
        poll()
        assert BounceMailbox.objects.get().failure == "bounces-authentication"


def test_no_password_is_sent_to_a_server_without_starttls(
    use: Callable[[str], None], poll: Poll
) -> None:
    lines: list[bytes] = []

    def listening(stream: socketserver.StreamRequestHandler) -> None:
        stream.wfile.write(GREETING)
        while line := stream.rfile.readline():
            lines.append(line)
            tag, word = line.split()[:2]
            more = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" if word == b"CAPABILITY" else b""
            stream.wfile.write(more + tag + b" OK done\r\n")

    with misbehaving(listening) as port:
        use(f"imap://canary:canary@127.0.0.1:{port}")
        poll()
    assert BounceMailbox.objects.get().failure == "bounces-refused"
    assert [line.split()[1] for line in lines] == [b"CAPABILITY", b"LOGOUT"]


def garbled(stream: socketserver.StreamRequestHandler) -> None:
    """Say yes to everything, and send no number where one belongs."""
    stream.wfile.write(GREETING)
    while line := stream.rfile.readline():
        tag, word = line.split()[:2]
        more = {
            b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
            b"SELECT": b"* OK [UIDVALIDITY x]\r\n",
        }
        stream.wfile.write(more.get(word.upper(), b"") + tag + b" OK done\r\n")


MISBEHAVING = {
    silent: "bounces-timeout",
    dripping: "bounces-timeout",
    dripping_later: "bounces-timeout",
    of_another_kind: "bounces-cut-short",
    generous: "bounces-cut-short",
    garbled: "bounces-cut-short",
}


@pytest.mark.parametrize("talk", MISBEHAVING, ids=lambda talk: talk.__name__)
def test_a_server_that_misbehaves_ends_the_turn_in_time(
    talk: Callable[[socketserver.StreamRequestHandler], None],
    use: Callable[[str], None],
    poll: Poll,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("billhook.portal.notices.bounces.jobs._WAIT_SHARE", 1 / 60)
    monkeypatch.setattr("billhook.portal.notices.bounces.jobs._SHARE", 2 / 60)
    began = time.monotonic()
    with misbehaving(talk) as port:
        use(f"imap+plain://canary:canary@127.0.0.1:{port}")
        poll()
    row = BounceMailbox.objects.get()
    assert row.failure == MISBEHAVING[talk]
    assert row.read_at > timezone.now() - timedelta(seconds=30)
    assert time.monotonic() - began < 20
