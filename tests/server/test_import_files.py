"""Contacts, with their customers, are imported by operators from a file."""

from __future__ import annotations

import pytest

from billhook.engine.errors import ConfigurationError
from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.imports.columns.fields import ImportKind
from billhook.portal.organisations.models import Member
from billhook.server.operations import imports
from portal.cast import Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def import_file(text: str, **options) -> imports.FileResult:
    given = {"organisation": "Harper IT", "skip_refused": False, "dry_run": False, **options}
    return imports.import_file(
        kind=ImportKind.CUSTOMERS, content=text.encode(), file_name="contacts.csv", **given
    )


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
    assert done.others == {"new_customers": 1, "new_contacts": 3, "known_contacts": 2}
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
    assert (done.new, [line for line, _ in done.left_out]) == (3, [7, 8, 9, 10])


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
