"""Each night a source is asked for a known invoice, and members hear if it doesn't give it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.db.models import F
from django.test import Client

from billhook.engine.errors import SourceTimeout
from billhook.portal.integrations.models import Integration
from billhook.portal.notices.models import Incident, SourceCheck
from billhook.portal.runs.models import Run
from portal.cast import Cast
from portal.integration_cast import PDF, Source

pytestmark = pytest.mark.django_db
Look = Callable[[], None]


def address(cast: Cast) -> str:
    row = Integration.objects.get(organisation=cast.harper)
    return f"/backoffice/{cast.harper.id}/integrations/{row.id}"


def a_day_later() -> None:
    check = SourceCheck.objects.get()
    assert check.checked_at is not None
    check.checked_at -= timedelta(days=1)
    check.save()
    Run.objects.update(started_at=F("started_at") - timedelta(days=1))


def test_a_check_is_done_once_a_night_and_its_failure_is_one_mail(  # noqa: PLR0917 - fixtures
    cast: Cast,
    source: Source,
    watch: Look,
    sign_in: Callable[..., Client],
    mailoutbox: list[EmailMessage],
    sent_mail: Look,
) -> None:
    bob = sign_in(cast.bob)
    bob.post(f"{address(cast)}/check", {"is_on": "on", "number": "INV-1"})
    for _ in range(2):
        watch()
    run = Run.objects.get()
    assert (run.kind, run.outcome, run.user, run.invoice) == ("check", "ok", None, cast.open)
    assert b"Nightly check: worked" in bob.get(address(cast)).content
    assert not Incident.objects.exists()

    source.answer = SourceTimeout("whole")
    a_day_later()
    for _ in range(2):
        watch()
        sent_mail()
    assert Run.objects.count() == 2
    assert {mail.subject for mail in mailoutbox} == {"Acme billing needs you"}
    assert "The nightly check with invoice INV-1 gave no document." in mailoutbox[0].body
    assert b"Nightly check: no document" in bob.get(address(cast)).content
    assert b"No document" in bob.get(f"{address(cast)}/check").content

    source.answer = (200, PDF)
    a_day_later()
    watch()
    sent_mail()
    assert {mail.subject for mail in mailoutbox[2:]} == {"Acme billing works again"}


def test_without_a_number_the_last_one_that_worked_is_asked_for(
    cast: Cast, source: Source, watch: Look, sign_in: Callable[..., Client]
) -> None:
    bob = sign_in(cast.bob)
    bob.post(f"{address(cast)}/check", {"is_on": "on", "number": ""})
    watch()
    assert (source.requests, SourceCheck.objects.get().outcome) == ([], "")
    assert b"no invoice to ask for" in bob.get(f"{address(cast)}/check").content
    bob.post(f"{address(cast)}/check", {"is_on": "on", "number": "INV-2"})
    watch()
    bob.post(f"{address(cast)}/check", {"is_on": "on", "number": ""})
    watch()
    assert [request.url.rpartition("/")[2] for request in source.requests] == ["INV-2", "INV-2"]


def test_an_integration_that_gives_no_documents_any_more_passes_no_check(
    cast: Cast, source: Source, watch: Look, sign_in: Callable[..., Client]
) -> None:
    bob = sign_in(cast.bob)
    bob.post(f"{address(cast)}/check", {"is_on": "on", "number": "INV-1"})
    row = Integration.objects.get(organisation=cast.harper)
    row.commands[0]["name"] = "Another"
    row.save()
    watch()
    assert (source.requests, SourceCheck.objects.get().outcome) == ([], "")
    assert b"has no command GetInvoiceImage" in bob.get(f"{address(cast)}/check").content


def test_a_number_that_is_not_there_is_refused(
    cast: Cast, source: Source, sign_in: Callable[..., Client]
) -> None:
    page = sign_in(cast.bob).post(f"{address(cast)}/check", {"is_on": "on", "number": "X-9"})
    assert b"There is no invoice X-9." in page.content
    assert not SourceCheck.objects.exists()


def test_a_check_that_is_off_asks_nothing(cast: Cast, source: Source, watch: Look) -> None:
    watch()
    assert source.requests == []
