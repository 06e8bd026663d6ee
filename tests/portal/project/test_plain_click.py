"""A plain click takes a short way, and gets what Django's whole chain would have given.

Each case changes one thing about a session, its person, the invoice or the request, and clicks
twice: once as it is, and once with a header that sends it the whole way.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core import mail, signals
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from asgi_client import Answer, Browser, scope
from billhook.engine.errors import BillhookError, NoRoom, SourceUnreachable
from billhook.engine.isolation.rate_limit import RateLimit
from billhook.portal.accounts import services as accounts
from billhook.portal.accounts.models import User
from billhook.portal.customers import services as customers
from billhook.portal.documents.visits import document_page
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.invoices.access import invoice_for_contact, invoices_for_contact
from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.mail.delivery import deliver_due_mail
from billhook.portal.organisations import services as organisations
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from billhook.server.handler import PortalHandler
from portal.cast import PASSWORD, Cast, invoice, make_cast, signed_in
from portal.integration_cast import PDF, Source, integration

WHOLE_WAY = [(b"x-twice", b"1"), (b"x-twice", b"2")]
"""A header that comes twice means nothing here, but isn't plain."""


@dataclass
class Click:
    """A click of Carla, who may see the invoice, before something is changed about it."""

    cast: Cast
    person: User
    session: str
    invoice: Invoice
    method: str = "GET"
    path: str = ""
    query: bytes = b""
    host: bytes = b"127.0.0.1"
    scheme: str = "http"
    cookies: str = "{session}"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def scope(self, *more: tuple[bytes, bytes]) -> dict[str, Any]:
        path = self.path or f"/invoices/{self.invoice.id}/document"
        cookie = self.cookies.format(session=f"{NAME}={self.session}", key=self.session)
        headers = [*self.headers, *([(b"cookie", cookie.encode())] if cookie else []), *more]
        asked = scope(self.method, path, query=self.query, headers=headers)
        asked["headers"][0] = (b"host", self.host)
        return asked | {"scheme": self.scheme}


NAME = django_settings.SESSION_COOKIE_NAME
CSRF = django_settings.CSRF_COOKIE_NAME
Change = Callable[[Click], object]


def in_session(**entries: Any) -> Change:
    def change(click: Click) -> None:
        store = SessionStore(click.session)
        store.update(entries)
        store.save()

    return change


def changed(**fields: Any) -> Change:
    def change(click: Click) -> None:
        for name, value in fields.items():
            setattr(click, name, value)

    return change


def password_changed(click: Click) -> None:
    accounts.set_password(user=click.person, password="another one of theirs")


def expired(click: Click) -> None:
    Session.objects.filter(pk=click.session).update(expire_date=timezone.now())


def signed_by_another_key(click: Click) -> None:
    row = Session.objects.get(pk=click.session)
    row.session_data = row.session_data[:-3] + "abc"
    row.save()


def signed_in_by_password(click: Click) -> None:
    accounts.set_password(user=click.person, password=PASSWORD)
    browser = signed_in(click.person)
    browser.logout()
    form = {"login": click.person.email, "password": PASSWORD}
    assert browser.post(reverse("account_login"), form).status_code == 302
    click.session = browser.cookies[NAME].value


def signed_in_by_code(click: Click) -> None:
    browser = Client()
    browser.post(reverse("account_request_login_code"), {"email": click.person.email})
    deliver_due_mail()
    assert mail.outbox
    found = re.search(r"\d{3} ?\d{3}", mail.outbox[-1].body)
    assert found
    form = {"code": found[0].replace(" ", "")}
    assert browser.post(reverse("account_confirm_login_code"), form).status_code == 302
    click.session = browser.cookies[NAME].value


def removed(click: Click) -> None:
    customers.remove_contact(contact=click.cast.acme.contacts.get(user=click.person))


def member_as_well(click: Click) -> None:
    organisations.add_member(
        organisation=click.cast.harper, email=click.person.email, name="", role="editor"
    )


def of_somebody(click: Click, person: User) -> None:
    click.person, click.session = person, signed_in(person).cookies[NAME].value


