"""Authentication, TLS and other settings are saved, compiled and bound as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from billhook.engine.config import AuthenticationConfig, TlsConfig
from billhook.engine.errors import ConfigurationError
from billhook.engine.integration_file.file import read_integration, write_integration
from billhook.engine.secret import Secret
from billhook.portal.editor.form import EditorForm, form_of, to_draft
from billhook.portal.integrations import loading
from billhook.portal.integrations.drafts import Draft, SecretEntry, draft_of, draft_of_file
from billhook.portal.integrations.models import Integration, Keeping, OnFailure
from billhook.portal.integrations.policy import Wiring
from billhook.portal.integrations.services import save_integration
from billhook.portal.integrations.store import CommandStore
from billhook.portal.integrations.token_store import DatabaseTokenStore
from engine.certificates import Authority
from portal.cast import Cast, signed_in
from portal.integration_cast import CANARY, Source, command, draft, integration, sources_of

FILE = """\
format = 1

[integration]
name = "Acme billing"
variables = { BaseUrl = "https://billing.acme.example" }
secrets = ["Certificate", "Password"]

[authentication]
scheme = "oauth2-client-credentials"
token_url = "https://login.acme.example/token"
client_id = "billhook"
client_secret = "{{Password}}"
extra = { resource = "invoices" }

[tls]
client_certificate = "{{Certificate}}"

[commands.GetInvoiceImage]
method = "GET"
url = "{{BaseUrl}}/items/{{InvoiceNumber}}"
"""
AUTHENTICATION = AuthenticationConfig(
    scheme="oauth2-client-credentials",
    fields={
        "token_url": "https://login.acme.example/token",
        "client_id": "billhook",
        "client_secret": "{{ApiKey}}",
    },
)
PLAIN = command(headers=())


def whole_draft(**more: Any) -> Draft:
    return replace(draft(PLAIN), authentication=AUTHENTICATION, **more)


def changed(row: Integration, given: Draft) -> Integration:
    return save_integration(integration=row, draft=given, version=row.version)


def kept(row: Integration) -> Draft:
    return draft_of(Integration.objects.get(id=row.id))


def test_all_settings_are_saved(cast: Cast) -> None:
    given = replace(
        draft_of_file(read_integration(FILE), preset="acme"),
        on_failure=OnFailure.NEXT,
        keeping=Keeping.OFF,
        secrets=(
            SecretEntry(name="Password", value=Secret("a")),
            SecretEntry(name="Certificate", value=Secret("b")),
        ),
    )
    back = kept(integration(cast.harper, given))
    assert replace(back, secrets=given.secrets) == given


def test_the_form_loses_nothing() -> None:
    given = replace(
        draft_of_file(read_integration(FILE), preset="acme"),
        on_failure=OnFailure.NEXT,
        keeping=Keeping.TRUSTED,
    )
    assert to_draft(form_of(given)) == given


def test_a_file_can_be_imported_saved_and_exported(cast: Cast) -> None:
    bob, address = signed_in(cast.bob), f"/backoffice/{cast.harper.id}/integrations"
    page = bob.post(f"{address}/import", {"text": FILE})
    assert page.status_code == 200
    posted = _fields(page.context["editor"].form) | {
        "secret-0-value": "a",
        "secret-1-value": "b",
    }
    saved = bob.post(f"{address}/new", posted)
    assert saved.status_code == 302, saved.content.decode()
    export = bob.get(f"{saved['Location']}/export")
    assert read_integration(export.content) == read_integration(FILE)


def _fields(form: EditorForm) -> dict[str, str]:
    return {**form.fields(), "do": "save"}


def test_an_integration_with_a_problem_in_its_authentication_is_not_saved(cast: Cast) -> None:
    wrong = replace(AUTHENTICATION, fields={**AUTHENTICATION.fields, "token_url": "no address"})
    with pytest.raises(ConfigurationError) as caught:
        integration(cast.harper, replace(whole_draft(), authentication=wrong))
    assert "authentication.token_url" in {problem.where for problem in caught.value.problems}
    assert not Integration.objects.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("on_failure", "explode", id="failure"),
        pytest.param("keeping", "forever", id="keeping"),
    ],
)
def test_an_unknown_choice_is_refused(cast: Cast, key: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match="Choose one of them"):
        integration(cast.harper, whole_draft(**{key: value}))


_KEEP_SECRET = (SecretEntry(name="ApiKey"),)


def _edited(row: Integration, **more: Any) -> Draft:
    return replace(kept(row), **more)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        pytest.param(
            {
                "authentication": replace(
                    AUTHENTICATION,
                    fields={**AUTHENTICATION.fields, "token_url": "https://evil.example/token"},
                )
            },
            "https://evil.example",
            id="the token URL moves",
        ),
        pytest.param(
            {"variables": {"BaseUrl": "https://evil.example"}},
            "https://evil.example",
            id="the source moves",
        ),
        pytest.param(
            {"tls": TlsConfig(ca="AUTHORITY")},
            "CA certificates that TLS trusts",
            id="TLS trusts others",
        ),
        pytest.param(
            {"commands": (command(headers=(), redirects="deny"),)},
            "redirects",
            id="redirects turn",
        ),
    ],
)
def test_a_change_of_where_authentication_goes_asks_for_its_secret_again(
    cast: Cast, edit: dict[str, Any], told: str, authority: str
) -> None:
    if edit.get("tls"):
        edit = {"tls": TlsConfig(ca=authority)}
    row = integration(cast.harper, whole_draft())
    with pytest.raises(ConfigurationError) as caught:
        changed(row, _edited(row, **edit))
    (problem,) = caught.value.problems
    assert (problem.code, problem.where) == ("secret-moved", "secrets.ApiKey")
    assert told in problem.message
    typed = (SecretEntry(name="ApiKey", value=Secret("new")),)
    changed(row, _edited(row, secrets=typed, **edit))


@pytest.fixture
def authority() -> str:
    """The certificate of an authority of one's own."""
    return str(Authority().pem)


