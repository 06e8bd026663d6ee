"""A scheme is one module: its fields reach the file, the form, the export and the docs."""

from __future__ import annotations

import pytest
from django.urls import reverse
from tools.write_tables import scheme_section

from billhook.engine.authentication.authenticator import (
    Authenticator,
    Channel,
    FixedAuthenticator,
)
from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.authentication.preview import plain
from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.authentication.scheme import AuthenticationPlan, FilledPlan, Scheme, ShownPairs
from billhook.engine.authentication.signed_request import with_header
from billhook.engine.config import AuthenticationConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import ConfigurationError
from billhook.engine.field import FieldInfo
from billhook.engine.http.request import WebRequest
from billhook.engine.http.trace import Trace
from billhook.engine.integration_file.file import read_integration
from billhook.engine.testing import FakeTransport
from billhook.portal.integrations.models import Integration
from portal.cast import Cast, signed_in
from portal.editor.editor_page import Page, new_page


def _make(filled: FilledPlan) -> Authenticator:
    call = "CUCKOO" if filled["loud"] else "cuckoo"
    return FixedAuthenticator(lambda request: with_header(request, "X-Call", call))


def _headers(_: AuthenticationPlan) -> ShownPairs:
    return (("X-Call", plain("the call of a cuckoo")),)


CUCKOO = Scheme(
    name="cuckoo",
    title="The call of a cuckoo",
    help="A header with its call.",
    fields=(
        FieldInfo(
            key="loud",
            label="Loudly",
            help="Whether the whole forest hears it.",
            kind="boolean",
            default=False,
        ),
    ),
    make=_make,
    headers=_headers,
)
FILE = """\
format = 1

[integration]
name = "Forest"

[authentication]
scheme = "cuckoo"
loud = true

[commands.GetInvoiceImage]
method = "GET"
url = "https://forest.example/{{InvoiceNumber}}"
"""


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCHEMES, "cuckoo", CUCKOO)


def saved_page(cast: Cast) -> Page:
    """Return the editor after a member has chosen the scheme and its boolean, and saved."""
    page = new_page(cast)
    page.press("look", **{"authentication-scheme": "cuckoo"})
    assert page.fields["authentication-field-loud"] == "no"
    assert "Loudly" in page.text
    assert "Whether the whole forest hears it." in page.text
    url = {"command-0-steps-0-url": "https://forest.example/{{InvoiceNumber}}", "name": "Forest"}
    page.press("save", **url, **{"authentication-field-loud": "yes"})
    assert page.response.status_code == 302, page.text
    return page


def test_the_file_contains_its_boolean() -> None:
    config = read_integration(FILE)
    assert config.authentication == AuthenticationConfig(scheme="cuckoo", fields={"loud": True})


def test_the_form_offers_its_boolean_and_saves_it(cast: Cast) -> None:
    saved_page(cast)
    row = Integration.objects.get(name="Forest")
    assert row.authentication == {"scheme": "cuckoo", "loud": True}


def test_the_export_is_the_file(cast: Cast) -> None:
    saved_page(cast)
    row = Integration.objects.get(name="Forest")
    address = reverse("backoffice:integration-export", args=[row.organisation_id, row.id])
    assert signed_in(cast.bob).get(address).content.decode() == FILE


def test_the_docs_list_its_boolean() -> None:
    assert scheme_section(CUCKOO) == (
        "### `cuckoo`\n\nThe call of a cuckoo. A header with its call.\n\n"
        "| field | kind | default | label | help |\n|---|---|---|---|---|\n"
        "| `loud` | boolean | `false` | Loudly | Whether the whole forest hears it. |\n"
    )


@pytest.mark.parametrize(("loud", "call"), [(True, "CUCKOO"), (False, "cuckoo")])
async def test_requests_are_signed_according_to_its_boolean(loud: bool, call: str) -> None:
    config = AuthenticationConfig(scheme="cuckoo", fields={"loud": loud})
    plan = compile_authentication(config, variables={}, secrets=())
    origin = Origin(scheme="https", host="forest.example", port=443)
    request = WebRequest(
        step="Get",
        method="GET",
        url="https://forest.example/",
        origin=origin,
        target="/",
        headers=(),
        body=None,
        carries_secret=False,
    )
    channel = Channel(transport=FakeTransport(), deadline=0.0, trace=Trace())
    signed = await make_authenticator(plan, {}).sign(request, channel)
    assert signed.request.headers == (("X-Call", call),)


def test_a_mistyped_field_is_reported_with_the_nearest_name() -> None:
    config = AuthenticationConfig(scheme="cuckoo", fields={"laud": True})
    with pytest.raises(ConfigurationError) as caught:
        compile_authentication(config, variables={}, secrets=())
    [problem] = caught.value.problems
    assert (problem.code, problem.where, problem.suggestion) == (
        "unknown-key",
        "authentication.laud",
        "loud",
    )