def looking_as_contact(click: Click) -> None:
    contact = click.cast.acme.contacts.get(user=click.person)
    click.path = f"/as/{contact.id}/invoices/{click.invoice.id}/document"
    of_somebody(click, click.cast.bob.user)


SHORT: dict[str, Change] = {
    "as it is": lambda _: None,
    "to save it": changed(query=b"download"),
    "paid": lambda click: Invoice.objects.filter(pk=click.invoice.pk).update(status=Status.PAID),
    "by https": changed(scheme="https"),
    "at another name of this server": changed(host=b"LOCALHOST.:8000"),
    "with more cookies": changed(
        cookies="billhook-zone=Europe/Berlin; {session}; " + CSRF + "=" + "a1" * 16
    ),
    "with headers of a browser": changed(
        headers=[
            (b"accept-encoding", b"gzip"),
            (b"sec-fetch-site", b"same-origin"),
            (b"range", b"bytes=0-9"),
            (b"if-none-match", b'"x"'),
        ]
    ),
    "by a member who is a contact as well": member_as_well,
    "in a session that ends with the browser": in_session(_session_expiry=0),
    "after signing in with a password": signed_in_by_password,
    "after signing in with a code": signed_in_by_code,
}
"""Clicks that take the short way."""

WHOLE: dict[str, Change] = {
    "signed out": lambda click: Session.objects.filter(pk=click.session).delete(),
    "signed out everywhere": lambda click: accounts.end_sessions(user=click.person),
    "session expired": expired,
    "session forged": signed_by_another_key,
    "session of an old password": password_changed,
    "session of a mark that isn't one": in_session(**{HASH_SESSION_KEY: ""}),
    "session of another way to sign in": in_session(**{BACKEND_SESSION_KEY: "a.Backend"}),
    "session with a typed form": in_session(typed="not readable"),
    "session with anything else": in_session(thing=1),
    "no cookie": changed(cookies=""),
    "session of no key": changed(cookies=NAME + "="),
    "session of a short key": changed(cookies=NAME + "=abc"),
    "session named twice": changed(cookies="{session}; " + NAME + "=other"),
    "cookie in quotes": changed(cookies=NAME + '="{key}"'),
    "cookie with NUL": changed(cookies='{session}; a="\\000"'),
    "cookie without a name": changed(cookies="{session}; alone"),
    "token that isn't one": changed(cookies="{session}; " + CSRF + "=short"),
    "blocked": lambda click: accounts.disable_user(user=click.person),
    "blocked, with a session": lambda click: User.objects.filter(pk=click.person.pk).update(
        is_active=False
    ),
    "no contact any more": removed,
    "contact of another customer": lambda click: of_somebody(click, click.cast.carl.user),
    "contact of another organisation": lambda click: of_somebody(click, click.cast.cleo.user),
    "owner, who is no contact": lambda click: of_somebody(click, click.cast.alice.user),
    "member who looks as the contact": looking_as_contact,
    "nobody's": lambda click: of_somebody(click, click.cast.sam),
    "draft": lambda click: Invoice.objects.filter(pk=click.invoice.pk).update(status=Status.DRAFT),
    "removed invoice": lambda click: Invoice.objects.filter(pk=click.invoice.pk).delete(),
    "invoice of another customer": lambda click: setattr(click, "invoice", click.cast.of_bolt),
    "no such invoice": changed(path="/invoices/000000000000/document"),
    "no such id": changed(path="/invoices/abc/document"),
    "a line more": lambda click: setattr(click, "path", f"/invoices/{click.invoice.id}/document\n"),
    "HEAD": changed(method="HEAD"),
    "POST": changed(method="POST"),
    "another query": changed(query=b"download=1"),
    "query that isn't Unicode": changed(query=b"\xff"),
    "another site's host": changed(host=b"evil.example"),
    "host that isn't one": changed(host=b"127.0.0.1@evil.example"),
    "with a body": changed(headers=[(b"content-length", b"0")]),
}
"""Clicks that Django's whole chain decides."""


