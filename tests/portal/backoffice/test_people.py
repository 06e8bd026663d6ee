"""Members and contacts are invited, changed and removed, and the last owner stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.urls import reverse

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.organisations.models import Member, Organisation, Role
from billhook.portal.organisations.services import disable_member
from portal.cast import Cast, signed_in


def address(route: str, cast: Cast, *ids: str) -> str:
    return reverse(f"backoffice:{route}", args=[cast.harper.id, *ids])


def only_mail(settle: Callable[[], None]) -> EmailMessage:
    settle()
    [message] = mail.outbox
    return message


def test_an_invited_contact_gets_a_mail_that_explains_how_to_sign_in(
    cast: Cast, sent_mail: Callable[[], None], settings: object
) -> None:
    client = signed_in(cast.bob)
    form = {"email": "Dana@Acme.example", "name": "Dana"}
    response = client.post(address("contact-invite", cast, cast.acme.id), form, follow=True)
    page = response.content.decode()
    assert "dana@acme.example can see the invoices of Acme now." in page
    assert "is on its way to dana@acme.example." in page
    assert Contact.objects.filter(customer=cast.acme, user__email="dana@acme.example").exists()
    message = only_mail(sent_mail)
    assert message.to == ["dana@acme.example"]
    assert message.subject == "Your invoices from Harper IT"
    assert f"{settings.PUBLIC_URL}/sign-in\n" in message.body  # type: ignore[attr-defined]
    assert "dana@acme.example" in message.body


def test_an_invited_member_gets_a_mail_and_the_role(
    cast: Cast, sent_mail: Callable[[], None]
) -> None:
    form = {"email": "eve@harper.example", "name": "Eve", "role": "editor"}
    signed_in(cast.alice).post(address("member-invite", cast), form)
    member = Member.objects.get(organisation=cast.harper, user__email="eve@harper.example")
    assert member.role == Role.EDITOR
    message = only_mail(sent_mail)
    assert message.to == ["eve@harper.example"]
    assert "Alice made you a member of Harper IT, as editor." in message.body


def test_no_mail_signs_anybody_in(cast: Cast, sent_mail: Callable[[], None]) -> None:
    form = {"email": "dana@acme.example", "name": ""}
    signed_in(cast.bob).post(address("contact-invite", cast, cast.acme.id), form)
    body = only_mail(sent_mail).body
    assert [word for word in body.split() if "://" in word] == ["http://127.0.0.1:8000/sign-in"]


def test_an_organisations_name_cannot_add_a_header_to_a_mail(
    cast: Cast, sent_mail: Callable[[], None]
) -> None:
    Organisation.objects.filter(id=cast.harper.id).update(name="Harper\r\nBcc: x@evil.example")
    form = {"email": "dana@acme.example", "name": ""}
    signed_in(cast.bob).post(address("contact-invite", cast, cast.acme.id), form)
    message = only_mail(sent_mail)
    assert message.subject == "Your invoices from Harper Bcc: x@evil.example"
    assert message.recipients() == ["dana@acme.example"]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (
            {"email": "dana", "name": "Dana"},
            "This isn&#x27;t an e-mail address, such as dana@acme.com.",
        ),
        ({"email": "", "name": "Dana"}, "E-mail is missing."),
        ({"email": "carla@acme.example", "name": "Dana"}, "is already a contact of Acme"),
    ],
    ids=["no address", "empty", "known"],
)
def test_a_problem_in_an_invitation_appears_at_its_field_and_nothing_typed_is_lost(
    cast: Cast, sent_mail: Callable[[], None], form: dict[str, str], sentence: str
) -> None:
    response = signed_in(cast.bob).post(address("contact-invite", cast, cast.acme.id), form)
    page = response.content.decode()
    assert page.count(sentence) == 2  # on top and at the field
    assert 'href="#id_email"' in page
    assert 'value="Dana"' in page
    sent_mail()
    assert mail.outbox == []


def test_a_removed_contact_no_longer_sees_anything(cast: Cast) -> None:
    contact = signed_in(cast.carla)
    assert contact.get(reverse("invoice", args=[cast.open.id])).status_code == 200
    client = signed_in(cast.bob)
    remove = address("contact-remove", cast, cast.carla.id)
    assert "Remove carla@acme.example?" in client.get(remove).content.decode()
    assert contact.get(reverse("invoice", args=[cast.open.id])).status_code == 200
    client.post(remove)
    assert contact.get(reverse("invoice", args=[cast.open.id])).status_code == 404


def test_a_role_is_changed(cast: Cast) -> None:
    client = signed_in(cast.alice)
    role = address("member-role", cast, cast.vera.id)
    response = client.post(role, {"role": "editor"}, follow=True)
    assert "vera@harper.example is an editor now." in response.content.decode()
    assert Member.objects.get(id=cast.vera.id).role == Role.EDITOR


def test_an_unknown_role_is_refused(cast: Cast) -> None:
    role = address("member-role", cast, cast.vera.id)
    response = signed_in(cast.alice).post(role, {"role": "emperor"}, follow=True)
    assert "This role doesn&#x27;t exist." in response.content.decode()
    assert Member.objects.get(id=cast.vera.id).role == Role.VIEWER


def test_the_last_owner_remains_an_owner_and_a_member(cast: Cast) -> None:
    client = signed_in(cast.alice)
    role = address("member-role", cast, cast.alice.id)
    response = client.post(role, {"role": "viewer"}, follow=True)
    assert "An organisation needs an owner." in response.content.decode()
    response = client.post(address("member-remove", cast, cast.alice.id))
    assert "An organisation needs an owner." in response.content.decode()
    assert Member.objects.get(id=cast.alice.id).role == Role.OWNER


def test_a_member_whom_the_operator_disabled_is_marked_in_the_list(cast: Cast) -> None:
    page = reverse("backoffice:members", args=[cast.harper.id])
    assert b"disabled</span>" not in signed_in(cast.alice).get(page).content
    disable_member(member=cast.bob)
    assert signed_in(cast.alice).get(page).content.count(b"disabled</span>") == 1


def test_an_owner_may_leave_when_there_is_another(cast: Cast) -> None:
    client = signed_in(cast.alice)
    client.post(address("member-role", cast, cast.bob.id), {"role": "owner"})
    response = client.post(address("member-remove", cast, cast.alice.id))
    assert response.headers["Location"] == reverse("home")
    assert client.get(address("home", cast)).status_code == 404


def test_a_removed_member_remains_a_person(cast: Cast) -> None:
    signed_in(cast.alice).post(address("member-remove", cast, cast.bob.id))
    assert not Member.objects.filter(user=cast.bob.user).exists()
    assert User.objects.filter(id=cast.bob.user_id).exists()


def test_settings_are_saved(cast: Cast) -> None:
    form = {"name": "Harper", "support_email": "Help@Harper.example", "runs_kept_days": "30"}
    signed_in(cast.alice).post(address("settings", cast), form)
    saved = Organisation.objects.get(id=cast.harper.id)
    assert (saved.name, saved.support_email, saved.runs_kept_days) == (
        "Harper",
        "help@harper.example",
        30,
    )


def test_a_summary_is_allowed_in_the_settings(cast: Cast) -> None:
    form = {"name": "Harper", "support_email": "", "runs_kept_days": "30"}
    alice = signed_in(cast.alice)
    for sent, allowed in (({"plain_rendering": "on"}, True), ({}, False)):
        alice.post(address("settings", cast), form | sent)
        assert Organisation.objects.get(id=cast.harper.id).plain_rendering == allowed


@pytest.mark.parametrize("days", ["0", "-1", "3651", "many", ""])
def test_meaningless_numbers_of_days_are_refused(cast: Cast, days: str) -> None:
    form = {"name": "Harper", "support_email": "", "runs_kept_days": days}
    response = signed_in(cast.alice).post(address("settings", cast), form)
    assert 'href="#id_runs_kept_days"' in response.content.decode()
    assert Organisation.objects.get(id=cast.harper.id).runs_kept_days == 90


def test_a_customer_is_created_changed_and_removed(cast: Cast) -> None:
    client = signed_in(cast.bob)
    form = {"name": "Cyan", "number": "C-9", "locale": "de-AT"}
    client.post(address("customer-new", cast), form)
    made = Customer.objects.get(organisation=cast.harper, number="C-9")
    client.post(address("customer-edit", cast, made.id), form | {"name": "Cyan AG"})
    assert Customer.objects.get(id=made.id).name == "Cyan AG"
    client.post(address("customer-remove", cast, made.id))
    assert not Customer.objects.filter(id=made.id).exists()


def test_a_customer_with_invoices_cannot_be_removed_and_the_page_says_so_before(
    cast: Cast,
) -> None:
    address = f"/backoffice/{cast.harper.id}/customers/{cast.acme.id}/remove"
    page = signed_in(cast.alice).get(address).content.decode()
    assert "Acme has 4 invoices, so it can&#x27;t be removed" in page
    assert 'data-kind="danger"' not in page
    cast.of_bolt.delete()
    address = f"/backoffice/{cast.harper.id}/customers/{cast.bolt.id}/remove"
    assert 'data-kind="danger"' in signed_in(cast.alice).get(address).content.decode()


def test_a_customer_that_got_an_invoice_in_the_meantime_is_not_removed(cast: Cast) -> None:
    response = signed_in(cast.bob).post(address("customer-remove", cast, cast.acme.id))
    assert "Acme has invoices." in response.content.decode()
    assert Customer.objects.filter(id=cast.acme.id).exists()


def test_customer_numbers_are_unique(cast: Cast) -> None:
    form = {"name": "Cyan", "number": "C-1", "locale": ""}
    page = signed_in(cast.bob).post(address("customer-new", cast), form).content.decode()
    assert "Customer C-1 already exists." in page
    assert 'value="Cyan"' in page


@pytest.mark.parametrize(
    ("search", "found"),
    [("acm", ["Acme"]), ("C-2", ["Bolt"]), ("", ["Acme", "Bolt"]), ("cedar", []), ("%", [])],
    ids=["name", "number", "nothing", "another organisation's", "a wildcard"],
)
def test_customers_are_found_by_name_and_number(cast: Cast, search: str, found: list[str]) -> None:
    response = signed_in(cast.vera).get(address("customers", cast), {"q": search})
    assert [row["customer"].name for row in response.context["rows"]] == found


def test_pages_do_not_offer_what_a_viewer_may_not_do(cast: Cast) -> None:
    for route, ids in (("customer", [cast.acme.id]), ("invoice", [cast.open.id]), ("members", [])):
        page = signed_in(cast.vera).get(address(route, cast, *ids)).content.decode()
        for offer in ("/remove", "/edit", "/contacts", "/invite", "/role", "/new"):
            assert f'{offer}"' not in page


def test_home_lists_what_still_needs_to_be_done(cast: Cast) -> None:
    response = signed_in(cast.alice).get(address("home", cast))
    assert [task.is_done for task in response.context["tasks"]] == [False, True, True, True, False]
    response = signed_in(cast.bob).get(address("home", cast))  # who sets no mail server up
    assert [task.is_done for task in response.context["tasks"]] == [False, True, True, False]


def test_a_person_of_two_organisations_can_go_to_both(cast: Cast) -> None:
    Member.objects.create(organisation=cast.northwind, user=cast.bob.user, role=Role.VIEWER)
    page = signed_in(cast.bob).get(address("home", cast)).content.decode()
    for organisation in (cast.harper, cast.northwind):
        assert f'href="{reverse("backoffice:home", args=[organisation.id])}"' in page
