"""Commands of operators for organisations, members, contacts and sessions."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session

from billhook.engine.secret import Secret
from billhook.portal.accounts.models import User
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.organisations.first_run import setup_code
from billhook.portal.organisations.models import Organisation
from billhook.server.operations import people
from portal.cast import Cast, make_cast, signed_in

pytestmark = pytest.mark.django_db
PASSWORD = Secret("correct horse battery")


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def test_the_first_organisation_closes_the_set_up_page() -> None:
    assert setup_code()
    owner = people.add_organisation(
        name="Acme", owner_email="Owner@Acme.example", owner_name="Olga", password=PASSWORD
    )
    assert (owner.email, owner.role, owner.password) == ("owner@acme.example", "owner", True)
    assert setup_code() is None
    assert [each.name for each in people.list_organisations()] == ["Acme"]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Ac\u202eme"}, "name"),
        ({"name": "Harper IT"}, "name"),
        ({"owner_email": "nobody"}, "email"),
        ({"password": Secret("short")}, "password"),
    ],
)
def test_an_organisation_that_the_portal_would_refuse_is_refused(cast: Cast, facts, field) -> None:
    before = Organisation.objects.count(), User.objects.count()
    with pytest.raises(FieldProblem) as refused:
        people.add_organisation(**{"name": "New", "owner_email": "o@new.example", **facts})
    assert refused.value.field == field
    assert (Organisation.objects.count(), User.objects.count()) == before


def test_members_of_one_organisation_or_of_all_are_listed(cast: Cast) -> None:
    assert [each.email for each in people.list_members(organisation="Northwind")] == [
        "charlie@northwind.example"
    ]
    assert len(people.list_members(organisation="")) == 4
    assert people.list_members(organisation=cast.northwind.id)[0].role == "owner"


def test_with_several_organisations_one_must_be_named(cast: Cast) -> None:
    with pytest.raises(FieldProblem, match="--organisation"):
        people.add_member(organisation="", email="n@new.example", role="viewer")
    with pytest.raises(FieldProblem, match="organisations list"):
        people.add_member(organisation="Harpr", email="n@new.example", role="viewer")
    added = people.add_member(organisation="Harper IT", email="n@new.example", role="viewer")
    assert (added.organisation, added.role, added.password) == ("Harper IT", "viewer", False)


def test_a_member_is_added_once_and_with_a_role_that_exists(cast: Cast) -> None:
    with pytest.raises(FieldProblem, match="already"):
        people.add_member(organisation="Harper IT", email="BOB@harper.example", role="viewer")
    with pytest.raises(FieldProblem) as refused:
        people.add_member(organisation="Harper IT", email="n@new.example", role="king")
    assert refused.value.field == "role"


def test_a_new_password_signs_its_member_out(cast: Cast) -> None:
    browser, other = signed_in(cast.bob), signed_in(cast.vera)
    assert people.set_member_password(email="bob@harper.example", password=PASSWORD) == 1
    assert User.objects.get(email="bob@harper.example").check_password(PASSWORD.reveal())
    assert browser.get("/").status_code == 302
    assert Session.objects.count() == 1
    assert other.get("/settings").status_code == 200


def test_contacts_and_strangers_are_not_members(cast: Cast) -> None:
    for email in ("carla@acme.example", "nobody@nowhere.example"):
        with pytest.raises(FieldProblem, match="no member"):
            people.set_member_password(email=email, password=PASSWORD)


def test_the_last_owner_is_kept(cast: Cast) -> None:
    for change in (
        lambda: people.set_member_role(
            organisation="Harper IT", email="alice@harper.example", role="viewer"
        ),
        lambda: people.disable_member(email="alice@harper.example"),
    ):
        with pytest.raises(FieldProblem, match="needs an owner"):
            change()
    people.set_member_role(organisation="Harper IT", email="bob@harper.example", role="owner")
    people.disable_member(email="bob@harper.example")
    with pytest.raises(FieldProblem, match="needs an owner"):  # a disabled owner doesn't count
        people.disable_member(email="alice@harper.example")


def test_a_disabled_member_is_signed_out_until_enabled_again(cast: Cast) -> None:
    browser = signed_in(cast.bob)
    assert not people.disable_member(email="bob@harper.example").active
    assert browser.get("/settings").status_code == 302
    signed = signed_in(User.objects.get(email="bob@harper.example"))
    assert signed.get("/settings").status_code == 302
    assert people.enable_member(email="bob@harper.example").active
    assert (
        signed_in(User.objects.get(email="bob@harper.example")).get("/settings").status_code == 200
    )


def test_sessions_of_one_person_or_of_everybody_end(cast: Cast) -> None:
    for who in (cast.bob, cast.bob, cast.vera, cast.carla):
        signed_in(who)
    assert people.end_sessions(email="Bob@harper.example") == 2
    assert people.end_sessions(email=None) == 2
    with pytest.raises(FieldProblem, match="Nobody here"):
        people.end_sessions(email="nobody@nowhere.example")
