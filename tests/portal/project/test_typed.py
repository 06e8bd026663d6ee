"""Nothing typed is lost when a session or a form's token has ended; secrets never come back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from billhook.portal.customers.models import Customer
from billhook.portal.project.refill import refilled
from portal.cast import Cast, signed_in
from portal.integration_cast import integration

SECRET = "typed-secret-8c1f"


class Browser:
    """A browser that sends forms from their page, with the token of that page."""

    def __init__(self, who: Any) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.client.force_login(who.user)
        self.who = who

    def open(self, address: str) -> str:
        response = self.client.get(address)
        self.token = response.context["csrf_token"]
        return response.content.decode()

    def send(self, address: str, fields: dict[str, Any], *, page: str = "", **more: Any) -> Any:
        headers = {"Referer": f"http://testserver{page or address}", **more}
        fields = {"csrfmiddlewaretoken": str(self.token), **fields}
        return self.client.post(address, fields, headers=headers)

    def session_ends(self) -> None:
        Session.objects.all().delete()

    def sign_in_again(self, who: Any = None) -> None:
        """Sign in in this browser, which has the cookie of an anonymous session."""
        self.client.force_login((who or self.who).user)


def new_customer(cast: Cast) -> str:
    return reverse("backoffice:customer-new", args=[cast.harper.id])


FIELDS = {"name": 'Zöld "Kft." & <Co>', "number": "C-77", "locale": "hu"}


def assert_is_filled(page: str) -> None:
    assert 'value="Zöld &quot;Kft.&quot; &amp; &lt;Co&gt;"' in page
    assert 'value="C-77"' in page
    assert "nothing was saved. Here is what you typed" in page


def test_after_signing_in_again_the_form_has_what_was_typed(cast: Cast) -> None:
    browser = Browser(cast.bob)
    browser.open(new_customer(cast))
    browser.session_ends()
    response = browser.send(new_customer(cast), FIELDS)
    assert response.url == f"/sign-in?next={new_customer(cast)}"
    browser.sign_in_again()
    assert_is_filled(browser.open(new_customer(cast)))
    assert not Customer.objects.filter(number="C-77").exists()
    browser.send(new_customer(cast), FIELDS)
    assert Customer.objects.filter(number="C-77").exists()


def test_a_form_with_an_old_token_is_shown_again_filled(cast: Cast) -> None:
    browser = Browser(cast.bob)
    browser.open(new_customer(cast))
    browser.client.cookies["billhook-csrf"] = "x" * 32  # signed in again in another tab
    response = browser.send(new_customer(cast), FIELDS)
    assert response.url == new_customer(cast)
    assert_is_filled(browser.open(new_customer(cast)))
    assert 'value="C-77"' not in browser.open(new_customer(cast))  # once


def test_a_form_on_the_page_of_something_else_is_filled_there(cast: Cast) -> None:
    browser = Browser(cast.bob)
    page = reverse("backoffice:customer", args=[cast.harper.id, cast.acme.id])
    action = reverse("backoffice:contact-invite", args=[cast.harper.id, cast.acme.id])
    browser.open(page)
    browser.session_ends()
    response = browser.send(action, {"email": "new@acme.example", "name": "New"}, page=page)
    assert response.url == f"/sign-in?next={page}"
    browser.sign_in_again()
    assert 'value="new@acme.example"' in browser.open(page)


@pytest.mark.parametrize("is_new", [False, True], ids=["stored", "new"])
def test_the_editor_comes_back_with_all_its_rows_and_without_secrets(
    cast: Cast, is_new: bool
) -> None:
    row = integration(cast.harper)
    address = reverse("backoffice:integration-new", args=[cast.harper.id])
    if not is_new:
        address = reverse("backoffice:integration", args=[cast.harper.id, row.id])
    browser = Browser(cast.bob)
    browser.open(address)
    fields = {
        "version": "1",
        "name": "Half done",
        "variable-0-name": "BaseUrl",
        "variable-0-value": "https://half.example",
        "variable-1-name": "Second",
        "variable-1-value": "row",
        "secret-0-name": "ApiKey",
        "secret-0-value": SECRET,
        "command-0-name": "GetInvoiceImage",
        "command-0-steps-0-url": "{{BaseUrl}}/a/{{InvoiceNumber}}",
        "do": "save",
    }
    browser.session_ends()
    browser.send(address, fields)
    assert SECRET not in "".join(str(each.get_decoded()) for each in Session.objects.all())
    browser.sign_in_again()
    page = browser.open(address)
    for text in ("Half done", "https://half.example", "Second", "{{BaseUrl}}/a/{{InvoiceNumber}}"):
        assert f'value="{text}"' in page
    assert SECRET not in page
    assert "data-changed" in page  # leaving the page asks first
    row.refresh_from_db()
    assert row.name == "Acme billing"


def test_what_was_typed_is_not_filled_in_for_who_may_not_see_the_page(cast: Cast) -> None:
    browser = Browser(cast.bob)
    browser.open(new_customer(cast))
    browser.session_ends()
    browser.send(new_customer(cast), FIELDS)
    browser.sign_in_again(cast.charlie)
    assert browser.client.get(new_customer(cast)).status_code == 404


def test_a_form_of_another_site_is_refused_as_before(cast: Cast) -> None:
    browser = Browser(cast.bob)
    browser.open(new_customer(cast))
    response = browser.send(
        new_customer(cast),
        {**FIELDS, "csrfmiddlewaretoken": "none"},
        Referer="http://evil.example/",
    )
    assert response.status_code == 403
    assert 'value="C-77"' not in browser.open(new_customer(cast))


def test_what_a_script_sends_is_not_kept(cast: Cast) -> None:
    browser = Browser(cast.bob)
    browser.open(new_customer(cast))
    browser.session_ends()
    browser.send(new_customer(cast), FIELDS, **{"Sec-Fetch-Mode": "cors"})
    assert not Session.objects.exists()


def test_a_stranger_can_not_fill_the_database_with_forms(cast: Cast) -> None:
    stranger = Client()
    for number in range(25):
        stranger.cookies["billhook-csrf"] = "x" * 32
        stranger.cookies.pop("billhook", None)
        stranger.post(new_customer(cast), {"name": str(number)})
    assert Session.objects.count() == 20


def test_passwords_are_not_kept(cast: Cast) -> None:
    browser = Browser(cast.bob)
    browser.open("/settings/password/new")
    browser.session_ends()
    browser.send("/settings/password/new", {"password1": SECRET})
    assert not Session.objects.exists()


def test_nothing_but_the_sent_form_of_a_page_is_filled() -> None:
    page = (
        '<form method="get"><input name="a" value="1"></form>'
        '<form method="post" action="/x"><input name="a" value="2"></form>'
        '<form method="post"><input name="a" value="3"><input type=password name="p">'
        '<input type="hidden" name="h" value="4"><input type="checkbox" name="t" checked>'
        '<input type="checkbox" name="u"><select name="s"><option value="1" selected>I</option>'
        '<option value="2">II</option></select><textarea name="n">\nold</textarea></form>'
    )
    typed = {"a": ["<9>"], "p": ["9"], "h": ["9"], "u": ["on"], "s": ["2"], "n": ["new\nline"]}
    assert refilled(page, typed, action="/y", address="/y") == (
        '<form method="get"><input name="a" value="1"></form>'
        '<form method="post" action="/x"><input name="a" value="2"></form>'
        '<form method="post"><input name="a" value="&lt;9&gt;"><input type=password name="p">'
        '<input type="hidden" name="h" value="4"><input type="checkbox" name="t">'
        '<input type="checkbox" name="u" checked><select name="s"><option value="1">I</option>'
        '<option value="2" selected>II</option></select><textarea name="n">\nnew\nline</textarea>'
        "</form>"
    )
    assert re.sub("<9>", "", refilled(page, {}, action="/none", address="/y")) == page


def test_a_signed_in_person_without_anything_typed_sees_plain_forms(cast: Cast) -> None:
    page = signed_in(cast.bob).get(new_customer(cast)).content.decode()
    assert "Here is what you typed" not in page
