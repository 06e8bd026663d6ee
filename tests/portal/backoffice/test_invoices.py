"""Members see all invoices of their organisation, and editors change them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.runs.models import Run, RunKind
from portal.cast import Cast, signed_in


def address(route: str, cast: Cast, *ids: str) -> str:
    return reverse(f"backoffice:{route}", args=[cast.harper.id, *ids])


def filled(cast: Cast, **changes: str) -> dict[str, str]:
    return {
        "customer": cast.acme.id,
        "number": "INV-9",
        "source_id": "",
        "issued_on": "2024-05-31",
        "due_on": "",
        "amount": "1240.5",
        "open_amount": "",
        "currency": "eur",
        "status": "open",
        **changes,
    }


def test_the_list_shows_every_invoice_of_the_organisation_including_drafts(cast: Cast) -> None:
    response = signed_in(cast.vera).get(address("invoices", cast))
    numbers = {row.invoice.number for row in response.context["list"].rows}
    assert numbers == {"INV-1", "INV-2", "INV-3", "INV-4", "INV-5"}


def test_the_list_is_narrowed_by_the_address(cast: Cast) -> None:
    query = {"customer": cast.bolt.id}
    response = signed_in(cast.vera).get(address("invoices", cast), query)
    assert [row.invoice for row in response.context["list"].rows] == [cast.of_bolt]


def test_an_invoice_is_created(cast: Cast) -> None:
    response = signed_in(cast.bob).post(address("invoice-new", cast), filled(cast))
    made = Invoice.objects.get(number="INV-9")
    assert response.headers["Location"] == address("invoice", cast, made.id)
    assert (made.organisation, made.customer) == (cast.harper, cast.acme)
    assert (made.issued_on, made.due_on) == (date(2024, 5, 31), None)
    assert (made.amount, made.open_amount) == (Decimal("1240.50"), Decimal("1240.50"))
    assert (made.currency, made.status) == ("EUR", Status.OPEN)


def test_a_paid_invoice_has_no_open_amount_unless_one_is_given(cast: Cast) -> None:
    signed_in(cast.bob).post(address("invoice-new", cast), filled(cast, status="paid"))
    assert Invoice.objects.get(number="INV-9").open_amount == 0


def test_an_invoice_is_changed_and_moves_to_another_customer(cast: Cast) -> None:
    form = filled(cast, number="INV-1", customer=cast.bolt.id)
    signed_in(cast.bob).post(address("invoice-edit", cast, cast.open.id), form)
    changed = Invoice.objects.get(id=cast.open.id)
    assert (changed.customer, changed.amount) == (cast.bolt, Decimal("1240.50"))


def test_the_form_shows_the_stored_values(cast: Cast) -> None:
    page = signed_in(cast.bob).get(address("invoice-edit", cast, cast.open.id)).content.decode()
    for known in (
        'value="INV-1"',
        'value="1240.00"',
        f'value="{cast.open.issued_on}"',
        f'<option value="{cast.acme.id}" selected>Acme</option>',
    ):
        assert known in page


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": ""}, "number"),
        ({"number": "INV-1"}, "number"),
        ({"number": "INV-9\nX: y"}, "number"),
        ({"customer": ""}, "customer"),
        ({"issued_on": "yesterday"}, "issued_on"),
        ({"due_on": "2024-05-30"}, "due_on"),
        ({"amount": "a lot"}, "amount"),
        ({"amount": "1.234"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"open_amount": "2000"}, "open_amount"),
        ({"currency": "EURO"}, "currency"),
        ({"status": "lost"}, "status"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else value,
)
def test_a_problem_appears_at_its_field_and_nothing_typed_is_lost(
    cast: Cast, changes: dict[str, str], field: str
) -> None:
    form = filled(cast, source_id="kept-as-typed") | changes
    page = signed_in(cast.bob).post(address("invoice-new", cast), form).content.decode()
    assert f'href="#id_{field}"' in page
    assert f'id="id_{field}_error"' in page
    assert 'value="kept-as-typed"' in page
    assert Invoice.objects.count() == 6


def test_another_organisations_customer_cannot_be_chosen(cast: Cast) -> None:
    form = filled(cast, customer=cast.cedar.id)
    page = signed_in(cast.bob).post(address("invoice-new", cast), form).content.decode()
    assert "This customer doesn&#x27;t exist." in page
    assert not Invoice.objects.filter(number="INV-9").exists()


def test_a_new_invoice_begins_with_the_customer_whose_page_led_there(cast: Cast) -> None:
    page = signed_in(cast.bob).get(address("invoice-new", cast), {"customer": cast.bolt.id})
    assert f'<option value="{cast.bolt.id}" selected>' in page.content.decode()


def test_an_invoice_is_removed_after_a_confirmation(cast: Cast) -> None:
    client = signed_in(cast.bob)
    remove = address("invoice-remove", cast, cast.open.id)
    assert "Remove invoice INV-1?" in client.get(remove).content.decode()
    assert Invoice.objects.filter(id=cast.open.id).exists()
    client.post(remove)
    assert not Invoice.objects.filter(id=cast.open.id).exists()


def test_a_draft_is_marked_as_not_visible_to_the_customer(cast: Cast) -> None:
    page = signed_in(cast.vera).get(address("invoice", cast, cast.draft.id)).content.decode()
    assert "This is a draft: <bdi>Acme</bdi> can't see it." in page


def test_the_page_of_an_invoice_shows_who_viewed_it(cast: Cast) -> None:
    run = Run.objects.create(
        organisation=cast.harper,
        command="GetInvoiceImage",
        kind=RunKind.VIEW,
        user=cast.carla.user,
        invoice=cast.open,
        outcome="source-timeout",
        started_at=timezone.now(),
        milliseconds=1.0,
    )
    page = signed_in(cast.vera).get(address("invoice", cast, cast.open.id)).content.decode()
    assert address("run", cast, run.id) in page
    assert "Carla" in page
    other = signed_in(cast.vera).get(address("invoice", cast, cast.paid.id)).content.decode()
    assert "Nobody has viewed it yet." in other
    home = signed_in(cast.vera).get(address("home", cast))
    assert [home.context[name].number for name in ("run_count", "failed_count")] == [1, 1]


def test_an_editor_can_test_view_with_the_first_enabled_integration(cast: Cast) -> None:
    page = signed_in(cast.bob).get(address("invoice", cast, cast.open.id)).content.decode()
    assert "Test VIEW" not in page
    Integration.objects.create(organisation=cast.harper, name="Off", enabled=False)
    used = Integration.objects.create(organisation=cast.harper, name="Billing", position=1)
    page = signed_in(cast.bob).get(address("invoice", cast, cast.open.id)).content.decode()
    test = f"{address('integration', cast, used.id)}?invoice=INV-1"
    assert f'href="{test}#try-number"' in page
    assert 'value="INV-1"' in signed_in(cast.bob).get(test).content.decode()
    page = signed_in(cast.vera).get(address("invoice", cast, cast.open.id)).content.decode()
    assert "Test VIEW" not in page