def test_a_change_that_keeps_the_destinations_keeps_the_secret(cast: Cast) -> None:
    row = integration(cast.harper, whole_draft())
    after = changed(row, _edited(row, name="Other name", keeping=Keeping.OFF))
    assert after.stored_secrets.get().id == row.stored_secrets.get().id


def test_the_store_opens_the_source_with_its_authentication(cast: Cast) -> None:
    seen: list[Wiring] = []

    def open_source(wiring: Wiring) -> Source:
        seen.append(wiring)
        return Source()

    store = CommandStore(open_source=open_source)
    integration(cast.harper, whole_draft())
    store.refresh()
    (live,) = sources_of(store, cast.harper)
    assert live.secrets_of("GetInvoiceImage") == {}
    live.transport._make()  # type: ignore[attr-defined]
    (wiring,) = seen
    assert wiring.integration.authentication is not None
    assert wiring.integration.authentication.scheme.name == "oauth2-client-credentials"
    assert wiring.secrets["ApiKey"].reveal() == CANARY
    assert wiring.token_store is None
    assert CANARY not in repr(wiring)


def test_tokens_that_must_be_stored_get_a_token_store(cast: Cast) -> None:
    code = replace(
        AUTHENTICATION,
        scheme="oauth2-authorization-code",
        fields={**AUTHENTICATION.fields, "authorize_url": "https://login.acme.example/authorize"},
    )
    row = integration(cast.harper, replace(draft(PLAIN), authentication=code))
    (loaded,) = loading.load_integrations([row.id]).values()
    assert isinstance(loaded.wiring.token_store, DatabaseTokenStore)


def test_authentication_that_no_service_wrote_is_not_used(cast: Cast) -> None:
    row = integration(cast.harper, whole_draft())
    moved = {**AUTHENTICATION.fields, "token_url": "https://evil.example/token"}
    Integration.objects.filter(id=row.id).update(
        authentication={"scheme": "oauth2-client-credentials", **moved}, version=9
    )
    store = CommandStore()
    store.refresh()
    assert sources_of(store, cast.harper) == []


def test_an_export_contains_no_secret(cast: Cast) -> None:
    row = integration(cast.harper, whole_draft())
    assert CANARY not in write_integration(kept(row).config())
