"""Mail is kept until it is sent, tried again, and given up with a reason."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import connections, transaction
from django.utils import timezone

from billhook.portal.mail.background import BackgroundThreads, use_background
from billhook.portal.mail.delivery import deliver_due_mail, deliver_mail
from billhook.portal.mail.models import MailKind, MailState, OutgoingMail
from billhook.portal.mail.outbox import PostedMail, post_again, post_mail
from billhook.portal.mail.sender import MailSender
from billhook.portal.mail.services import DELAYS, KEPT, LEASE, claim_mail, delete_old_mail
from portal.cast import Cast, make_cast
from portal.smtp_server import smtp_server

CANARY = "canary@acme.example"
HELP = "help@harper.example"
SMTP = "billhook.portal.mail.smtp.LimitedSmtp"


def posted(cast: Cast, *, kind: MailKind = MailKind.INVITATION, **more: Any) -> PostedMail:
    organisation = cast.harper if kind is MailKind.INVITATION else None
    message = EmailMessage(
        "Hello", "the canary text", to=[CANARY], reply_to=["help@harper.example"]
    )
    return post_mail(
        message=message, kind=kind, user=cast.carla.user, organisation=organisation, **more
    )


def row() -> OutgoingMail:
    return OutgoingMail.objects.get()


def make_due() -> None:
    OutgoingMail.objects.update(next_attempt_at=timezone.now())


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Return a list of errors: the mail server raises the first of them as long as there is one."""
    errors: list[Exception] = []
    send = EmailBackend.send_messages

    def fail(backend: EmailBackend, messages: list[EmailMessage]) -> int:
        if errors:
            raise errors[0]
        return int(send(backend, messages))

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    return errors


def test_a_mail_is_kept_until_it_is_sent(cast: Cast, mailoutbox: list[EmailMessage]) -> None:
    posted(cast)
    assert row().state == MailState.WAITING
    deliver_due_mail()
    (mail,) = mailoutbox
    assert (mail.to, mail.reply_to) == ([CANARY], [HELP])
    assert (mail.subject, mail.body) == ("Hello", "the canary text")
    assert not OutgoingMail.objects.exists()


def test_after_a_temporary_failure_a_mail_is_retried_at_growing_intervals(
    cast: Cast, failing: list[Exception], mailoutbox: list[EmailMessage]
) -> None:
    failing.append(ConnectionRefusedError())
    posted(cast)
    for attempt, delay in enumerate((*DELAYS, DELAYS[-1]), start=1):
        make_due()
        before = timezone.now()
        deliver_due_mail()
        assert row().attempts == attempt
        assert row().next_attempt_at >= before + delay
        assert (row().state, row().failure) == (MailState.WAITING, "mail-unreachable")
        deliver_due_mail()  # not due yet
        assert row().attempts == attempt
    failing.clear()
    make_due()
    deliver_due_mail()
    assert len(mailoutbox) == 1


def test_a_mail_is_given_up_after_its_deadline(cast: Cast, failing: list[Exception]) -> None:
    failing.append(ConnectionRefusedError())
    posted(cast)
    OutgoingMail.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
    deliver_due_mail()
    assert row().has_failed
    assert row().can_be_sent_again


REFUSED = smtplib.SMTPRecipientsRefused({CANARY: (550, b"never")})
LATER = smtplib.SMTPRecipientsRefused({CANARY: (451, b"later")})


@pytest.mark.parametrize(
    ("error", "state"),
    [
        pytest.param(UnicodeError("canary"), MailState.FAILED, id="an address no mail can carry"),
        pytest.param(REFUSED, MailState.FAILED, id="a recipient who is refused"),
        pytest.param(LATER, MailState.WAITING, id="a recipient who is refused for now"),
        pytest.param(
            smtplib.SMTPAuthenticationError(535, b"no"),
            MailState.WAITING,
            id="a password that the operator can correct",
        ),
    ],
)
def test_only_a_permanent_refusal_is_given_up_immediately(
    cast: Cast, failing: list[Exception], error: Exception, state: MailState
) -> None:
    failing.append(error)
    posted(cast)
    deliver_due_mail()
    assert row().state == state


