"""Pages say whether a mail was sent, why not, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from billhook.portal.documents.response import opened
from billhook.portal.mail.models import MailKind, OutgoingMail
from billhook.portal.mail.outbox import post_mail
from billhook.portal.mail.status import check_mail_if_due, check_mail_soon
from portal.cast import Cast, make_cast, signed_in
from portal.smtp_server import SmtpServer, smtp_server

CONSOLE = "billhook.portal.mail.console.EmailBackend"
SMTP = "billhook.portal.mail.smtp.LimitedSmtp"


def address(route: str, cast: Cast, *ids: str) -> str:
    return reverse(f"backoffice:{route}", args=[cast.harper.id, *ids])


def invite_contact(cast: Cast) -> str:
    form = {"email": "dana@acme.example", "name": "Dana"}
    browser = signed_in(cast.bob)
    page = browser.post(address("contact-invite", cast, cast.acme.id), form, follow=True)
    return str(page.content.decode())


def invite_member(cast: Cast) -> str:
    form = {"email": "eve@harper.example", "name": "Eve", "role": "editor"}
    page = signed_in(cast.alice).post(address("member-invite", cast), form, follow=True)
    return str(page.content.decode())


INVITING = pytest.mark.parametrize("invite", [invite_contact, invite_member])
REALLY_WRITTEN = pytest.mark.django_db(transaction=True)


@pytest.fixture
def smtp(settings: Any) -> Callable[[SmtpServer | None], None]:
    """Return a function that has mail sent to a server, or to a port where nobody listens."""

    def use(server: SmtpServer | None) -> None:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
        settings.EMAIL_PORT = server.port if server else 1
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False

    return use


@pytest.fixture
def mail_fails(smtp: Any) -> None:
    """Have the check find that nobody listens where the mail server should be."""
    smtp(None)
    check_mail_soon()
    check_mail_if_due()


@pytest.fixture
def refused() -> Iterator[SmtpServer]:
    """A mail server that takes mail for nobody."""
    with smtp_server(RCPT="550 no such person") as server:
        yield server


@INVITING
def test_without_a_mail_server_an_invitation_says_so_and_explains_what_to_do(
    cast: Cast, settings: Any, invite: Callable[[Cast], str]
) -> None:
    settings.EMAIL_BACKEND = CONSOLE
    page = invite(cast)
    assert "No mail was sent: no mail server is set (BILLHOOK_EMAIL_URL)" in page
    assert "ask them to open http://127.0.0.1:8000/sign-in and type" in page
    assert "give them the code that the log then shows" in page


@REALLY_WRITTEN
@INVITING
def test_a_refused_mail_is_reported_immediately_and_next_to_its_person(
    db: None, smtp: Any, refused: SmtpServer, invite: Callable[[Cast], str]
) -> None:
    smtp(refused)
    page = invite(make_cast())
    assert "The mail couldn&#x27;t be sent." in page
    assert page.count("refused the recipient (550)") == 2  # in the message, and in the list
    assert "Invitation not sent" in page
    assert "Send again" in page
    assert "no such person" not in page


@REALLY_WRITTEN
def test_a_mail_waiting_for_its_server_is_reported_as_waiting(db: None, smtp: Any) -> None:
    smtp(None)
    page = invite_contact(make_cast())
    assert "The mail couldn&#x27;t be sent yet." in page
    assert "Billhook tries again for a day." in page
    assert "they can&#x27;t get a code to sign in with either" in page
    assert "Invitation not sent yet" in page


@REALLY_WRITTEN
def test_a_mail_that_was_sent_is_reported_as_sent(db: None, smtp: Any) -> None:
    with smtp_server() as server:
        smtp(server)
        page = invite_contact(make_cast())
    assert "A mail to dana@acme.example explains how to sign in." in page
    assert len(server.mails) == 1


@REALLY_WRITTEN
def test_a_mail_is_sent_again_by_a_click(db: None, smtp: Any, refused: SmtpServer) -> None:
    cast = make_cast()
    smtp(refused)
    invite_contact(cast)
    back = address("customer", cast, cast.acme.id)
    with smtp_server() as server:
        smtp(server)
        again = address("mail-again", cast, OutgoingMail.objects.get().id)
        page = signed_in(cast.bob).post(again, {"back": back}, follow=True)
    assert page.redirect_chain == [(back, 302)]
    assert len(server.mails) == 1
    assert b"Invitation not sent" not in page.content


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/invoices", ""])
def test_sending_again_redirects_only_within_the_site(cast: Cast, back: str) -> None:
    mail = failed_invitation(cast)
    response = signed_in(cast.bob).post(address("mail-again", cast, mail.id), {"back": back})
    assert response.headers["Location"] == address("home", cast)


@pytest.mark.parametrize("route", ["customer", "members"])
def test_people_who_may_not_invite_see_no_button(cast: Cast, route: str) -> None:
    failed_invitation(cast, to=cast.carla.user)
    failed_invitation(cast, to=cast.bob.user)
    ids = [cast.acme.id] if route == "customer" else []
    page = signed_in(cast.vera).get(address(route, cast, *ids)).content.decode()
    assert "Invitation not sent" in page
    assert "Send again" not in page


def test_the_invitation_of_a_removed_person_is_not_sent(
    cast: Cast, mailoutbox: list[EmailMessage], sent_mail: Callable[[], None]
) -> None:
    invite_contact(cast)
    contact = cast.acme.contacts.get(user__email="dana@acme.example")
    signed_in(cast.bob).post(address("contact-remove", cast, contact.id))
    invite_member(cast)
    member = cast.harper.members.get(user__email="eve@harper.example")
    signed_in(cast.alice).post(address("member-remove", cast, member.id))
    sent_mail()
    assert mailoutbox == []


def failed_invitation(cast: Cast, *, to: Any = None) -> OutgoingMail:
    user = to or cast.carla.user
    message = EmailMessage("Hello", "text", to=[user.email])
    posted = post_mail(
        message=message, kind=MailKind.INVITATION, user=user, organisation=cast.harper
    )
    rows = OutgoingMail.objects.filter(id=posted.mail_id)
    rows.update(state="failed", failure="mail-refused", reason="The mail server refused the mail.")
    return rows.get()


def test_settings_list_the_mail_that_was_not_sent(cast: Cast) -> None:
    failed_invitation(cast)
    page = signed_in(cast.alice).get(address("settings", cast)).content.decode()
    assert "Mail that wasn't sent" in page
    assert "<strong>Invitation</strong> to carla@acme.example" in page
    assert "The mail server refused the mail." in page


def send_test(browser: Client, cast: Cast) -> str:
    response = opened(browser.post(address("test-mail", cast)))
    assert urlsplit(response.headers["Location"]).fragment == "mail"
    return str(browser.get(response.headers["Location"]).content.decode())


def test_an_owner_sends_a_test_mail_to_themselves(cast: Cast, smtp: Any) -> None:
    with smtp_server() as server:
        smtp(server)
        page = send_test(signed_in(cast.alice), cast)
    assert "took a test mail to alice@harper.example" in page
    assert "To: alice@harper.example" in server.mails[0]


def test_an_unsent_test_mail_is_reported_with_the_reason(cast: Cast, smtp: Any) -> None:
    smtp(None)
    page = send_test(signed_in(cast.alice), cast)
    assert "The test mail wasn't sent. No connection to the mail server 127.0.0.1:1" in page


def test_a_test_mail_that_is_sent_ends_the_warning(cast: Cast, mail_fails: None, smtp: Any) -> None:
    browser = signed_in(cast.alice)
    assert b"mail-fails" in browser.get(address("home", cast)).content
    with smtp_server() as server:
        smtp(server)
        send_test(browser, cast)
    assert b"mail-fails" not in browser.get(address("home", cast)).content


def test_nobody_can_forge_the_result_of_a_test_mail(cast: Cast) -> None:
    page = signed_in(cast.alice).get(f"{address('settings', cast)}?test=W10:1:made-up")
    assert page.status_code == 200
    assert b"test mail to" not in page.content


def test_without_a_mail_server_the_settings_say_which_setting_is_missing(
    cast: Cast, settings: Any
) -> None:
    settings.EMAIL_BACKEND = CONSOLE
    browser = signed_in(cast.alice)
    page = browser.get(address("settings", cast)).content.decode()
    assert "<code>BILLHOOK_EMAIL_URL</code>" in page
    assert "Send a test mail" not in page
    assert browser.post(address("test-mail", cast)).headers["Location"] == address("settings", cast)


SIGN_IN_PAGES = pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code"])


def at_the_code(browser: Client, email: str, path: str) -> str:
    browser.post("/sign-in", {"email": email})
    return str(browser.get(path).content.decode())


@SIGN_IN_PAGES
def test_somebody_waiting_for_a_code_sees_that_mail_fails(
    cast: Cast, mail_fails: None, path: str
) -> None:
    for email in ("carla@acme.example", "nobody@acme.example"):
        page = at_the_code(Client(), email, path)
        assert "Mail can't be sent at the moment, so a code may come late or not at all." in page
        assert 'href="/sign-in/password"' in page
        assert "127.0.0.1:1" not in page  # which server it is, is the operator's matter


@SIGN_IN_PAGES
def test_without_a_mail_server_the_pages_for_strangers_say_so(
    cast: Cast, settings: Any, path: str
) -> None:
    settings.EMAIL_BACKEND = CONSOLE
    assert "no code will arrive" in at_the_code(Client(), "carla@acme.example", path)


def test_a_single_organisation_is_named_as_the_one_to_contact(cast: Cast, settings: Any) -> None:
    settings.EMAIL_BACKEND = CONSOLE
    assert b"the company whose invoices you want to see" in Client().get("/sign-in").content
    cast.northwind.delete()
    assert b"ask <bdi>Harper IT</bdi>" in Client().get("/sign-in").content
    cast.harper.support_email = "help@harper.example"
    cast.harper.save()
    assert b"mailto:help@harper.example" in Client().get("/sign-in").content


@REALLY_WRITTEN
def test_a_code_that_fails_changes_nothing_that_strangers_see(
    db: None, smtp: Any, refused: SmtpServer
) -> None:
    """Else somebody could try addresses, and see which of them a mail was sent for."""
    make_cast()
    smtp(refused)
    known, unknown = Client(), Client()
    for _ in range(2):
        pages = [
            at_the_code(known, "carla@acme.example", "/sign-in/code"),
            at_the_code(unknown, "carlx@acme.example", "/sign-in/code"),
        ]
        check_mail_if_due()
        assert not any("Mail can't be sent" in page for page in pages)
    failures = set(OutgoingMail.objects.values_list("failure", flat=True))
    assert failures == {"mail-recipient-refused"}
