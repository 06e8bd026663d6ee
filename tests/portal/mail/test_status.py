"""A failing mail server is known before somebody waits for a mail."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from billhook.portal.mail.failure import _NO_MAIL_SERVER, _REASONS
from billhook.portal.mail.models import MailCheck
from billhook.portal.mail.status import Mail, check_mail_if_due, check_mail_soon, mail_status
from portal.smtp_server import smtp_server

DOCS = Path(__file__).parents[3] / "docs" / "mail.md"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def smtp(settings: Any) -> None:
    settings.EMAIL_BACKEND = "billhook.portal.mail.smtp.LimitedSmtp"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 5
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False


def checked() -> Mail:
    check_mail_soon()
    check_mail_if_due()
    return mail_status().state


def test_mail_is_assumed_to_work_until_a_check_fails() -> None:
    assert mail_status().works


def test_a_check_finds_a_server_that_works(settings: Any) -> None:
    with smtp_server() as server:
        settings.EMAIL_PORT = server.port
        assert checked() is Mail.WORKS
    assert server.mails == []


def test_a_check_finds_a_server_that_goes_away_and_comes_back(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert checked() is Mail.FAILS
    first = mail_status()
    assert "127.0.0.1:1" in first.reason
    assert checked() is Mail.FAILS
    assert mail_status().since == first.since  # since the first failure
    with smtp_server() as server:
        settings.EMAIL_PORT = server.port
        assert checked() is Mail.WORKS
    logged = "\n".join(map(str, caplog.messages))
    assert logged.count("mail-server-fails") == 1
    assert logged.count("mail-server-works") == 1


def test_a_server_that_fails_is_checked_again_sooner(settings: Any) -> None:
    checked()
    sooner = MailCheck.objects.get().next_check_at - timezone.now()
    with smtp_server() as server:
        settings.EMAIL_PORT = server.port
        checked()
    later = MailCheck.objects.get().next_check_at - timezone.now()
    assert timedelta(0) < sooner < later


def test_a_check_happens_when_it_is_due_and_in_one_process(settings: Any) -> None:
    with smtp_server() as server:
        settings.EMAIL_PORT = server.port
        check_mail_if_due()  # never planned
        check_mail_soon()
        check_mail_if_due()
        check_mail_if_due()
    assert server.commands.count("QUIT") == 1


def test_printed_mail_is_never_checked(settings: Any) -> None:
    settings.EMAIL_BACKEND = "billhook.portal.mail.console.EmailBackend"
    assert checked() is Mail.PRINTED
    assert not MailCheck.objects.exists()


@pytest.mark.parametrize("reason", [*_REASONS, _NO_MAIL_SERVER], ids=lambda reason: reason.code)
def test_each_reason_is_documented(reason: Any) -> None:
    assert f"| `{reason.code}` |" in DOCS.read_text(encoding="utf-8")
