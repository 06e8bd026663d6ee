"""Customers and contacts in files: created, changed, and invited only when somebody asks for it."""

from __future__ import annotations

import pytest
from django.core import mail

from billhook.portal.customers.models import Contact, Customer
from billhook.portal.imports.columns.fields import ImportKind
from portal.cast import Cast
from portal.imports.files import csv, imported, planned

HEAD = "Customer number;Customer name;Language;E-mail;Contact\n"
CUSTOMERS = ImportKind.CUSTOMERS


def contacts_of(number: str) -> set[tuple[str, str]]:
    rows = Contact.objects.filter(customer__number=number, customer__organisation__name="Harper IT")
    return set(rows.values_list("user__email", "user__name"))


def test_a_new_customer_is_created_with_its_contacts(cast: Cast) -> None:
    imported(cast, csv("C-7;Cyan;de;Cy@Cyan.example;Cy", head=HEAD), CUSTOMERS)
    made = Customer.objects.get(organisation=cast.harper, number="C-7")
    assert (made.name, made.locale) == ("Cyan", "de")
    assert contacts_of("C-7") == {("cy@cyan.example", "Cy")}


def test_a_known_customer_is_changed_only_where_the_file_says_something(cast: Cast) -> None:
    content = csv("C-1;;fr;;", "C-2;Bolt Limited;;;", head=HEAD)
    assert [row.changes for row in planned(cast, content, CUSTOMERS).rows] == [
        ("language",),
        ("customer name",),
    ]
    imported(cast, content, CUSTOMERS)
    found = Customer.objects.filter(organisation=cast.harper).order_by("number")
    assert list(found.values_list("name", "locale")) == [("Acme", "fr"), ("Bolt Limited", "")]


def test_a_customer_has_a_row_for_each_contact_or_several_addresses_in_one(cast: Cast) -> None:
    content = csv(
        "C-7;Cyan;;a@cyan.example;Ann",
        "C-7;;;b@cyan.example;",
        'C-7;Cyan;;"""Cy"" <c@cyan.example>; mailto:d@cyan.example, a@cyan.example";',
        head=HEAD,
    )
    plan = planned(cast, content, CUSTOMERS)
    assert plan.others == {"new_customers": 1, "new_contacts": 4, "known_contacts": 1}
    imported(cast, content, CUSTOMERS)
    assert contacts_of("C-7") == {
        ("a@cyan.example", "Ann"),
        ("b@cyan.example", ""),
        ("c@cyan.example", "Cy"),
        ("d@cyan.example", ""),
    }


def test_what_is_known_is_left_as_it_is(cast: Cast) -> None:
    done = imported(cast, csv("C-1;Acme;;carla@acme.example;Other", head=HEAD), CUSTOMERS)
    assert done.counts == {"keep": 1}
    assert contacts_of("C-1") == {("carla@acme.example", "Carla")}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (";Cyan;;a@cyan.example;", "The customer number is missing."),
        ("C-7;;;a@cyan.example;", "Customer C-7 doesn't exist."),
        ("C-1;;;somebody;", "“somebody” isn't an e-mail address"),
        ("C-1;;;a@cyan.example; b@;", "isn't an e-mail address"),
        ("C-1;;german;;", "isn't a language"),
        (f"C-1;{'x' * 201};;;", "longer than 200"),
        ("C-1;A\u202eB;;;", "invisible character"),
        ("2.4952E+19;Cyan;;;", "only 15 digits"),
        ("C-2;Other;;;", "Line 2 has another name for customer C-2."),
    ],
)
def test_a_row_that_cannot_be_used_is_refused(cast: Cast, row: str, reason: str) -> None:
    row = row.replace("a@cyan.example; b@", '"a@cyan.example; b@"')
    plan = planned(cast, csv("C-2;Bolt;;;", row, head=HEAD), CUSTOMERS)
    [refused] = plan.refused
    assert reason in " ".join(refused.reasons)


def test_no_mail_is_sent_by_an_import(cast: Cast, sent_mail: object) -> None:
    imported(cast, csv("C-1;;;new@acme.example;New", head=HEAD), CUSTOMERS)
    sent_mail()  # type: ignore[operator]
    assert mail.outbox == []


def test_customers_of_one_organisation_never_touch_another(cast: Cast) -> None:
    imported(cast, csv("C-1;Acme Limited;;;", head=HEAD), CUSTOMERS)
    assert Customer.objects.get(id=cast.cedar.id).name == "Cedar"
