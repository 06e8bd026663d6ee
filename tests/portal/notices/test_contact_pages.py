"""A contact chooses under My settings which mail comes, or stops it with the link in each mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billhook.portal.accounts.models import User
from billhook.portal.notices.languages import Writer, language, language_choices
from billhook.portal.notices.models import NoticeChoice, NoticeRules
from portal.cast import Cast, invoice
from portal.notices.mail_catcher import MailCatcher

pytestmark = pytest.mark.django_db

TurnOn = Callable[..., NoticeRules]
Look = Callable[[], None]
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content


def mail_about(cast: Cast, look: Look, catcher: MailCatcher, number: str) -> EmailMessage:
    invoice(cast.acme, number, issued_on=timezone.now().date())
    look()
    return catcher.mails[-1]


def stop_path(mail: EmailMessage) -> str:
    found = re.fullmatch(r"<https?://[^/]+(/stop-notices/\S+)>", str(mail["List-Unsubscribe"]))
    assert found is not None
    return found[1]


def frequency_of(cast: Cast) -> str:
    return NoticeChoice.objects.get(user=cast.carla.user, organisation=cast.harper).frequency


def test_a_mail_has_the_headers_of_rfc_8058_and_two_plain_parts(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    cast.harper.support_email = "help@harper.example"
    cast.harper.save()
    turn_on(sends_new=True)
    mail = mail_about(cast, look, catcher, "N-1")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (mail["From"], mail["Reply-To"]) == (
        "Harper IT <billhook@localhost>",
        "help@harper.example",
    )
    assert str(mail["Message-ID"]).startswith("<notices.")
    for kind in ("plain", "html"):
        text = text_of(mail, kind)
        assert "N-1" in text
        assert stop_path(mail) in text
        assert "because you can see invoices of Acme from Harper IT" in text


def test_the_link_is_on_one_line_and_no_line_is_too_long(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    cast.harper.name = "Ü€" * 100
    cast.harper.save()
    turn_on(sends_new=True)
    mail_about(cast, look, catcher, "N-1")
    assert b"\r\nList-Unsubscribe: <http" in catcher.raw[0]
    assert max(map(len, catcher.raw[0].splitlines())) <= 998


def test_one_click_stops_the_mail_without_signing_in(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    turn_on(sends_new=True)
    path = stop_path(mail_about(cast, look, catcher, "N-1"))
    program = Client(enforce_csrf_checks=True)
    for method in (program.get, program.head):
        assert method(path).status_code == 200
    assert not NoticeChoice.objects.exists()  # a mail filter that opens links changes nothing
    assert program.post(path, ONE_CLICK).status_code == 200
    assert frequency_of(cast) == "off"
    invoice(cast.acme, "N-2", issued_on=timezone.now().date())
    look()
    assert len(catcher.mails) == 1


def test_the_link_reveals_nobody_and_no_other_link_works(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    turn_on(sends_new=True)
    path = stop_path(mail_about(cast, look, catcher, "N-1"))
    stranger = Client()
    pages = [stranger.get(path).content, stranger.post(path).content]
    assert not any(b"carla" in page for page in pages)
    User.objects.filter(id=cast.carla.user_id).delete()
    assert [stranger.get(path).content, stranger.post(path).content] == pages
    for wrong in (path[:-1], path.replace(cast.carla.user_id, cast.carl.user_id), path + "x"):
        assert stranger.post(wrong).status_code == 404
    assert not NoticeChoice.objects.exists()


def test_a_contact_chooses_under_my_settings(
    cast: Cast,
    turn_on: TurnOn,
    look: Look,
    catcher: MailCatcher,
    sign_in: Callable[..., Client],
) -> None:
    carla = sign_in(cast.carla)
    assert b"Mail about invoices" not in carla.get("/settings").content  # none is sent yet
    turn_on(sends_new=True)
    assert b"Mail about invoices" in carla.get("/settings").content
    wanted = {"organisation": cast.harper.id, "frequency": "at-once", "language": "de"}
    page = carla.post("/settings/notices", wanted, follow=True).content.decode()
    assert "Saved." in page
    assert re.search('value="de"[^>]* selected', page)
    mail = mail_about(cast, look, catcher, "N-1")
    assert mail["Subject"] == "Rechnung N-1 von Harper IT"
    assert "1.240,00\xa0€" in text_of(mail)


@pytest.mark.parametrize("change", [{"organisation": "x"}, {"frequency": "x"}, {"language": "x"}])
def test_a_choice_that_does_not_exist_changes_nothing(
    cast: Cast, turn_on: TurnOn, sign_in: Callable[..., Client], change: dict[str, str]
) -> None:
    turn_on(sends_new=True)
    wanted = {"organisation": cast.harper.id, "frequency": "off", "language": ""} | change
    page = sign_in(cast.carla).post("/settings/notices", wanted, follow=True).content
    assert b"doesn&#x27;t exist" in page
    assert not NoticeChoice.objects.exists()


def test_nobody_chooses_for_an_organisation_that_is_not_theirs(
    cast: Cast, turn_on: TurnOn, sign_in: Callable[..., Client]
) -> None:
    turn_on(sends_new=True)
    wanted = {"organisation": cast.harper.id, "frequency": "off", "language": ""}
    sign_in(cast.cleo).post("/settings/notices", wanted)
    assert not NoticeChoice.objects.exists()


@pytest.mark.parametrize("code", [code for code, _ in language_choices()])
def test_every_language_has_the_same_words_and_texts(code: str) -> None:
    ours, english = language(code), language("en")
    assert ours.words.keys() == english.words.keys()
    assert ours.texts.keys() == english.texts.keys()
    assert "{organisation}" in ours.words["reason"]


@pytest.mark.parametrize(
    ("code", "locale", "day", "money"),
    [
        ("en", "", "1 March 2026", "€1,240.50"),
        ("en", "en-US", "March 1, 2026", "€1,240.50"),
        ("de", "de-AT", "1. März 2026", "€\xa01.240,50"),
        ("fr", "de-AT", "1 mars 2026", "1\u202f240,50\xa0€"),
        ("es", "no such", "1 de marzo de 2026", "1.240,50\xa0€"),
    ],
)
def test_dates_and_amounts_are_written_as_the_reader_does(
    code: str, locale: str, day: str, money: str
) -> None:
    writer = Writer.of(code, locale)
    assert writer.day(date(2026, 3, 1)) == day
    assert writer.money(Decimal("1240.5"), "EUR") == money


def test_a_name_can_neither_add_a_header_nor_a_tag(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    cast.harper.name = "Evil\r\nBcc: x@y.example <b>{{InvoiceNumber}}</b>"
    cast.harper.save()
    turn_on(sends_new=True)
    mail = mail_about(cast, look, catcher, "N-1")
    assert mail["Bcc"] is None
    assert "<b>" not in text_of(mail, "html")
    assert "{{InvoiceNumber}}" in text_of(mail, "html")  # a value is never filled again


def test_the_form_of_an_organisation_says_what_is_wrong(
    cast: Cast, sign_in: Callable[..., Client]
) -> None:
    bob, page = sign_in(cast.bob), f"/backoffice/{cast.harper.id}/notices"
    values: dict[str, Any] = {
        "sends_new": "on",
        "days_before": "-1",
        "days_after": "0",
        "counts_from": "yesterday",
        "usual": "at-once",
        "digest_hour": "25",
        "time_zone": "Mars/Base",
        "language": "en",
    }
    refused = bob.post(page, values).content.decode()
    assert refused.count('class="error"') == 5
    assert not NoticeRules.objects.exists()
    good = {"days_before": "3", "days_after": "1", "counts_from": "", "digest_hour": "9"}
    assert bob.post(page, values | good | {"time_zone": "Europe/Berlin"}).status_code == 302
    rules = NoticeRules.objects.get()
    assert (rules.sends_new, rules.digest_hour, rules.time_zone) == (True, 9, "Europe/Berlin")
    assert rules.counts_from is not None
    assert sign_in(cast.vera).post(page, values).status_code == 403
