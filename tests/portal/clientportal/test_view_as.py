"""An editor sees what a contact sees, under their own name, and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from billhook.portal.customers.services import invite_contact
from billhook.portal.documents.response import opened
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, signed_in
from portal.integration_cast import Source, command, draft, integration


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture(autouse=True)
def wired(source: Source) -> Iterator[None]:
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


def page_of(browser: Client, address: str) -> str:
    return browser.get(address).content.decode()


def home(cast: Cast) -> str:
    return reverse("as:home", args=[cast.carla.id])


def test_the_list_is_the_contacts_with_a_banner_and_links_that_stay(cast: Cast) -> None:
    page = page_of(signed_in(cast.bob), home(cast))
    assert "You see what <bdi>Carla</bdi> (<bdi>Acme</bdi>) sees" in page
    assert set(re.findall(r"INV-\d", page)) == {"INV-1", "INV-2", "INV-3"}
    own = set(re.findall(r'href="(/invoices/[^"]*)"', page))
    assert own == set()
    assert f'href="{home(cast)}invoices/{cast.open.id}"' in page


def test_a_contact_sees_no_banner(cast: Cast) -> None:
    assert "You see what" not in page_of(signed_in(cast.carla), "/")


def test_only_invoices_of_the_members_organisation_are_seen(cast: Cast) -> None:
    invite_contact(customer=cast.cedar, email=cast.carla.user.email)
    assert page_of(signed_in(cast.carla), "/").count("Cedar") > 0
    browser = signed_in(cast.bob)
    assert "Cedar" not in page_of(browser, home(cast))
    foreign = reverse("as:invoice", args=[cast.carla.id, cast.of_cedar.id])
    assert browser.get(foreign).status_code == 404


def test_the_document_is_fetched_for_the_contact_and_recorded_under_the_member(
    cast: Cast, source: Source
) -> None:
    url = "{{BaseUrl}}/{{InvoiceNumber}}?for={{ContactEmail}}"
    integration(cast.harper, draft(command(url=url)))
    get_store().refresh()
    address = reverse("as:pages", args=[cast.carla.id, cast.open.id])
    part = opened(signed_in(cast.bob).get(address))
    assert part.status_code == 200
    assert "carla" in source.requests[0].url
    get_recorder().flush()
    run = Run.objects.get()
    assert (run.user, run.kind, run.invoice) == (cast.bob.user, "view-as", cast.open)


def test_a_viewer_may_not_and_a_contact_of_nobody_is_missing(cast: Cast) -> None:
    assert signed_in(cast.vera).get(home(cast)).status_code == 403
    assert signed_in(cast.charlie).get(home(cast)).status_code == 404
    assert signed_in(cast.carla).get(home(cast)).status_code == 404


def test_the_page_of_a_customer_leads_there_for_editors(cast: Cast) -> None:
    customer = reverse("backoffice:customer", args=[cast.harper.id, cast.acme.id])
    assert f'href="{home(cast)}"' in page_of(signed_in(cast.bob), customer)
    assert f'href="{home(cast)}"' not in page_of(signed_in(cast.vera), customer)
