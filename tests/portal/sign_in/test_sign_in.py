"""Signing in by a code or a password, what strangers learn from it, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from billhook.portal.accounts.services import set_password
from billhook.portal.customers import services as customers
from portal.cast import PASSWORD, Cast, signed_in

Settle = Callable[[], None]


@pytest.fixture
def ask_for_code(
    cast: Cast, mailoutbox: list[EmailMessage], sent_mail: Settle
) -> Callable[..., tuple[Any, str]]:
    """Return a function that asks for a code, and gives the answer and the code from the mail."""

    def ask(browser: Client, email: str, address: str = "/sign-in") -> tuple[Any, str]:
        mailoutbox.clear()
        next_page = parse_qs(urlsplit(address).query).get("next", [""])[0]
        response = browser.post("/sign-in", {"email": email, "next": next_page})
        sent_mail()
        found = re.search(r"\d{6}", str(mailoutbox[0].subject)) if mailoutbox else None
        return response, found.group() if found else ""

    return ask


def test_a_contact_signs_in_with_the_code_and_lands_on_their_invoices(ask_for_code: Any) -> None:
    browser = Client()
    response, code = ask_for_code(browser, "Carla@Acme.example")
    assert response.headers["Location"] == "/sign-in/code"
    signed = browser.post("/sign-in/code", {"code": f" {code[:3]} {code[3:]} "}, follow=True)
    assert signed.redirect_chain == [("/", 302)]
    assert b"INV-1" in signed.content


def test_a_member_lands_in_the_backoffice(cast: Cast, ask_for_code: Any) -> None:
    browser = Client()
    _, code = ask_for_code(browser, "bob@harper.example")
    response = browser.post("/sign-in/code", {"code": code})
    assert response.headers["Location"] == f"/backoffice/{cast.harper.id}"


def test_somebody_who_is_member_and_contact_has_both_in_the_menu(cast: Cast) -> None:
    customers.invite_contact(customer=cast.acme, email=cast.alice.user.email)
    page = signed_in(cast.alice).get("/").content.decode()
    assert f'href="/backoffice/{cast.harper.id}"' in page
    assert "My invoices" in page


def test_somebody_with_only_one_destination_is_not_asked_where_to_go(cast: Cast) -> None:
    assert b"My invoices" not in signed_in(cast.carla).get("/").content


def test_a_deep_link_survives_signing_in(cast: Cast, ask_for_code: Any) -> None:
    browser = Client()
    link = f"/invoices/{cast.open.id}"
    refused = browser.get(link)
    assert refused.headers["Location"] == f"/sign-in?next={link}"
    response, code = ask_for_code(browser, "carla@acme.example", refused.headers["Location"])
    after = browser.post(response.headers["Location"], {"code": code})
    assert after.headers["Location"] == link


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "https://localhost/x",
        "http://127.0.0.1/x",
        "http://[::1]/x",
        "http://testserver/x",
        "evil",
    ],
)
def test_signing_in_redirects_only_within_the_site(ask_for_code: Any, elsewhere: str) -> None:
    browser = Client()
    _, code = ask_for_code(browser, "carla@acme.example")
    response = browser.post("/sign-in/code", {"code": code, "next": elsewhere})
    assert response.headers["Location"] == "/"


def test_the_response_is_the_same_whether_the_address_is_known_or_not(
    ask_for_code: Any, mailoutbox: list[EmailMessage]
) -> None:
    pages = []
    for email in ("carla@acme.example", "carlx@acme.example"):
        browser = Client()
        response, _ = ask_for_code(browser, email)
        page = browser.get("/sign-in/code").content.decode()
        wrong = browser.post("/sign-in/code", {"code": "000000x"}).content.decode()
        pages.append(
            (response.status_code, response.headers["Location"], _bare(page), _bare(wrong))
        )
    assert pages[0] == pages[1]
    assert mailoutbox == []  # nothing is sent to strangers


def _bare(page: str) -> str:
    """Return *page* without the address that was typed and the form's token."""
    return re.sub(r'value="\w{64}"|carl[ax]@acme\.example', "", page)


def test_the_mail_contains_the_code_and_no_link_that_signs_in_automatically(
    ask_for_code: Any, mailoutbox: list[EmailMessage]
) -> None:
    _, code = ask_for_code(Client(), "carla@acme.example")
    (mail,) = mailoutbox
    assert mail.to == ["carla@acme.example"]
    link = f"http://127.0.0.1:8000/sign-in/code#code={code}"
    assert link in str(mail.body)
    assert Client().get(link).status_code == 302  # who opens it elsewhere is asked for the e-mail


def test_the_link_in_the_mail_leads_to_the_requested_page(
    cast: Cast, ask_for_code: Any, mailoutbox: list[EmailMessage]
) -> None:
    page = f"/invoices/{cast.open.id}"
    _, code = ask_for_code(Client(), "carla@acme.example", f"/sign-in?next={page}")
    link = f"/sign-in/code?next=%2Finvoices%2F{cast.open.id}#code={code}"
    assert link in str(mailoutbox[0].body)
    ask_for_code(Client(), "carla@acme.example", "/sign-in?next=https://evil.example/")
    assert "evil" not in str(mailoutbox[0].body)


