"""No name contains invisible characters, and none can reverse the rest of a line."""

from __future__ import annotations

import re

import pytest
from django.forms import Form
from django.urls import reverse
from django.utils import timezone

from billhook.portal.backoffice.forms import CustomerForm, InviteForm, SettingsForm
from billhook.portal.backoffice.views_keys import KeyForm
from billhook.portal.fields.names import SENTENCE, has_unseen
from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.forms import SetupForm
from billhook.portal.runs.models import Run, RunKind
from billhook.portal.sign_in.forms import NameForm
from portal.cast import Cast, signed_in
from portal.integration_cast import integration

TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
OTHERS = "\0\t\n\r\x1b\x7f\x85\u00ad\u200b\u2028\u2029\u2060\ufeff"

TURNED = "Acme \u202e Ltd"
_SHUT_IN = r"<bdi>.*?</bdi>|<title>.*?</title>|<option\b.*?</option>|<[^>]*>"
"""Places after which nothing can be reversed: titles, options and attributes end by
themselves."""


@pytest.mark.parametrize("sign", [*TURNING, *OTHERS], ids=lambda sign: f"U+{ord(sign):04X}")
def test_an_invisible_character_is_found(sign: str) -> None:
    assert has_unseen(f"Acme{sign}Ltd")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Acme Ltd & Söhne, №\u00a07", id="Latin"),
        pytest.param("\u05d7\u05d1\u05e8\u05d4", id="Hebrew"),
        pytest.param(
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", id="Persian, with a joiner"
        ),
        pytest.param("株式会社\u3000例", id="Japanese"),
        pytest.param("", id="nothing"),
    ],
)
def test_names_in_every_script_are_accepted(name: str) -> None:
    assert not has_unseen(name)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (CustomerForm, "name"),
        (CustomerForm, "number"),
        (InviteForm, "name"),
        (SettingsForm, "name"),
        (KeyForm, "name"),
        (NameForm, "name"),
        (SetupForm, "organisation_name"),
    ],
)
def test_no_form_accepts_an_invisible_character(db: None, form: type[Form], field: str) -> None:
    assert form({field: "Acme\u202eLtd"}).errors[field] == [SENTENCE]


@pytest.mark.parametrize(
    "page",
    ["invoices", "invoice", "customers", "customer", "runs", "run", "home", "own", "own-invoice"],
)
def test_an_older_name_with_such_characters_is_isolated_on_every_page(
    cast: Cast, page: str
) -> None:
    cast.acme.name = TURNED
    cast.acme.save()
    Invoice.objects.filter(id=cast.open.id).update(number=TURNED)
    row = integration(cast.harper)
    Integration.objects.filter(id=row.id).update(name=TURNED)
    run = Run.objects.create(
        organisation=cast.harper,
        integration=row,
        invoice=cast.open,
        command="GetInvoiceImage",
        kind=RunKind.VIEW,
        outcome="ok",
        started_at=timezone.now(),
        milliseconds=1.0,
        attempts=[],
    )
    address, who = {
        "invoices": (reverse("backoffice:invoices", args=[cast.harper.id]), cast.alice),
        "invoice": (reverse("backoffice:invoice", args=[cast.harper.id, cast.open.id]), cast.alice),
        "customers": (reverse("backoffice:customers", args=[cast.harper.id]), cast.alice),
        "customer": (
            reverse("backoffice:customer", args=[cast.harper.id, cast.acme.id]),
            cast.alice,
        ),
        "runs": (reverse("backoffice:runs", args=[cast.harper.id]), cast.alice),
        "run": (reverse("backoffice:run", args=[cast.harper.id, run.id]), cast.alice),
        "home": (reverse("backoffice:home", args=[cast.harper.id]), cast.alice),
        "own": ("/", cast.carla),
        "own-invoice": (reverse("invoice", args=[cast.open.id]), cast.carla),
    }[page]
    html = signed_in(who).get(address).content.decode()
    assert f"<bdi>{TURNED}</bdi>" in html
    assert TURNED not in _without(_SHUT_IN, html)


def _without(pattern: str, html: str) -> str:
    return re.sub(pattern, "", html, flags=re.DOTALL)
