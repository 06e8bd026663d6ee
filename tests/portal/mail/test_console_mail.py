"""Mail that is printed instead of sent."""

from __future__ import annotations

from django.core.mail import EmailMessage

from billhook.portal.mail.console import EmailBackend
from billhook.portal.mail.server import mail_server


def test_a_printed_mail_reads_like_a_letter(capsys):
    mail = EmailMessage("271828 is your code", "Your code is\n\n    271828\n", to=["a@b.example"])
    assert EmailBackend().send_messages([mail]) == 1
    printed = capsys.readouterr().out
    assert "Mail to a@b.example\n271828 is your code\n\nYour code is\n\n    271828\n" in printed


def test_console_mail_is_printed_by_our_own_backend():
    assert mail_server("console:").backend == f"{EmailBackend.__module__}.EmailBackend"