def test_the_code_field_works_with_phones_and_password_managers(ask_for_code: Any) -> None:
    browser = Client()
    ask_for_code(browser, "carla@acme.example")
    page = browser.get("/sign-in/code").content.decode()
    (field,) = re.findall(r'<input type="text" name="code"[^>]*>', page)
    assert 'autocomplete="one-time-code"' in field
    assert 'inputmode="numeric"' in field
    assert "maxlength" not in field  # pasting "123 456" must work


def test_three_wrong_codes_end_the_sign_in(ask_for_code: Any) -> None:
    browser = Client()
    _, code = ask_for_code(browser, "carla@acme.example")
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(3):
        browser.post("/sign-in/code", {"code": wrong})
    assert browser.post("/sign-in/code", {"code": code}).headers["Location"] == "/sign-in"
    assert browser.get("/").status_code == 302


def test_a_code_expires(ask_for_code: Any, settings: Any) -> None:
    browser = Client()
    _, code = ask_for_code(browser, "carla@acme.example")
    settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT = -1
    assert browser.post("/sign-in/code", {"code": code}).headers["Location"] == "/sign-in"


def test_a_code_works_once(ask_for_code: Any) -> None:
    browser = Client()
    _, code = ask_for_code(browser, "carla@acme.example")
    browser.post("/sign-in/code", {"code": code})
    browser.post("/sign-out")
    assert browser.post("/sign-in/code", {"code": code}).headers["Location"] == "/sign-in"


def test_a_code_works_only_in_the_browser_that_asked_for_it(ask_for_code: Any) -> None:
    _, code = ask_for_code(Client(), "carla@acme.example")
    other = Client()
    other.post("/sign-in", {"email": "carla@acme.example"})
    other.post("/sign-in/code", {"code": code})
    assert other.get("/").status_code == 302


@pytest.mark.parametrize("email", ["carla@acme.example", "nobody@acme.example"])
def test_codes_are_limited_for_an_address_known_or_not(ask_for_code: Any, email: str) -> None:
    for _ in range(3):
        response, _ = ask_for_code(Client(), email)
        assert response.status_code == 302
    refused, code = ask_for_code(Client(), email)
    assert refused.status_code == 200
    assert "Too many attempts" in refused.content.decode()
    assert code == ""


@pytest.mark.parametrize("strangers", [3, 40])
def test_strangers_who_ask_for_codes_do_not_keep_a_contact_out(
    ask_for_code: Any, mailoutbox: list[EmailMessage], sent_mail: Settle, strangers: int
) -> None:
    for n in range(strangers):
        Client(REMOTE_ADDR=f"198.51.100.{n}").post("/sign-in", {"email": "carla@acme.example"})
    sent_mail()
    mailed = str(mailoutbox[-1].subject).partition(" ")[0]
    browser = Client(REMOTE_ADDR="203.0.113.1")
    response, code = ask_for_code(browser, "carla@acme.example")
    assert response.headers["Location"] == "/sign-in/code"
    assert browser.post("/sign-in/code", {"code": code or mailed}).headers["Location"] == "/"


def test_an_address_that_many_ask_for_gets_one_mail_with_a_code_too_long_to_guess(
    ask_for_code: Any, mailoutbox: list[EmailMessage], sent_mail: Settle
) -> None:
    for n in range(40):
        browser = Client(REMOTE_ADDR=f"198.51.100.{n}")
        browser.post("/sign-in", {"email": "carla@acme.example"})
        browser.post("/sign-in/code", {"action": "resend"})
    sent_mail()
    codes = [str(mail.subject).partition(" ")[0] for mail in mailoutbox]
    (long,) = [code for code in codes if len(code) == 12]
    assert len(codes) <= 11
    again = browser.post("/sign-in/code", {"code": long})
    assert again.headers["Location"] == "/"


def test_wrong_passwords_of_strangers_do_not_keep_a_person_out(cast: Cast) -> None:
    set_password(user=cast.carla.user, password=PASSWORD)
    wrong = {"login": "carla@acme.example", "password": "wrong"}
    for n in range(30):
        Client(REMOTE_ADDR=f"198.51.100.{n}").post("/sign-in/password", wrong)
    browser = Client(REMOTE_ADDR="203.0.113.1")
    response = browser.post("/sign-in/password", wrong | {"password": PASSWORD})
    assert response.headers["Location"] == "/"


def test_a_code_link_on_another_device_explains_itself_and_keeps_the_page(cast: Cast) -> None:
    page = f"/invoices/{cast.open.id}"
    browser = Client()
    shown = browser.get(f"/sign-in/code?next={page}", follow=True)
    assert shown.redirect_chain == [(f"/sign-in?next=%2Finvoices%2F{cast.open.id}", 302)]
    text = shown.content.decode()
    assert "in the browser where you asked for it" in text
    assert f'name="next" value="{page}"' in text


