"""A test mail arrives, or the operator reads why it didn't and what to do."""

from __future__ import annotations

import socket  # noqa: TID251 - for a port that nobody listens on
from typing import Any

import pytest

from billhook.portal.mail.check import check_mail_server, is_mail_sent, send_test_mail
from billhook.portal.mail.failure import MailFailed
from portal.smtp_server import SmtpServer, smtp_server

TO = "canary@nowhere.example"


@pytest.fixture(autouse=True)
def smtp(settings: Any) -> None:
    """Send mail as in production, without TLS, to loopback."""
    settings.EMAIL_BACKEND = "billhook.portal.mail.smtp.LimitedSmtp"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "", ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_TIMEOUT = 5


def failing(settings: Any, server: SmtpServer) -> MailFailed:
    settings.EMAIL_PORT = server.port
    with pytest.raises(MailFailed) as failed:
        send_test_mail(to=TO)
    return failed.value


def test_a_test_mail_arrives_and_names_its_portal(settings: Any) -> None:
    with smtp_server() as server:
        settings.EMAIL_PORT = server.port
        send_test_mail(to=TO)
    (mail,) = server.mails
    assert f"To: {TO}" in mail
    assert settings.PUBLIC_URL in mail


REFUSALS = {
    "sender": ({"MAIL": "553 not yours"}, "mail-sender-refused", "BILLHOOK_EMAIL_FROM"),
    "recipient": ({"RCPT": "550 canary"}, "mail-recipient-refused", "(550)"),
    "content": ({"DATA": "554 spam"}, "mail-refused", "(554)"),
    "connection": ({"CONNECT": "554 go away"}, "mail-refused", "(554)"),
    "greylisting": ({"RCPT": "450 later"}, "mail-recipient-refused", "Try again in a few minutes"),
    "another server": ({"CONNECT": "HTTP/1.1 400 Bad Request"}, "mail-no-server", "host and port"),
    "silence": ({"CONNECT": ""}, "mail-cut-short", "port"),
}


@pytest.mark.parametrize(("replies", "code", "says"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_explains_what_was_refused_and_what_to_do(
    settings: Any, replies: dict[str, str], code: str, says: str
) -> None:
    with smtp_server(**replies) as server:
        failure = failing(settings, server).failure
    assert failure.code == code
    assert says in failure.message
    assert f"127.0.0.1:{server.port}" in failure.message


def test_a_wrong_password_is_named_without_repeating_it(settings: Any) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "billhook", "canary"
    with smtp_server(AUTH="535 no") as server:
        failure = failing(settings, server).failure
    assert failure.code == "mail-authentication"
    assert "canary" not in failure.message


def test_a_server_without_starttls_is_named(settings: Any) -> None:
    settings.EMAIL_USE_TLS = True
    with smtp_server() as server:
        failure = failing(settings, server).failure
    assert failure.code == "mail-not-supported"
    assert "smtps://" in failure.message


def test_a_plain_server_where_tls_was_expected_is_named(settings: Any) -> None:
    settings.EMAIL_USE_SSL = True
    with smtp_server() as server:
        assert failing(settings, server).failure.code == "mail-tls"


def test_a_temporary_refusal_may_be_tried_again(settings: Any) -> None:
    with smtp_server(RCPT="451 later") as server:
        assert failing(settings, server).failure.is_passing
    with smtp_server(RCPT="550 never") as server:
        assert not failing(settings, server).failure.is_passing


def test_a_port_that_nobody_listens_on_is_unreachable(settings: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = free.getsockname()[1]
        with pytest.raises(MailFailed) as failed:
            send_test_mail(to=TO)
    assert failed.value.failure.code == "mail-unreachable"


def test_a_name_that_does_not_exist_is_named(settings: Any) -> None:
    settings.EMAIL_HOST = "mail.invalid"
    with pytest.raises(MailFailed) as failed:
        check_mail_server()
    assert failed.value.failure.code == "mail-host-unknown"


def test_an_address_that_no_mail_can_carry_is_refused(settings: Any) -> None:
    with smtp_server() as server:
        settings.EMAIL_PORT = server.port
        with pytest.raises(MailFailed) as failed:
            send_test_mail(to="canary@nowhere.example\nBcc: more@nowhere.example")
    assert failed.value.failure.code == "mail-invalid"
    assert "canary" not in failed.value.failure.message


def test_a_check_authenticates_and_sends_nothing(settings: Any) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "billhook", "secret"
    with smtp_server(AUTH="235 welcome") as server:
        settings.EMAIL_PORT = server.port
        check_mail_server()
    assert "AUTH" in server.commands
    assert not {"MAIL", "RCPT", "DATA"} & set(server.commands)


def test_printed_mail_is_not_reported_as_sent(settings: Any) -> None:
    assert is_mail_sent()
    settings.EMAIL_BACKEND = "billhook.portal.mail.console.EmailBackend"
    assert not is_mail_sent()


def test_a_server_that_never_responds_is_reported_as_a_timeout(settings: Any) -> None:
    settings.EMAIL_TIMEOUT = 0.2
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_PORT = silent.getsockname()[1]
        with pytest.raises(MailFailed) as failed:
            send_test_mail(to=TO)
    assert failed.value.failure.code == "mail-timeout"
