"""Contacts hear about an invoice once: when it is new, due soon and overdue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billhook.portal.customers.services import invite_contact, remove_contact
from billhook.portal.imports.models import FileImport, ImportState
from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.notices.models import (
    Frequency,
    MailingState,
    Notice,
    NoticeMailing,
    NoticeRules,
)
from billhook.portal.notices.services import (
    choose,
    claim_mailing,
    forget_old_mailings,
    send_again,
    stop_notices,
)
from billhook.portal.sync.models import SyncRun, SyncSource, SyncState
from portal.cast import Cast, invoice
from portal.notices.mail_catcher import MailCatcher

pytestmark = pytest.mark.django_db

CARLA, CARL = "carla@acme.example", "carl@bolt.example"
TurnOn = Callable[..., NoticeRules]
Look = Callable[[], None]
NEW = {"sends_new": True}


def today() -> Any:
    return timezone.now().date()


def new_invoice(cast: Cast, number: str = "N-1", **more: Any) -> Invoice:
    return invoice(cast.acme, number, issued_on=more.pop("issued_on", today()), **more)


def states() -> set[str]:
    return set(NoticeMailing.objects.values_list("state", flat=True))


def test_nobody_gets_mail_until_a_member_turns_it_on(
    cast: Cast, look: Look, catcher: MailCatcher
) -> None:
    new_invoice(cast)
    look()
    assert (catcher.mails, Notice.objects.count()) == ([], 0)


def test_a_new_invoice_is_announced_once_to_each_contact(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    turn_on(**NEW)
    invite_contact(customer=cast.acme, email="second@acme.example")
    row = new_invoice(cast)
    for _ in range(3):
        look()
        row.save()  # as a sync that changes it does
    subject = "Invoice N-1 from Harper IT"
    assert catcher.seen == {(CARLA, subject): 1, ("second@acme.example", subject): 1}
    assert states() == {"sent"}


def test_invoices_from_before_are_no_news(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    before = new_invoice(cast, "N-0")
    turn_on()
    Invoice.objects.filter(id=before.id).update(created_at=timezone.now() - timedelta(minutes=5))
    before.refresh_from_db()
    before.save()
    new_invoice(cast, "OLD", issued_on=today() - timedelta(days=1), due_in=2)  # dated before
    look()
    assert not catcher.mails


def test_drafts_and_credit_notes_are_no_news_and_a_draft_that_is_opened_is(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    turn_on(**NEW)
    draft = new_invoice(cast, "N-1", status=Status.DRAFT)
    new_invoice(cast, "CN-1", amount="-5.00", open_amount="-5.00")
    new_invoice(cast, "V-1", status=Status.VOID)
    look()
    assert not catcher.mails
    draft.status = Status.OPEN
    draft.save()
    look()
    assert [mail["Subject"] for mail in catcher.mails] == ["Invoice N-1 from Harper IT"]


def test_due_dates_are_announced_once_and_only_while_something_is_open(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    turn_on(sends_due_soon=True, sends_overdue=True, counts_from=today() - timedelta(days=100))
    soon = new_invoice(cast, "D-1", due_in=3)
    new_invoice(cast, "D-2", due_in=4)
    new_invoice(cast, "P-1", due_in=3, status=Status.PAID)
    for _ in range(2):
        look()
        NoticeRules.objects.update(days_at=None)
    due = f"{soon.due_on.day} {soon.due_on:%B %Y}"
    assert catcher.seen == {
        (CARLA, f"Invoice D-1 is due on {due}"): 1,
        (CARLA, "Invoice INV-2 is overdue"): 1,  # the cast's, three days late
    }


def test_what_was_paid_meanwhile_is_not_sent(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    catcher.refused.add(CARLA)
    turn_on(sends_due_soon=True)
    row = new_invoice(cast, "D-1", due_in=3)
    look()
    mailing = NoticeMailing.objects.get()
    catcher.refused.clear()
    Invoice.objects.filter(id=row.id).update(status=Status.PAID, open_amount=0)
    assert send_again(mailing=mailing)
    look()
    assert (catcher.mails, states()) == ([], {"dropped"})


def test_who_is_no_contact_any_more_gets_nothing(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    turn_on(**NEW)
    choose(user=cast.carla.user, organisation=cast.harper, frequency=Frequency.DAILY, language="")
    new_invoice(cast)
    look()
    remove_contact(contact=cast.carla)
    Notice.objects.update(created_at=timezone.now() - timedelta(days=1))
    look()
    assert (catcher.mails, states()) == ([], {"dropped"})


def test_who_wants_no_mail_gets_none_also_later(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    turn_on(**NEW)
    stop_notices(user_id=cast.carla.user_id, organisation_id=cast.harper.id)
    new_invoice(cast)
    look()
    choose(user=cast.carla.user, organisation=cast.harper, frequency=Frequency.AT_ONCE, language="")
    look()
    assert not catcher.mails
    new_invoice(cast, "N-2")
    look()
    assert [mail["Subject"] for mail in catcher.mails] == ["Invoice N-2 from Harper IT"]


def test_the_daily_mail_has_everything_since_the_last_one(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    turn_on(sends_new=True, usual=Frequency.DAILY)
    new_invoice(cast, "N-1")
    new_invoice(cast, "N-2")
    look()
    Notice.objects.update(created_at=timezone.now())  # after the last time at which it was due
    assert not catcher.mails
    Notice.objects.update(created_at=timezone.now() - timedelta(days=1))
    look()
    look()
    (mail,) = catcher.mails
    assert mail["Subject"] == "Your invoices from Harper IT: 2"
    text = mail.get_body(("plain",)).get_content()
    assert "N-1" in text
    assert "N-2" in text
    forget_old_mailings(now=timezone.now() + timedelta(days=500))
    look()
    assert len(catcher.mails) == 1


def test_many_invoices_at_once_are_one_mail(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    turn_on(**NEW)
    for number in range(30):
        new_invoice(cast, f"N-{number}")
    look()
    assert [mail["Subject"] for mail in catcher.mails] == ["Your invoices from Harper IT: 30"]


def test_a_first_sync_and_a_first_file_are_no_news_and_the_next_ones_are(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    turn_on(**NEW)
    row = Integration.objects.create(organisation=cast.harper, name="Lists", commands=[])
    source = SyncSource.objects.create(integration=row, is_on=True)
    now = timezone.now()
    run = SyncRun.objects.create(source=source, is_first=True, started_at=now)
    file = FileImport.objects.create(
        organisation=cast.harper,
        kind="invoices",
        kept_file="x",
        mapping={},
        state=ImportState.RUNNING,
    )
    synced, imported = new_invoice(cast, "S-1"), new_invoice(cast, "F-1")
    Invoice.objects.filter(id=synced.id).update(integration=row, source_id="1")
    look()
    assert not catcher.mails
    SyncRun.objects.filter(id=run.id).update(state=SyncState.DONE, ended_at=timezone.now())
    FileImport.objects.filter(id=file.id).update(state=ImportState.DONE, finished_at=timezone.now())
    for old in (synced, imported):
        Invoice.objects.filter(id=old.id).update(changed_at=timezone.now())
    later = new_invoice(cast, "S-2")
    Invoice.objects.filter(id=later.id).update(integration=row, source_id="2")
    new_invoice(cast, "F-2")
    SyncRun.objects.all().delete()  # a sync forgets its oldest runs
    look()
    assert sorted(mail["Subject"] for mail in catcher.mails) == [
        "Invoice F-2 from Harper IT",
        "Invoice S-2 from Harper IT",
    ]


def test_a_contact_who_comes_days_later_gets_no_old_news(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    rules = turn_on(**NEW)
    row = new_invoice(cast)
    NoticeRules.objects.update(new_since=rules.new_since - timedelta(days=5))
    Invoice.objects.filter(id=row.id).update(created_at=timezone.now() - timedelta(days=2))
    cast.carla.created_at = timezone.now()
    cast.carla.save()
    look()
    about_it = [str(mail["To"]) for mail in catcher.mails if "N-1" in str(mail["Subject"])]
    assert (about_it, Notice.objects.get(invoice=row).is_muted) == ([], True)


def test_a_contact_who_comes_hours_later_hears_of_the_invoice(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    rules = turn_on(**NEW)
    row = new_invoice(cast)
    look()
    ago = timezone.now() - timedelta(hours=3)
    NoticeRules.objects.update(new_since=rules.new_since - timedelta(hours=4))
    Invoice.objects.exclude(id=row.id).update(created_at=ago - timedelta(days=1))
    Invoice.objects.filter(id=row.id).update(created_at=ago, changed_at=ago)
    invite_contact(customer=cast.acme, email="second@acme.example")
    look()
    subject = "Invoice N-1 from Harper IT"
    assert catcher.seen == {(CARLA, subject): 1, ("second@acme.example", subject): 1}


def test_after_kill_9_in_the_middle_of_a_mail_it_is_not_sent_twice(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher
) -> None:
    catcher.refused.add(CARLA)
    turn_on(**NEW)
    new_invoice(cast)
    look()
    catcher.refused.clear()
    mailing = NoticeMailing.objects.get()
    assert send_again(mailing=mailing)
    mailing.refresh_from_db()
    assert claim_mailing(mailing=mailing, to=CARLA, enclosure="")  # and the process is gone
    look()
    mailing.refresh_from_db()
    assert (mailing.state, catcher.mails) == ("uncertain", [])
    assert "Ask whether it has arrived" in mailing.reason
    assert send_again(mailing=mailing)
    look()
    assert len(catcher.mails) == 1


def test_a_refused_address_is_shown_and_others_get_their_mail(
    cast: Cast,
    turn_on: TurnOn,
    look: Look,
    catcher: MailCatcher,
    sign_in: Callable[..., Any],
) -> None:
    catcher.refused.add(CARLA)
    turn_on(**NEW)
    row = new_invoice(cast)
    invoice(cast.bolt, "B-1", issued_on=today())
    look()
    assert [mail["To"] for mail in catcher.mails] == [CARL]
    client = sign_in(cast.bob)
    pages = {
        name: client.get(f"/backoffice/{cast.harper.id}{name}").content.decode()
        for name in (f"/invoices/{row.id}", f"/customers/{cast.acme.id}", "/notices")
    }
    for name, page in pages.items():
        assert "refused the recipient (550)" in page, name


def test_while_the_mail_server_is_away_mail_waits(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher, settings: Any
) -> None:
    settings.EMAIL_PORT = 9  # nobody listens there
    turn_on(**NEW)
    new_invoice(cast)
    invoice(cast.bolt, "B-1", issued_on=today())
    look()
    assert states() == {"waiting"}
    assert sorted(NoticeMailing.objects.values_list("attempts", flat=True)) == [0, 0]
    assert "mail-unreachable" in NoticeMailing.objects.values_list("failure", flat=True)
    settings.EMAIL_PORT = catcher.port
    NoticeMailing.objects.update(due_at=timezone.now())
    look()
    assert len(catcher.mails) == 2


def test_no_more_mail_than_allowed_goes_out_in_an_hour(
    cast: Cast,
    turn_on: TurnOn,
    look: Look,
    catcher: MailCatcher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("billhook.portal.notices.sending.most_in_an_hour", lambda: 2)
    turn_on(**NEW)
    for number in range(4):
        new_invoice(cast, f"N-{number}")
    look()
    look()
    assert len(catcher.mails) == 2
    NoticeMailing.objects.filter(state="sent").update(
        began_at=timezone.now() - timedelta(minutes=61)
    )
    look()
    assert len(catcher.mails) == 4


def test_turning_notices_off_drops_what_waits(
    cast: Cast, turn_on: TurnOn, look: Look, catcher: MailCatcher, settings: Any
) -> None:
    settings.EMAIL_PORT = 9
    turn_on(**NEW)
    new_invoice(cast)
    look()
    settings.EMAIL_PORT = catcher.port
    turn_on(sends_new=False)
    NoticeMailing.objects.update(due_at=timezone.now())
    look()
    assert (catcher.mails, states()) == ([], {MailingState.DROPPED})
