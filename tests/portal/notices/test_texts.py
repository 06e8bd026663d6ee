"""An editor writes the organisation's own texts, sees them with an invoice, and has them sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billhook.portal.notices.mail_tokens import LIST, filled, problem_of, tokens_of
from billhook.portal.notices.models import NoticeRules, NoticeText
from portal.cast import Cast, invoice
from portal.notices.mail_catcher import MailCatcher

MINE = {"subject": "New: {{InvoiceNumber}}", "body": "Dear {{ContactName}},\n\npay {{Amount}}."}


def address(cast: Cast, kind: str = "new", code: str = "en") -> str:
    return f"/backoffice/{cast.harper.id}/notices/texts/{kind}/{code}"


@pytest.mark.django_db
def test_a_changed_text_is_previewed_saved_sent_and_taken_back(
    cast: Cast,
    sign_in: Callable[..., Client],
    turn_on: Callable[..., NoticeRules],
    look: Callable[[], None],
    catcher: MailCatcher,
) -> None:
    bob = sign_in(cast.bob)
    page = bob.post(address(cast), MINE | {"do": "preview"}).content.decode()
    assert "Dear Bob," in page
    assert "New: INV-" in page
    assert not NoticeText.objects.exists()
    assert b"(changed)" not in bob.get(f"/backoffice/{cast.harper.id}/notices").content
    bob.post(address(cast), MINE | {"do": "save"})
    assert b"(changed)" in bob.get(f"/backoffice/{cast.harper.id}/notices").content
    turn_on(sends_new=True)
    invoice(cast.acme, "N-1", issued_on=timezone.now().date())
    look()
    (mail,) = catcher.mails
    body = mail.get_body(("plain",))
    assert mail["Subject"] == "New: N-1"
    assert body is not None
    assert "Dear Carla,\n\npay €1,240.00." in body.get_content().replace("\r", "")
    bob.post(address(cast), {"do": "usual"})
    assert not NoticeText.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("subject", "New {{invoicenumber}}", "Did you mean {{InvoiceNumber}}?"),
        ("body", "{{InvoiceCount}} invoices", "InvoiceCount"),
        ("body", "Pay {{Amount", "{{Amount"),
        ("subject", "{{InvoiceNumber|odata}}", "can&#x27;t use functions"),
        ("body", "  ", "Text is missing"),
    ],
    ids=["wrong-case", "of-another-mail", "not-closed", "function", "empty"],
)
def test_a_text_that_cannot_be_filled_is_refused_with_a_sentence(
    cast: Cast, sign_in: Callable[..., Client], field: str, text: str, sentence: str
) -> None:
    page = sign_in(cast.bob).post(address(cast), MINE | {field: text, "do": "save"})
    assert sentence in page.content.decode()
    assert not NoticeText.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("path", [("other", "en"), ("new", "xx")])
def test_there_are_no_other_texts(
    cast: Cast, sign_in: Callable[..., Client], path: tuple[str, str]
) -> None:
    assert sign_in(cast.bob).get(address(cast, *path)).status_code == 404


@given(values=st.dictionaries(st.sampled_from(sorted(tokens_of("new"))), st.text()))
def test_a_value_is_never_read_as_a_token(values: dict[str, str]) -> None:
    text = "a {{InvoiceNumber}} b {{CustomerName}} c"
    number, name = values.get("InvoiceNumber", ""), values.get("CustomerName", "")
    assert filled(text, "new", values) == f"a {number} b {name} c"


def test_each_kind_has_its_tokens() -> None:
    assert problem_of("{{InvoiceCount}}", LIST) == ""
    assert problem_of("{{InvoiceNumber}}", LIST)
    assert problem_of("{{InvoiceNumber}}", "overdue") == ""
