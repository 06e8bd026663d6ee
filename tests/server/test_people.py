"""Commands of operators for organisations, members, contacts and sessions."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session

from billhook.engine.errors import ConfigurationError
from billhook.engine.secret import Secret
from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.organisations.first_run import setup_code
from billhook.portal.organisations.models import Member, Organisation
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


def import_file(text: str, **options) -> people.ContactsImported:
    given = {"organisation": "Harper IT", "skip_refused": False, "dry_run": False, **options}
    return people.import_contacts_file(content=text.encode(), **given)


FILE = (
    "Customer number;E-mail;Name;Customer name\n"
    "C-1;Dana@acme.example;Dana;\n"
    "C-1;carla@acme.example;Somebody else;\n"
    "C-9;nina@nine.example;Nina;Nine\n"
    "C-9;dana@acme.example;;\n"
    "C-1;dana@acme.example;Dana;\n"
)


def test_contacts_are_imported_with_their_new_customers(cast: Cast) -> None:
    done = import_file(FILE)
    assert (done.new, len(done.plan.new_customers)) == (3, 1)
    contacts = Contact.objects.filter(customer__organisation=cast.harper)
    assert set(contacts.values_list("customer__number", "user__email", "user__name")) == {
        ("C-1", "carla@acme.example", "Carla"),
        ("C-1", "dana@acme.example", "Dana"),
        ("C-2", "carl@bolt.example", "Carl"),
        ("C-9", "nina@nine.example", "Nina"),
        ("C-9", "dana@acme.example", "Dana"),
    }
    assert import_file(FILE).new == 0
    assert not User.objects.get(email="dana@acme.example").has_usable_password()


def test_a_dry_run_reports_the_same_and_writes_nothing(cast: Cast) -> None:
    before = User.objects.count(), Contact.objects.count(), Customer.objects.count()
    assert import_file(FILE, dry_run=True).new == 3
    assert (User.objects.count(), Contact.objects.count(), Customer.objects.count()) == before


BAD = FILE + "C-77;x@x.example;;\n;x@x.example;;\nC-1;no address;;\nC-1;a@b.example;Ev\u202eil;\n"


def test_unusable_rows_are_reported_with_their_lines(cast: Cast) -> None:
    with pytest.raises(ConfigurationError) as refused:
        import_file(BAD)
    assert [problem.line for problem in refused.value.problems] == [7, 8, 9, 10]
    assert not Contact.objects.filter(user__email="dana@acme.example").exists()
    done = import_file(BAD, skip_refused=True)
    assert (done.new, len(done.plan.refused)) == (3, 4)


@pytest.mark.parametrize(
    "text", ["", "Name\nDana\n", "E-mail;mail;Customer\na@b.example;;C-1\n", '"open', "\0"]
)
def test_a_file_that_is_not_a_list_of_contacts_is_refused(cast: Cast, text: str) -> None:
    with pytest.raises(FieldProblem) as refused:
        import_file(text)
    assert refused.value.field == "FILE"


def test_customers_of_another_organisation_are_not_touched(cast: Cast) -> None:
    import_file("Customer;E-mail\nC-1;only@here.example\n", organisation="Northwind")
    contact = Contact.objects.get(user__email="only@here.example")
    assert contact.customer == cast.cedar
    assert Member.objects.filter(user=contact.user).count() == 0