def test_a_code_that_could_not_be_sent_is_not_kept(cast: Cast, failing: list[Exception]) -> None:
    failing.append(UnicodeError())
    posted(cast, kind=MailKind.CODE, lasting=timedelta(minutes=10))
    deliver_due_mail()
    assert (row().body, row().can_be_sent_again) == ("", False)


def test_a_mail_that_failed_can_be_sent_again(
    cast: Cast, failing: list[Exception], mailoutbox: list[EmailMessage]
) -> None:
    failing.append(UnicodeError())
    posted(cast)
    deliver_due_mail()
    failing.clear()
    post_again(mail=row())
    deliver_due_mail()
    assert [mail.to for mail in mailoutbox] == [[CANARY]]
    assert not OutgoingMail.objects.exists()


def test_two_processes_never_send_the_same_mail(cast: Cast, mailoutbox: list[EmailMessage]) -> None:
    mail_id = posted(cast).mail_id
    assert claim_mail(mail_id=mail_id) is not None
    assert claim_mail(mail_id=mail_id) is None
    deliver_mail(mail_id)
    assert mailoutbox == []


def test_a_mail_that_a_process_left_behind_is_taken_over_after_its_lease(
    cast: Cast, mailoutbox: list[EmailMessage]
) -> None:
    claim_mail(mail_id=posted(cast).mail_id)
    OutgoingMail.objects.update(next_attempt_at=row().next_attempt_at - LEASE)
    deliver_due_mail()
    assert len(mailoutbox) == 1


def test_the_log_names_host_port_and_reason_and_nobody(
    cast: Cast, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    with smtp_server(RCPT=f"550 no such person {CANARY}") as server:
        settings.EMAIL_PORT = server.port
        posted(cast)
        deliver_due_mail()
    (line,) = [text for text in map(str, caplog.messages) if "mail-not-sent" in text]
    for part in ("127.0.0.1", str(server.port), "mail-recipient-refused", row().id):
        assert part in line
    assert "canary" not in caplog.text
    assert "canary" not in row().reason


def test_mail_that_failed_long_ago_is_deleted(cast: Cast, failing: list[Exception]) -> None:
    failing.append(UnicodeError())
    posted(cast)
    deliver_due_mail()
    delete_old_mail(now=timezone.now() + KEPT - timedelta(hours=1))
    assert OutgoingMail.objects.exists()
    delete_old_mail(now=timezone.now() + KEPT + timedelta(hours=1))
    assert not OutgoingMail.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_mail_is_sent_only_after_its_cause_is_committed(
    mailoutbox: list[EmailMessage],
) -> None:
    cast = make_cast()
    with transaction.atomic():
        sent = posted(cast)
        assert mailoutbox == []
    assert sent.outcome(seconds=10) is None
    assert len(mailoutbox) == 1


@pytest.mark.django_db(transaction=True)
def test_a_mail_whose_cause_is_rolled_back_is_not_sent(mailoutbox: list[EmailMessage]) -> None:
    cast = make_cast()
    with transaction.atomic():
        posted(cast)
        transaction.set_rollback(True)
    deliver_due_mail()
    assert mailoutbox == []


@pytest.mark.django_db(transaction=True)
def test_threads_send_mail_and_leave_no_connection_open(mailoutbox: list[EmailMessage]) -> None:
    use_background(BackgroundThreads(1, name="test-mail"))
    assert posted(make_cast()).outcome(seconds=30) is None
    assert len(mailoutbox) == 1


@pytest.mark.django_db(transaction=True)
async def test_the_server_sends_waiting_mail(mailoutbox: list[EmailMessage]) -> None:
    await in_thread(_leave_waiting)
    sender = MailSender(look_every=0.02)
    await sender.start()
    try:
        await in_thread(_wait_until_sent)
    finally:
        await sender.stop(seconds=60)
    assert len(mailoutbox) == 1


async def in_thread(work: Callable[[], None]) -> None:
    """Run *work* where the database may be used, and leave no connection open."""
    await sync_to_async(work)()
    await sync_to_async(connections.close_all)()


def _leave_waiting() -> None:
    with transaction.atomic():
        posted(make_cast())
        transaction.get_connection().run_on_commit.clear()  # as after a crash


def _wait_until_sent() -> None:
    for _ in range(1000):
        if not OutgoingMail.objects.exists():
            return
        time.sleep(0.02)
    pytest.fail("the mail was not sent")