LEFT_OUT = {
    "billhook.portal.project.middleware.OwnHeaders": "its headers are set",
    "django.middleware.security.SecurityMiddleware": "its headers are set",
    "billhook.portal.project.middleware.KnownHost": "the host is judged",
    "billhook.portal.project.middleware.NoNul": "a plain click has no place for one",
    "billhook.portal.compression.static_files.StaticFiles": "a document's address is no file's",
    "billhook.portal.compression.pages.CompressPages": "a page in its place is compressed",
    "billhook.portal.ui.zone.ReaderZone": "neither a document nor that page shows a time",
    "billhook.portal.handover.middleware.EntranceCookies": "its address is at no entrance",
    "billhook.portal.handover.middleware.PersonHandedOver": "its address is at no entrance",
    "django.contrib.sessions.middleware.SessionMiddleware": "the session is read, and varied by",
    "django.middleware.csrf.CsrfViewMiddleware": "a GET is no form; a broken cookie isn't plain",
    "django.contrib.auth.middleware.AuthenticationMiddleware": "the person is read",
    "allauth.account.middleware.AccountMiddleware": "no page of signing in",
    "django.contrib.messages.middleware.MessageMiddleware": "a document shows no message",
    "billhook.portal.project.middleware.SaysWhenItCannotWrite": "nothing is counted there",
    "billhook.portal.project.typed.SignInFirst": "only who is signed in is let in",
    "billhook.portal.project.typed.FillsFormsAgain": "a session with a typed form isn't plain",
}
"""Reasons why the short way may leave out each middleware: a new one needs its own here."""


class Clicks:
    """Makes clicks at one handler, and sees which way each of them went."""

    def __init__(self, runner: asyncio.Runner, handler: PortalHandler) -> None:
        self._runner, self._handler = runner, handler
        self._whole = 0
        signals.request_started.connect(self._count)

    def _count(self, **_: Any) -> None:
        self._whole += 1

    def close(self) -> None:
        signals.request_started.disconnect(self._count)

    def send(self, asked: dict[str, Any]) -> tuple[Answer, bool]:
        """Return the response to one request, and whether it took the short way."""
        before, browser = self._whole, Browser([b""])
        self._runner.run(self._handler(asked, browser.receive, browser.send))
        return browser.answer, self._whole == before


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clicks(transactional_db: None, source: Source) -> Iterator[Clicks]:
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    with asyncio.Runner() as runner:
        handler = PortalHandler(threads=1, stream_threads=1)
        clicks = Clicks(runner, handler)
        yield clicks
        clicks.close()
        runner.run(handler.stop(seconds=20))
    set_store(before[0])
    set_recorder(before[1])


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    made = make_cast()
    integration(made.harper)
    get_store().refresh()
    return made


@pytest.fixture
def new_click(clicks: Clicks, cast: Cast) -> Callable[[], Click]:
    """Return a function that makes a new contact of Acme, with an invoice of their own."""
    numbers = itertools.count(100)

    def new() -> Click:
        number = next(numbers)
        contact = customers.invite_contact(
            customer=cast.acme, email=f"carla{number}@acme.example", name="Carla"
        )
        key = signed_in(contact.user).cookies[NAME].value
        theirs = invoice(cast.acme, f"INV-{number}")
        return Click(cast=cast, person=contact.user, session=key, invoice=theirs)

    return new


