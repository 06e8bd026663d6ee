"""Owners and editors hear once that a source fails, and once that it works again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billhook.engine.record import RunRecord, new_run_id
from billhook.portal.integrations.models import Integration
from billhook.portal.notices.models import Incident
from billhook.portal.runs.alerts import mail_members
from billhook.portal.runs.models import Run
from portal.cast import Cast
from portal.integration_cast import draft, integration

pytestmark = pytest.mark.django_db
Look = Callable[[], None]
Mails = list[EmailMessage]
BOB = "bob@harper.example"


@pytest.fixture
def row(cast: Cast) -> Integration:
    return integration(cast.harper)


def run(row: Integration, outcome: str, reason: str = "") -> None:
    Run.objects.create(
        id=new_run_id(),
        organisation=row.organisation,
        integration=row,
        command="GetInvoiceImage",
        kind="view",
        outcome=outcome,
        reason=reason,
        started_at=timezone.now(),
        milliseconds=5.0,
    )


def fail(row: Integration, times: int = 3) -> None:
    for _ in range(times):
        run(row, "source-timeout", "whole")


def minutes_go_by(minutes: int) -> None:
    ago = timedelta(minutes=minutes)
    Integration.objects.update(changed_at=F("changed_at") - ago)
    Run.objects.update(started_at=F("started_at") - ago)


def subjects(mails: Mails) -> list[str]:
    """Return the subjects of the mails to Bob, in order."""
    return [mail.subject for mail in mails if mail.to == [BOB]]


def test_a_source_that_fails_is_one_mail_and_one_when_it_works_again(
    cast: Cast, row: Integration, watch: Look, mailoutbox: Mails, sent_mail: Look
) -> None:
    fail(row, 2)
    watch()
    assert not Incident.objects.exists()
    fail(row, 5)
    for _ in range(3):
        watch()
        sent_mail()
    assert sorted(mail.to[0] for mail in mailoutbox) == ["alice@harper.example", BOB]
    assert {mail.subject for mail in mailoutbox} == {"Acme billing needs you"}
    assert "The last 3 runs gave no document." in mailoutbox[0].body
    minutes_go_by(31)
    run(row, "ok")
    for _ in range(2):
        watch()
        sent_mail()
    assert [mail.subject for mail in mailoutbox[2:]] == ["Acme billing works again"] * 2
    assert Incident.objects.get().closed_at is not None


def test_the_last_word_about_a_source_that_works_once_in_between_is_that_it_fails(
    row: Integration, watch: Look, mailoutbox: Mails, sent_mail: Look
) -> None:
    fail(row)
    watch()
    for outcome in ("ok", "source-timeout"):
        minutes_go_by(20)
        run(row, outcome)
        watch()
    minutes_go_by(31)  # it has failed last, and nobody used it since
    watch()
    sent_mail()
    assert Incident.objects.get().closed_at is None
    assert subjects(mailoutbox) == ["Acme billing needs you"]
    run(row, "ok")
    watch()
    sent_mail()
    assert subjects(mailoutbox)[1:] == ["Acme billing works again"]
    fail(row)
    watch()
    sent_mail()
    assert subjects(mailoutbox)[2:] == ["Acme billing needs you"]
    assert Incident.objects.filter(closed_at=None).count() == 1


def test_a_look_at_sources_that_are_as_they_were_writes_nothing_about_them(
    row: Integration, cast: Cast, watch: Look
) -> None:
    def writes() -> int:
        with CaptureQueriesContext(connection) as queries:
            watch()
        changes = ("INSERT", "UPDATE", "DELETE", "SAVEPOINT")
        return sum(each["sql"].startswith(changes) for each in queries.captured_queries)

    fail(row)
    watch()
    few = writes()
    for number in range(3):
        integration(cast.harper, draft(name=f"Another {number}"))
    assert writes() == few


def test_refused_credentials_open_an_incident_without_a_second_mail(
    row: Integration, watch: Look, mailoutbox: Mails, sent_mail: Look
) -> None:
    def refuse() -> None:
        run(row, "source-refused", "401")
        record = RunRecord(
            id=new_run_id(),
            organisation_id=row.organisation_id,
            integration_id=row.id,
            command="GetInvoiceImage",
            kind="view",
            outcome="source-refused",
            reason="401",
            started_at=timezone.now(),
            milliseconds=5.0,
        )
        mail_members(record)

    refuse()
    watch()
    sent_mail()
    assert Incident.objects.get().kind == "needs-member"
    assert subjects(mailoutbox) == ["Acme billing gives no documents"]
    minutes_go_by(31)
    run(row, "ok")
    watch()
    sent_mail()
    assert subjects(mailoutbox)[1:] == ["Acme billing works again"]
    refuse()  # on the same day
    watch()
    sent_mail()
    assert subjects(mailoutbox)[2:] == ["Acme billing gives no documents"]


def test_a_changed_integration_ends_the_incident_silently(
    row: Integration, watch: Look, mailoutbox: Mails, sent_mail: Look
) -> None:
    fail(row)
    watch()
    Integration.objects.filter(id=row.id).update(changed_at=timezone.now())
    watch()
    sent_mail()
    assert Incident.objects.get().closed_at is not None
    assert len(mailoutbox) == 2


def test_each_member_chooses_and_nobody_else_reads_of_it(  # noqa: PLR0917 - fixtures
    cast: Cast,
    row: Integration,
    watch: Look,
    mailoutbox: Mails,
    sent_mail: Look,
    sign_in: Callable[..., Client],
) -> None:
    bob = sign_in(cast.bob)
    page = f"/backoffice/{cast.harper.id}/notices"
    bob.post(f"{page}/mine", {})
    fail(row)
    watch()
    sent_mail()
    assert [mail.to for mail in mailoutbox] == [["alice@harper.example"]]
    assert b"gave no document" in bob.get(page).content
    bob.post(f"{page}/mine", {"wants": "on"})
    cast.bob.refresh_from_db()
    assert cast.bob.wants_source_mail
    other = f"/backoffice/{cast.northwind.id}/notices"
    assert b"gave no document" not in sign_in(cast.charlie).get(other).content


def see_certificate(row: Integration, ends: str, *, command: str = "GetInvoiceImage") -> None:
    """Add a run that got through, to a server whose certificate ends then, or not soon."""
    seen = {"certificate_ends": ends} if ends else {}
    run(row, "ok")
    newest = Run.objects.order_by("-started_at")[:1].values("id")
    Run.objects.filter(id__in=newest).update(command=command, attempts=[{"status": 200, **seen}])


def test_a_servers_certificate_that_ends_soon_is_one_mail(
    row: Integration, watch: Look, mailoutbox: Mails, sent_mail: Look
) -> None:
    see_certificate(row, "2026-12-03")
    see_certificate(row, "", command="GetPaymentLink")  # another server
    run(row, "source-unreachable")  # nobody has seen a certificate
    watch()
    watch()
    sent_mail()
    assert subjects(mailoutbox) == ["Acme billing needs you"]
    assert "certificate of its server is valid until 3 December 2026" in mailoutbox[-1].body
    assert "once more" not in mailoutbox[-1].body
    see_certificate(row, "")  # one of two servers has a new one
    watch()
    assert not Incident.objects.filter(closed_at=None).exists()
    see_certificate(row, "2026-12-03")
    watch()
    sent_mail()
    assert Incident.objects.filter(closed_at=None).exists()
    assert subjects(mailoutbox) == ["Acme billing needs you"]
    see_certificate(row, "2027-12-03")
    watch()
    assert Incident.objects.filter(closed_at=None).count() == 1
