"""A conversation with a mail server ends in time, however slowly that talks."""

from __future__ import annotations

import socket  # noqa: TID251 - for a mail server that drips
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from billhook.portal.mail import smtp
from billhook.portal.mail.check import send_test_mail
from billhook.portal.mail.failure import MailFailed
from engine.certificates import Authority
from portal.smtp_server import smtp_server


@pytest.fixture(autouse=True)
def short_patience(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EMAIL_BACKEND = "billhook.portal.mail.smtp.LimitedSmtp"
    settings.EMAIL_HOST, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = (
        "127.0.0.1",
        "",
        "",
    )
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_TIMEOUT = 20
    monkeypatch.setattr(smtp, "CONVERSATION_SECONDS", 0.5)


@pytest.fixture(params=[b"2", b"220 ready\r\n"], ids=["its-first-line", "its-later-lines"])
def dripping(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a mail server that sends a beginning, and then a character now and then."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        left = threading.Event()

        def drip() -> None:
            caller, _ = listening.accept()
            with caller:
                caller.sendall(request.param)
                try:
                    while not left.wait(0.05):
                        caller.sendall(b"2")
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        yield listening.getsockname()[1]
        left.set()


def test_a_server_that_drips_is_given_up(settings: Any, dripping: int) -> None:
    settings.EMAIL_PORT = dripping
    began = time.monotonic()
    with pytest.raises(MailFailed) as failed:
        send_test_mail(to="carl@bolt.example")
    assert time.monotonic() - began < 5
    assert failed.value.failure.code == "mail-timeout"


def test_a_server_that_responds_gets_the_mail(settings: Any) -> None:
    with smtp_server() as server:
        settings.EMAIL_PORT = server.port
        send_test_mail(to="carl@bolt.example")
    assert len(server.mails) == 1


def test_a_certificate_of_an_authority_of_ones_own_is_trusted(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # its certificate has none of the extensions that Python 3.13 would ask for
    authority = Authority()
    path = tmp_path / "authority.pem"
    path.write_text(authority.pem)
    with smtp_server(authority.server_context(tmp_path)) as server:
        settings.EMAIL_PORT, settings.EMAIL_USE_SSL = server.port, True
        with pytest.raises(MailFailed) as failed:
            send_test_mail(to="carl@bolt.example")
        assert failed.value.failure.code == "mail-certificate"

        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        send_test_mail(to="carl@bolt.example")
    assert len(server.mails) == 1
