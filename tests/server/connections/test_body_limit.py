"""The body of a request is judged by Host, path, method and session before it is read."""

from __future__ import annotations

import pytest
from django.conf import settings

from asgi_client import ask, scope
from billhook.server.connections.body_limit import (
    LONG,
    NO_BODY,
    SHORT,
    SHORT_BODY,
    BodyLimit,
    LongBodies,
    TooManyBodies,
    is_short,
    limit_of,
)
from billhook.server.handler import PortalHandler
from portal.cast import make_cast, signed_in

LENGTH = (b"content-length", b"19000000")


@pytest.fixture
def cast(db):
    return make_cast()


def request(path, *, method="POST", client=None, host=b"127.0.0.1", cookie=""):
    """Return the scope of a request with a long body, sent by the person of *client*."""
    if client is not None:
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    made = scope(method, path, headers=[LENGTH])
    made["headers"] = [
        (b"host", host),
        LENGTH,
        (b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()),
    ]
    return made


def import_page(cast):
    return f"/backoffice/{cast.harper.id}/invoices/import"


@pytest.mark.parametrize(
    ("headers", "short"),
    [
        pytest.param([], True, id="none"),
        pytest.param([(b"content-length", b"0")], True, id="empty"),
        pytest.param([(b"content-length", b"64000")], True, id="at-the-limit"),
        pytest.param([(b"content-length", b"64001")], False, id="above-the-limit"),
        pytest.param([(b"content-length", b"many")], False, id="no-number"),
        pytest.param([(b"transfer-encoding", b"chunked")], False, id="in-chunks"),
    ],
)
def test_short_bodies_need_no_judgement(headers, short):
    assert is_short(headers) is short


@pytest.mark.parametrize("path", ["/nothing-is-here", "/static/0/app.css", "/backoffice/x/y"])
def test_no_body_is_taken_for_a_path_that_does_not_exist(path):
    assert limit_of(request(path)) == NO_BODY


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_no_body_is_taken_with_a_method_that_no_page_has(method):
    assert limit_of(request("/sign-in", method=method)) == NO_BODY


def test_no_body_is_taken_for_another_host():
    assert limit_of(request("/sign-in", host=b"elsewhere.example")) == NO_BODY


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/password", "/sign-in/code", "/setup"])
def test_a_stranger_may_send_a_short_form(path):
    assert limit_of(request(path)).size == SHORT


@pytest.mark.parametrize("cookie", ["", "made-up", "\x7f"])
def test_no_body_is_taken_from_a_stranger_for_a_member_page(cast, cookie):
    assert limit_of(request(import_page(cast), cookie=cookie)) == NO_BODY


def test_no_body_is_taken_in_a_session_that_has_ended(cast):
    client = signed_in(cast.alice)
    asked = request(import_page(cast), client=client)
    client.logout()

    assert limit_of(asked) == NO_BODY


def test_a_member_may_send_a_file(cast):
    asked = request(import_page(cast), client=signed_in(cast.alice))

    assert (limit_of(asked).size, limit_of(asked).user_id) == (LONG, cast.alice.user_id)


def test_a_contact_may_send_short_forms_only(cast):
    client = signed_in(cast.carla)

    assert limit_of(request(import_page(cast), client=client)).size == SHORT
    assert limit_of(request("/settings/password", client=client)).size == SHORT


def test_a_member_may_send_short_forms_outside_the_backoffice(cast):
    assert limit_of(request("/settings/password", client=signed_in(cast.alice))).size == SHORT


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        pytest.param("/nothing-is-here", b"127.0.0.1", 404, id="no-such-page"),
        pytest.param("/sign-in", b"elsewhere.example", 400, id="another-host"),
        pytest.param("/sign-in", b"127.0.0.1", 413, id="longer-than-a-form"),
        pytest.param("/settings", b"127.0.0.1", 403, id="not-signed-in"),
    ],
)
@pytest.mark.django_db(transaction=True)
async def test_a_stranger_gets_the_response_before_the_body_is_read(path, host, status):
    handler = PortalHandler(threads=1, stream_threads=1)
    asked = request(path, host=host)
    sent = []

    async def receive():
        raise AssertionError("the body was read")

    async def send(message):
        sent.append(message)

    await handler(asked, receive, send)
    await handler.stop(seconds=60)

    assert sent[0]["status"] == status
    assert (b"connection", b"close") in sent[0]["headers"]


@pytest.mark.django_db(transaction=True)
async def test_a_long_body_in_chunks_is_refused_at_the_limit():
    handler = PortalHandler(threads=1, stream_threads=1)
    chunked = [(b"transfer-encoding", b"chunked")]
    response = await ask(handler, "POST", "/sign-in", pieces=[b"x" * SHORT, b"x"], headers=chunked)
    await handler.stop(seconds=60)

    assert response.status == 413


def test_one_person_has_only_a_few_long_bodies_in_hand():
    bodies = LongBodies(each=1, all_together=2)
    of = {who: BodyLimit(size=LONG, user_id=who) for who in ("alice", "bob", "carl")}

    with bodies.room(of["alice"]):
        with pytest.raises(TooManyBodies), bodies.room(of["alice"]):
            pass
        with bodies.room(of["bob"]), pytest.raises(TooManyBodies), bodies.room(of["carl"]):
            pass
    with bodies.room(of["alice"]):
        pass


def test_short_bodies_are_not_counted():
    bodies = LongBodies(each=0, all_together=0)

    with bodies.room(NO_BODY), bodies.room(SHORT_BODY):
        pass
