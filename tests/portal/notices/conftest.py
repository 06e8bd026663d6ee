"""Fixtures of the tests of notices: a mail server, and an organisation that sends notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.jobs.clock import PresentTime
from billhook.portal.jobs.models import Job, JobSchedule
from billhook.portal.jobs.run import run_due_jobs
from billhook.portal.jobs.services import enqueue_scheduled
from billhook.portal.notices.access import rules_of
from billhook.portal.notices.members.watch import begin_watching
from billhook.portal.notices.models import NoticeMailing, NoticeRules
from billhook.portal.notices.services import change_rules
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, invoice
from portal.integration_cast import Source, integration
from portal.notices.mail_catcher import MailCatcher, mail_catcher

ALL = {"sends_new": True, "sends_due_soon": True, "sends_overdue": True}


@pytest.fixture
def catcher(settings: Any) -> Iterator[MailCatcher]:
    """The mail server that notices go to."""
    with mail_catcher() as server:
        settings.EMAIL_BACKEND = "billhook.portal.mail.smtp.LimitedSmtp"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield server


@pytest.fixture
def source(cast: Cast) -> Iterator[Source]:
    """The system behind Harper IT's integration."""
    before = get_store(), get_recorder()
    system = Source()
    set_store(CommandStore(open_source=lambda _: system))
    set_recorder(RunRecorder())
    integration(cast.harper)
    yield system
    set_store(before[0])
    set_recorder(before[1])


@pytest.fixture
def look() -> Callable[[], None]:
    """Return a function that has the jobs look around now, instead of a minute later."""

    def look_now() -> None:
        Job.objects.filter(leased_until=None).update(due_at=PresentTime())
        run_due_jobs()

    return look_now


@pytest.fixture
def watch(look: Callable[[], None]) -> Callable[[], None]:
    """Return a function that has all sources looked at now."""

    def watch_now() -> None:
        begin_watching()
        JobSchedule.objects.update(next_at=PresentTime() - timedelta(seconds=1))
        enqueue_scheduled()
        look()

    return watch_now


@pytest.fixture
def turn_on(cast: Cast) -> Callable[..., NoticeRules]:
    """Return a function that turns notices of Harper IT on."""

    def turn(**changes: Any) -> NoticeRules:
        rules = rules_of(cast.harper)
        return change_rules(rules=rules, changes=changes or ALL)

    return turn


@pytest.fixture
def mailing(
    cast: Cast,
    turn_on: Callable[..., NoticeRules],
    look: Callable[[], None],
    catcher: MailCatcher,
) -> NoticeMailing:
    """A notice to Carla that the mail server took."""
    del catcher
    turn_on(sends_new=True)
    invoice(cast.acme, "N-1")
    look()
    return NoticeMailing.objects.get(to="carla@acme.example")