def test_another_address_can_be_typed_at_any_time(ask_for_code: Any) -> None:
    browser = Client()
    ask_for_code(browser, "carlx@acme.example")
    assert browser.get("/sign-in").status_code == 200
    _, code = ask_for_code(browser, "carla@acme.example")
    assert browser.post("/sign-in/code", {"code": code}).headers["Location"] == "/"


def test_a_password_signs_in(cast: Cast) -> None:
    set_password(user=cast.carla.user, password=PASSWORD)
    browser = Client()
    response = browser.post(
        "/sign-in/password", {"login": "CARLA@acme.example", "password": PASSWORD}
    )
    assert response.headers["Location"] == "/"


def test_a_wrong_password_reveals_nothing_about_the_address(cast: Cast) -> None:
    set_password(user=cast.carla.user, password=PASSWORD)
    pages = [
        _bare(
            Client()
            .post("/sign-in/password", {"login": email, "password": "wrong"})
            .content.decode()
        )
        for email in ("carla@acme.example", "carlx@acme.example")
    ]
    assert pages[0] == pages[1]
    assert "This e-mail and password don&#x27;t match" in pages[0]


def test_five_wrong_passwords_lock_the_address_for_a_while(cast: Cast) -> None:
    set_password(user=cast.carla.user, password=PASSWORD)
    for _ in range(5):
        Client().post("/sign-in/password", {"login": "carla@acme.example", "password": "wrong"})
    right = {"login": "carla@acme.example", "password": PASSWORD}
    response = Client().post("/sign-in/password", right)
    assert "Too many attempts" in response.content.decode()


def test_a_disabled_person_gets_no_code_and_cannot_sign_in(cast: Cast, ask_for_code: Any) -> None:
    set_password(user=cast.carla.user, password=PASSWORD)
    cast.carla.user.is_active = False
    cast.carla.user.save()
    _, code = ask_for_code(Client(), "carla@acme.example")
    assert code == ""
    browser = Client()
    browser.post("/sign-in/password", {"login": "carla@acme.example", "password": PASSWORD})
    assert browser.get("/").status_code == 302


def test_a_person_who_is_disabled_is_signed_out(cast: Cast) -> None:
    browser = signed_in(cast.carla)
    assert browser.get("/").status_code == 200
    cast.carla.user.is_active = False
    cast.carla.user.save()
    assert browser.get("/").status_code == 302


def test_signing_out_ends_the_session_on_the_server(cast: Cast) -> None:
    browser = signed_in(cast.carla)
    thief = Client()
    thief.cookies = browser.cookies.copy()
    assert thief.get("/").status_code == 200
    assert browser.post("/sign-out").headers["Location"] == "/sign-in"
    assert thief.get("/").status_code == 302


def test_a_link_on_its_own_signs_nobody_out(cast: Cast) -> None:
    browser = signed_in(cast.carla)
    assert browser.get("/sign-out").status_code == 200
    assert browser.get("/").status_code == 200


def test_a_changed_password_ends_all_other_sessions(cast: Cast) -> None:
    set_password(user=cast.carla.user, password=PASSWORD)
    here, elsewhere = signed_in(cast.carla), signed_in(cast.carla)
    new = {"oldpassword": PASSWORD, "password1": "another horse battery"}
    assert here.post("/settings/password", new).headers["Location"] == "/settings"
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302


def test_a_first_password_can_be_set_and_a_weak_one_is_refused(cast: Cast) -> None:
    browser = signed_in(cast.carla)
    weak = browser.post("/settings/password/new", {"password1": "password"})
    assert weak.status_code == 200
    assert "10 characters" in weak.content.decode()
    assert browser.post("/settings/password/new", {"password1": PASSWORD}).status_code == 302
    cast.carla.user.refresh_from_db()
    assert cast.carla.user.check_password(PASSWORD)


def test_a_name_can_be_changed(cast: Cast) -> None:
    browser = signed_in(cast.carla)
    page = browser.post("/settings", {"name": " Carla C. "}, follow=True)
    assert "Saved." in page.content.decode()
    cast.carla.user.refresh_from_db()
    assert cast.carla.user.name == "Carla C."


@pytest.mark.parametrize("path", ["/accounts/signup/", "/sign-up", "/signup", "/admin/"])
def test_nobody_signs_up(cast: Cast, path: str) -> None:
    assert Client().get(path).status_code == 404


def test_a_mail_server_that_fails_breaks_no_page(
    cast: Cast, settings: Any, sent_mail: Settle
) -> None:
    settings.EMAIL_BACKEND = "billhook.portal.mail.smtp.LimitedSmtp"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    response = Client().post("/sign-in", {"email": "carla@acme.example"})
    sent_mail()
    assert response.headers["Location"] == "/sign-in/code"
