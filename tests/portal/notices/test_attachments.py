"""The document comes with the mail where the organisation wants it, and a link where it can't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.conf import settings
from django.utils import timezone

from billhook.engine.errors import BillhookError, SourceTimeout
from billhook.portal.installation import environment
from billhook.portal.jobs.turn import TURN_SHARE
from billhook.portal.notices.enclosure import FETCH_SHARE
from billhook.portal.notices.mailer import MAIL_SHARE
from billhook.portal.notices.models import NoticeMailing, NoticeRules
from billhook.portal.runs.models import Run
from portal.cast import Cast, invoice
from portal.integration_cast import PDF, Source
from portal.notices.mail_catcher import MailCatcher

pytestmark = pytest.mark.django_db

TurnOn = Callable[..., NoticeRules]
Look = Callable[[], None]


def enclosure() -> str:
    return NoticeMailing.objects.get().enclosure


def test_the_document_is_attached_as_view_shows_it(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher, source: Source
) -> None:
    turn_on(sends_new=True, attaches=True)
    row = invoice(cast.acme, "N-1", issued_on=timezone.now().date())
    look()
    (mail,) = catcher.mails
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "N-1.pdf"
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content() == PDF
    assert "The invoice is attached." in catcher.raw[0].decode()
    run = Run.objects.get()
    assert (run.kind, run.invoice, run.user, run.outcome) == ("mail", row, cast.carla.user, "ok")
    assert enclosure() == "attached"


@pytest.mark.parametrize(
    ("answer", "most", "result"),
    [
        ((404, b"no"), 5_000_000, "failed"),
        (SourceTimeout("whole"), 5_000_000, "failed"),
        ((200, PDF), 100, "too-large"),
    ],
    ids=["missing", "slow", "too-large"],
)
def test_a_document_that_cannot_come_is_linked(  # noqa: PLR0917 - fixtures and a case
    cast: Cast,
    turn_on: TurnOn,
    look: Look,
    catcher: MailCatcher,
    source: Source,
    monkeypatch: pytest.MonkeyPatch,
    answer: BillhookError | tuple[int, bytes],
    most: int,
    result: str,
) -> None:
    source.answer = answer
    changed = replace(environment.current(), notice_attachment_bytes=most)
    monkeypatch.setattr(environment, "current", lambda: changed)
    turn_on(sends_new=True, attaches=True)
    row = invoice(cast.acme, "N-1", issued_on=timezone.now().date())
    look()
    (mail,) = catcher.mails
    assert list(mail.iter_attachments()) == []
    text = catcher.raw[0].decode()
    assert "couldn't be attached" in text.replace("=\r\n", "").replace("=27", "'")
    assert f"/invoices/{row.id}" in text
    assert enclosure() == result


def test_a_list_of_invoices_has_only_links(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher, source: Source
) -> None:
    turn_on(sends_new=True, attaches=True)
    for number in range(6):
        invoice(cast.acme, f"N-{number}", issued_on=timezone.now().date())
    look()
    assert [list(mail.iter_attachments()) for mail in catcher.mails] == [[]]
    assert source.requests == []


def test_the_slowest_mail_at_the_end_of_a_turn_is_within_the_limit_of_the_engine() -> None:
    lease = environment.current().job_lease_seconds
    asked, connected_again, sent, closed = MAIL_SHARE, MAIL_SHARE, MAIL_SHARE, 1 / lease
    mail = FETCH_SHARE + closed + asked + connected_again + sent
    assert TURN_SHARE + mail < settings.Q_CLUSTER["timeout"] / lease
