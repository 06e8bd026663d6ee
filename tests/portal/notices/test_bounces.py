"""A notice that comes back is shown so, and nobody can make one up."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from structlog.testing import capture_logs

from billhook.portal.installation import environment
from billhook.portal.invoices.models import Invoice
from billhook.portal.mail.returned import MOST_BYTES
from billhook.portal.notices.bounces.bounce import TakenBounce, take_message
from billhook.portal.notices.bounces.mark import MARK_LENGTH, find_mark, mark_of
from billhook.portal.notices.models import MailingState, NoticeMailing
from billhook.portal.notices.services import record_sent
from portal.cast import Cast
from portal.notices.mail_catcher import MailCatcher
from portal.notices.returned_mail import SAMPLES, sample

pytestmark = pytest.mark.django_db

CARLA = "carla@acme.example"
Look = Callable[[], None]


def state(mailing: NoticeMailing) -> str:
    return NoticeMailing.objects.get(id=mailing.id).state


FAILURES = {
    "postfix-no-such-user": ("5.1.1", "the address doesn't exist"),
    "exchange-online": ("5.1.10", "the address doesn't exist"),
    "gmail-full": ("5.2.2", "the mailbox is full"),
    "sendmail-rfc822-headers": ("5.7.1", "SPF, DKIM and DMARC"),
    "opensmtpd": ("5.0.0", "refused it"),
    "postfix-expired": ("4.4.1", "couldn't be reached"),
    "exim": ("5.1.1", "the address doesn't exist"),
    "qmail": ("5.1.1", "the address doesn't exist"),
    "envelope-address-alone": ("5.1.2", "the address doesn't exist"),
    "another-message-id": ("5.1.1", "the address doesn't exist"),
}
IGNORED = {
    "postfix-delayed": TakenBounce.DELAYED,
    "postfix-delivered": TakenBounce.NO_REPORT,
    "out-of-office-outlook": TakenBounce.AUTOMATIC_REPLY,
    "out-of-office-sieve": TakenBounce.AUTOMATIC_REPLY,
    "answer-by-a-person": TakenBounce.NO_REPORT,
    "read-receipt": TakenBounce.NO_REPORT,
    "qmail-of-somebody-else": TakenBounce.NO_REPORT,
}


def test_each_sample_is_tested() -> None:
    assert {path.stem for path in SAMPLES.iterdir()} == FAILURES.keys() | IGNORED.keys()


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_noted_with_its_reason(mailing: NoticeMailing, name: str, end: str) -> None:
    status, says = FAILURES[name]
    content = sample(name, mailing).replace(b"\n", end.encode())
    assert take_message(content) is TakenBounce.BOUNCED
    mailing.refresh_from_db()
    assert (mailing.state, mailing.failure) == (MailingState.BOUNCED, "mail-bounced")
    assert mailing.reason.startswith(f"The mail came back ({status}): ")
    assert says in mailing.reason
    assert CARLA not in mailing.reason


@pytest.mark.parametrize("name", IGNORED)
def test_a_delay_and_a_reply_are_no_failure(mailing: NoticeMailing, name: str) -> None:
    with capture_logs() as lines:
        assert take_message(sample(name, mailing)) is IGNORED[name]
    assert state(mailing) == "sent"
    (line,) = [line for line in lines if line["event"] == "bounce-ignored"]
    assert line["reason"] == IGNORED[name].value


def test_a_made_up_bounce_changes_nothing_and_is_logged(mailing: NoticeMailing) -> None:
    fake = f"{mailing.id}.{'0' * 20}"
    with capture_logs() as lines:
        taken = take_message(sample("postfix-no-such-user", mailing, mark=fake))
    assert (taken, state(mailing)) == (TakenBounce.FORGED, "sent")
    assert lines == [{"event": "bounce-ignored", "reason": "forged", "log_level": "info"}]


def test_a_signature_is_for_one_mail_alone(mailing: NoticeMailing) -> None:
    other = NoticeMailing.objects.create(
        organisation=mailing.organisation, user=mailing.user, due_at=mailing.due_at, to=CARLA
    )
    _, _, signature = mark_of(other.id).partition(".")
    mark = f"{mailing.id}.{signature}"
    assert take_message(sample("qmail", mailing, mark=mark)) is TakenBounce.FORGED


def test_a_mark_survives_other_case_and_is_found_after_false_ones(mailing: NoticeMailing) -> None:
    mark = mark_of(mailing.id)
    assert len(mark) == MARK_LENGTH
    fakes = f"{mailing.id}.{'1' * 20} x{mark} {mark}y {mark.upper()}"
    found = find_mark(fakes.encode())
    assert found is not None
    assert (found.mailing_id, found.is_genuine) == (mailing.id, True)


def test_returned_headers_may_be_encoded(mailing: NoticeMailing) -> None:
    content = sample("sendmail-rfc822-headers", mailing)
    head, _, rest = content.partition(b"Content-Type: message/rfc822-headers\n\n")
    returned, _, tail = rest.partition(b"\n\n")
    encoded = b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
    encoded += base64.encodebytes(returned)
    assert take_message(head + encoded + b"\n" + tail) is TakenBounce.BOUNCED


def test_mail_about_something_else_changes_nothing(mailing: NoticeMailing) -> None:
    assert take_message(b"From: a@acme.example\nSubject: lunch\n\nAt one?\n") is TakenBounce.NO_MARK
    assert take_message(b"") is TakenBounce.NO_MARK
    assert take_message(bytes(range(256)) * 99) is TakenBounce.NO_MARK
    assert state(mailing) == "sent"


def test_a_second_bounce_and_one_of_a_deleted_mail_are_ignored(mailing: NoticeMailing) -> None:
    content = sample("qmail", mailing)
    assert [take_message(content) for _ in range(2)] == [TakenBounce.BOUNCED, TakenBounce.KNOWN]
    mailing.delete()
    assert take_message(content) is TakenBounce.FORGOTTEN


def test_a_bounce_may_be_faster_than_the_note_that_the_mail_was_sent(
    mailing: NoticeMailing,
) -> None:
    NoticeMailing.objects.update(state=MailingState.SENDING, sent_at=None)
    assert take_message(sample("qmail", mailing)) is TakenBounce.BOUNCED
    record_sent(mailing=mailing)
    assert state(mailing) == "bounced"


def nested(depth: int) -> bytes:
    """Return a multipart message within a multipart message, and so on."""
    heads = (
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)
    )
    return b"".join(heads)


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "a report that is cut short": lambda mark: (
        b"Content-Type: multipart/report; boundary=b\n\n" + mark + b"\n\n--b\n"
        b"Content-Type: message/delivery-status\n\nAction: fail"
    ),
    "a report without anything": lambda mark: (
        b"Content-Type: message/delivery-status\n\n" + mark + b"\n"
    ),
    "deeply nested": lambda mark: mark + b"\n" + nested(5000),
    "no known encoding": lambda mark: (
        b"Content-Type: text/plain; charset=x\nContent-Transfer-Encoding: base64\nFrom: \xff\xfe\n"
        b"X-Failed-Recipients: \xff\n\n" + mark + b"\xff="
    ),
    "an endless year": lambda mark: b"y\nDate: 1 Nov %s 0:0:0 +0000\n\n" % (b"9" * 30) + mark,
    "one long line": lambda mark: b"Subject: " + mark + b" " + b"<5.1." * 60_000,
    "many reports": lambda mark: (
        mark + b"\nContent-Type: multipart/report; boundary=b\n\n"
        b"" + b"--b\nContent-Type: message/delivery-status\n\n:\n\n" * 5_000
    ),
    "many fakes": lambda _: b" ".join(b"%012x.%020x" % (n, n) for n in range(7_000)),
    "endless boundaries": lambda mark: (
        mark + b"\n" + nested(200) + b"".join(b"--b%d\n\n" % (n % 200) for n in range(20_000))
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_message_that_is_broken_on_purpose_costs_little(
    mailing: NoticeMailing, name: str
) -> None:
    content = b"X: " + BROKEN[name](mark_of(mailing.id).encode())
    began = time.process_time()
    assert take_message(content) is not TakenBounce.BOUNCED
    assert time.process_time() - began < 10
    assert state(mailing) == "sent"


def test_only_the_beginning_of_a_large_message_is_read(mailing: NoticeMailing) -> None:
    content = sample("exim", mailing)
    assert take_message(b"X: y\n" * MOST_BYTES + content) is TakenBounce.NO_MARK
    assert take_message(content + b"attachment\n" * MOST_BYTES) is TakenBounce.BOUNCED


def test_a_bounce_is_shown_where_a_refusal_is(
    cast: Cast, mailing: NoticeMailing, sign_in: Callable[..., Client]
) -> None:
    take_message(sample("postfix-no-such-user", mailing))
    browser = sign_in(cast.alice)
    row = Invoice.objects.get(number="N-1")
    organisation = cast.harper.id
    pages = (
        reverse("backoffice:invoice", args=[organisation, row.id]),
        reverse("backoffice:customer", args=[organisation, cast.acme.id]),
        reverse("backoffice:notices", args=[organisation]),
    )
    for path in pages:
        content = browser.get(path).content.decode()
        assert "The mail came back (5.1.1): the address doesn&#x27;t exist" in content, path
    contact = browser.get(pages[1]).content.decode()
    assert "Last mail about an invoice came back" in contact


def test_a_mail_that_came_back_can_be_sent_again(
    cast: Cast,
    mailing: NoticeMailing,
    look: Look,
    catcher: MailCatcher,
    sign_in: Callable[..., Client],
) -> None:
    take_message(sample("gmail-full", mailing))
    again = reverse("backoffice:notice-again", args=[cast.harper.id, mailing.id])
    sign_in(cast.alice).post(again)
    assert take_message(sample("gmail-full", mailing)) is TakenBounce.KNOWN  # it waits to be sent
    look()
    assert (state(mailing), len(catcher.mails)) == ("sent", 2)


def test_a_bounce_from_before_it_was_sent_again_is_ignored(mailing: NoticeMailing) -> None:
    for name in ("qmail", "gmail-full"):
        before = sample(name, mailing, ago=timedelta(hours=2))
        assert take_message(before) is TakenBounce.KNOWN
    undated = sample("qmail", mailing).replace(b"\nDate: ", b"\nX-Date: ")
    assert take_message(undated) is TakenBounce.BOUNCED


@pytest.fixture
def bounce_address(request: pytest.FixtureRequest) -> Any:
    environment.put("BILLHOOK_BOUNCE_ADDRESS", request.param)
    yield request.param
    environment.put("BILLHOOK_BOUNCE_ADDRESS", "")


@pytest.mark.parametrize(
    "bounce_address", ["bounces+*@harper.example", "bounces@harper.example"], indirect=True
)
def test_bounces_go_to_the_address_that_the_operator_names(
    bounce_address: str, mailing: NoticeMailing, catcher: MailCatcher
) -> None:
    (mail,) = catcher.mails
    assert catcher.senders == [bounce_address.replace("*", mark_of(mailing.id))]
    assert mail["From"] == "Harper IT <billhook@localhost>"
    assert mark_of(mailing.id) in mail["Message-ID"]


def test_without_such_an_address_bounces_go_to_the_sender(
    mailing: NoticeMailing, catcher: MailCatcher
) -> None:
    assert (catcher.senders, state(mailing)) == (["billhook@localhost"], "sent")