def compared(answer: Answer) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return what two responses must have in common: all but what is random."""
    headers = [(name, _RANDOM.sub(b"RANDOM", value)) for name, value in answer.headers]
    body = answer.body
    if answer.header("content-encoding"):  # a random length is added
        body = gzip.decompress(body)
        headers = [pair for pair in headers if pair[0] != b"content-length"]
    return answer.status, sorted(headers), _RANDOM.sub(b"RANDOM", body)


_RANDOM = re.compile(rb"(?<![\w/])[0-9a-hjkmnp-tv-z]{12}(?!\w)|[0-9A-Za-z]{32}|\w{3}, \d.* GMT")
"""Ids of runs, tokens against forged forms, and times."""


def both_ways(clicks: Clicks, click: Click) -> tuple[bool, int, bytes]:
    """Click both ways, compare, and return if the plain way was short, and its response."""
    session = Session.objects.filter(pk=click.session).first()
    plain, was_short = clicks.send(click.scope())
    if session is not None:
        session.save()  # the whole way ends a session of no use
    whole, is_short = clicks.send(click.scope(*WHOLE_WAY))
    assert not is_short
    assert compared(plain) == compared(whole)
    return was_short, plain.status, plain.body


def test_each_middleware_may_be_left_out_for_a_reason(settings):
    assert set(settings.MIDDLEWARE) == LEFT_OUT.keys()


def test_a_plain_click_takes_the_short_way(clicks, new_click, source):
    for name, change in SHORT.items():
        click = new_click()
        change(click)
        assert both_ways(clicks, click) == (True, 200, PDF), name
    assert len(source.requests) == 2 * len(SHORT)


def test_all_else_goes_the_whole_way(clicks, new_click):
    for name, change in WHOLE.items():
        click = new_click()
        change(click)
        assert not both_ways(clicks, click)[0], name


PREVENTED = (ObjectDoesNotExist, FieldProblem, AssertionError)


def test_two_changes_at_once_get_the_same_either_way(clicks, new_click):
    changes = [*SHORT.values(), *WHOLE.values()]
    for first, second in random.sample(list(itertools.permutations(changes, 2)), 30):
        click = new_click()
        with contextlib.suppress(*PREVENTED):  # one prevents the other
            first(click)
            second(click)
        both_ways(clicks, click)


FAILURES: dict[str, BillhookError | tuple[int, bytes]] = {
    "not made yet": (404, b""),
    "refused": (403, b"no"),
    "a sign-in page": (200, b"<html><form></html>"),
    "unreachable": SourceUnreachable("connection-refused"),
    "no place left": NoRoom(),
}


def test_a_failure_is_explained_alike_either_way(clicks, new_click, source):
    for name, answer in FAILURES.items():
        source.answer = answer
        click = new_click()
        click.headers = [(b"accept-encoding", b"gzip"), (b"sec-fetch-site", b"same-origin")]
        was_short, status, _ = both_ways(clicks, click)
        assert was_short, name
        assert status != 200, name


def test_a_fault_of_ours_is_the_same_page_either_way(clicks, new_click, source):
    source.fault = RuntimeError("a-secret-value")
    click = new_click()

    assert both_ways(clicks, click)[:2] == (True, 500)


def test_both_ways_leave_the_same_record(clicks, new_click, cast):
    click = new_click()
    clicks.send(click.scope())
    clicks.send(click.scope(*WHOLE_WAY))
    get_recorder().flush()

    short, whole = Run.objects.order_by("started_at").values(*RECORDED)
    assert short == whole
    assert (short["kind"], short["user_id"]) == ("view", click.person.id)


RECORDED = ("organisation", "integration", "command", "kind", "outcome", "reason", "user_id",
            "invoice_id", "part_of", "document_bytes", "media_type")  # fmt: skip


def test_both_ways_count_against_one_limit(clicks, new_click, monkeypatch):
    """Files opened by the short way are used up on the whole one, too."""
    limit = RateLimit(per_second=1 / 600, burst=2)
    monkeypatch.setattr(document_page, "_file_rate", lambda: limit)
    click = new_click()

    clicked = [clicks.send(click.scope(*more)) for more in ((), WHOLE_WAY, (), WHOLE_WAY)]

    assert [answer.status for answer, _ in clicked] == [200, 200, 429, 429]
    assert compared(clicked[2][0]) == compared(clicked[3][0])


def test_a_database_that_fails_is_reported_as_on_every_page(clicks, new_click):
    click = new_click()
    table = Session._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
        try:
            failed = [clicks.send(click.scope(*more))[0] for more in ((), WHOLE_WAY)]
        finally:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")

    assert failed[0].status == 500
    assert compared(failed[0]) == compared(failed[1])
    assert clicks.send(click.scope())[0].status == 200


def test_objects_of_a_statement_are_those_of_its_queryset(cast):
    mine = invoices_for_contact(cast.carla.user).get(id=cast.open.id)
    fast = invoice_for_contact(cast.carla.user, cast.open.id)
    for one, other in (
        (fast, mine),
        (fast.customer, mine.customer),
        (fast.organisation, mine.organisation),
    ):
        assert facts_of(one) == facts_of(other)


def facts_of(row: Model) -> dict[str, object]:
    return {each.attname: getattr(row, each.attname) for each in row._meta.concrete_fields}
