"""Mail goes out in the background, and what hinders it stands in the log."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend

from billhook.portal.mail.outbox import post, settle


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionRefusedError("canary@example.com"), id="no-server"),
        pytest.param(UnicodeError("canary@example.com"), id="an-address-that-can-not-be-sent"),
        pytest.param(ValueError("canary@example.com"), id="a-line-break-in-a-header"),
    ],
)
def test_whatever_hinders_a_mail_is_logged_without_its_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(_backend: EmailBackend, _messages: list[EmailMessage]) -> int:
        raise error

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    post(EmailMessage("Hello", "text", to=["canary@example.com"]))
    settle()

    (record,) = caplog.records
    assert type(error).__name__ in record.getMessage()
    assert "mail_failed" in record.getMessage()
    assert "canary" not in caplog.text
