"""Integrations are saved whole or not at all, and a secret goes only where it was typed for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from billhook.engine.config import (
    AnswerConfig,
    AuthenticationConfig,
    CommandConfig,
    ConditionConfig,
    DeriveConfig,
    ExtractConfig,
    PathConfig,
    StepConfig,
)
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.secret import Secret
from billhook.portal.integrations import services
from billhook.portal.integrations.drafts import Draft, SecretEntry, draft_of
from billhook.portal.integrations.models import Integration, Revision, StoredSecret
from billhook.portal.integrations.vault import decrypt_secret, key_ring
from portal.cast import Cast
from portal.integration_cast import CANARY, command, draft, integration


def stored_value(row: Integration, name: str = "ApiKey") -> str:
    secret = StoredSecret.objects.select_related("integration").get(integration=row, name=name)
    return decrypt_secret(secret, ring=key_ring()).reveal()


def save(row: Integration, changed: Draft) -> Integration:
    current = Integration.objects.get(id=row.id)
    return services.save_integration(integration=current, draft=changed, version=current.version)


def problems_of(row: Integration, changed: Draft) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationError) as caught:
        save(row, changed)
    return caught.value.problems


def test_an_integration_is_kept_as_it_was_typed(cast: Cast) -> None:
    row = integration(cast.harper)
    kept = draft_of(Integration.objects.get(id=row.id))
    assert kept.config() == draft().config()
    assert stored_value(row) == CANARY


def test_a_secret_is_stored_encrypted(cast: Cast) -> None:
    integration(cast.harper)
    ciphertext = bytes(StoredSecret.objects.get().ciphertext)
    assert CANARY.encode() not in ciphertext


def test_all_problems_are_reported_together_and_nothing_is_saved(cast: Cast) -> None:
    integration(cast.harper)
    with pytest.raises(ConfigurationError) as caught:
        services.create_integration(
            organisation=cast.harper,
            draft=draft(
                command(url="{{BaseUrl}}/{{invoiceNumber}}"),
                secrets=(SecretEntry(name="ApiKey"),),
            ),
        )
    where = [problem.where for problem in caught.value.problems]
    assert where == ["integration.name", "commands.GetInvoiceImage.url", "secrets.ApiKey"]
    assert caught.value.problems[1].suggestion == "{{InvoiceNumber}}"
    assert Integration.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param(draft(name=" "), "name-missing", id="no name"),
        pytest.param(draft(name="x" * 201), "name-too-long", id="a name too long"),
        pytest.param(draft(name="Acme\u202e"), "name-unseen", id="a name that turns text round"),
        pytest.param(
            Draft(name="Empty", variables={}, secrets=(), commands=()),
            "no-command",
            id="no command",
        ),
        pytest.param(draft(command(), command()), "command-twice", id="two commands of one name"),
        pytest.param(
            draft(
                secrets=(
                    SecretEntry(name="ApiKey", value=Secret("a")),
                    SecretEntry(name="ApiKey", value=Secret("b")),
                )
            ),
            "duplicate-name",
            id="two secrets of one name",
        ),
        pytest.param(
            draft(secrets=(SecretEntry(name="BaseUrl", value=Secret("a")),)),
            "duplicate-name",
            id="a secret with a variable's name",
        ),
    ],
)
def test_invalid_input_is_refused(cast: Cast, given: Draft, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        services.create_integration(organisation=cast.harper, draft=given)
    assert code in {problem.code for problem in caught.value.problems}
    assert len(set(caught.value.problems)) == len(caught.value.problems)
    assert not Integration.objects.exists()


def test_two_organisations_may_use_one_name(cast: Cast) -> None:
    integration(cast.harper)
    integration(cast.northwind)
    assert Integration.objects.filter(name="Acme billing").count() == 2


KEPT = (SecretEntry(name="ApiKey"),)


def kept(row: Integration, **changes: object) -> Draft:
    """Return the stored draft with *changes*, its secret not typed again."""
    return replace(draft_of(row), **changes)  # type: ignore[arg-type]


def test_a_secret_left_empty_is_kept(cast: Cast) -> None:
    row = integration(cast.harper)
    secret = row.stored_secrets.get()
    save(row, kept(row, name="Renamed"))
    again = row.stored_secrets.get()
    assert (again.id, again.changed_at) == (secret.id, secret.changed_at)
    assert stored_value(row) == CANARY


@pytest.mark.parametrize(
    ("base", "redirects", "message"),
    [
        pytest.param(
            "https://b.example",
            "follow",
            "Type ApiKey again: it would now be sent to https://b.example "
            "instead of https://billing.acme.example.",
            id="host",
        ),
        pytest.param(
            "http://billing.acme.example",
            "follow",
            "Type ApiKey again: it would now be sent to http://billing.acme.example "
            "instead of https://billing.acme.example.",
            id="scheme",
        ),
        pytest.param(
            "https://billing.acme.example:8443",
            "follow",
            "Type ApiKey again: it would now be sent to https://billing.acme.example:8443 "
            "instead of https://billing.acme.example.",
            id="port",
        ),
        pytest.param(
            "https://billing.acme.example",
            "deny",
            "Type ApiKey again: the redirects of a command that sends it to "
            "https://billing.acme.example changed.",
            id="redirects",
        ),
    ],
)
def test_a_changed_destination_asks_for_the_secret_again(
    cast: Cast, base: str, redirects: str, message: str
) -> None:
    row = integration(cast.harper)
    changed = kept(row, variables={"BaseUrl": base}, commands=(command(redirects=redirects),))
    (problem,) = problems_of(row, changed)
    assert (problem.where, problem.message) == ("secrets.ApiKey", message)
    typed = replace(changed, secrets=(SecretEntry(name="ApiKey", value=Secret("new")),))
    save(row, typed)
    assert stored_value(row) == "new"


CARRYING = command()
(SENDS,) = CARRYING.steps
FIND = StepConfig(name="Find", url="{{BaseUrl}}/find", headers=SENDS.headers)
WHOLE = ExtractConfig(name="Whole", path=PathConfig(kind="json", text="$.query"))


def step(**changes: Any) -> CommandConfig:
    """Return the command with *changes* to its request."""
    return replace(CARRYING, steps=(replace(SENDS, **changes),))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(step(url="{{BaseUrl}}/search?q={{ApiKey}}"), id="a URL that repeats it"),
        pytest.param(step(url="{{BaseUrl}}/go?to=https://b.example/{{ApiKey}}"), id="redirector"),
        pytest.param(step(headers=(("X-Other", "{{ApiKey}}"),)), id="header"),
        pytest.param(step(method="POST", body="{{ApiKey}}"), id="body"),
        pytest.param(step(extract=(WHOLE,)), id="extraction"),
        pytest.param(step(success_when=(ConditionConfig(body_contains="canary-5"),)), id="oracle"),
        pytest.param(step(not_found_when=(ConditionConfig(status=(200,)),)), id="not found"),
        pytest.param(
            step(answer=AnswerConfig(kind="url", path=PathConfig(kind="json", text="$.u"))),
            id="link",
        ),
        pytest.param(
            step(derive=(DeriveConfig(name="Half", template="{{ApiKey}}", function="base64"),)),
            id="derivation",
        ),
        pytest.param(replace(CARRYING, accept=("application/json",)), id="accepted types"),
        pytest.param(
            replace(
                CARRYING,
                steps=(
                    replace(FIND, extract=(WHOLE,)),
                    StepConfig(name="Take", url="{{BaseUrl}}/loot?k={{Find.Whole}}"),
                ),
            ),
            id="second request at the same address",
        ),
        pytest.param(
            replace(CARRYING, steps=(StepConfig(name="Log", url="{{BaseUrl}}/log"), FIND)),
            id="request before it",
        ),
        pytest.param(
            step(on_not_found=(StepConfig(name="Make", url="{{BaseUrl}}/make"),)),
            id="request when nothing is found",
        ),
    ],
)
def test_any_change_of_what_the_command_does_asks_for_its_secret_again(
    cast: Cast, changed: CommandConfig
) -> None:
    row = integration(cast.harper)
    (problem,) = problems_of(row, kept(row, commands=(changed,)))
    assert (problem.code, problem.where) == ("secret-moved", "secrets.ApiKey")
    assert problem.message == (
        "Type ApiKey again: it is used by the command GetInvoiceImage, which changed."
    )


def test_a_request_to_another_address_in_the_command_asks_again_and_names_it(cast: Cast) -> None:
    row = integration(cast.harper)
    take = StepConfig(name="Take", url="https://b.example/loot?k={{Find.Whole}}")
    steps = (replace(FIND, extract=(WHOLE,)), take)
    (problem,) = problems_of(row, kept(row, commands=(replace(CARRYING, steps=steps),)))
    assert problem.message == (
        "Type ApiKey again: what uses it would now send requests to https://b.example, too."
    )


def test_a_variable_in_the_command_is_part_of_it(cast: Cast) -> None:
    row = integration(cast.harper)
    base = {"BaseUrl": "https://billing.acme.example/search"}
    (problem,) = problems_of(row, kept(row, variables=base))
    assert problem.code == "secret-moved"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"name": "Renamed"}, id="name"),
        pytest.param({"on_failure": "next", "keeping": "off"}, id="choices of the portal"),
        pytest.param(
            {"commands": (replace(CARRYING, timeout=10.0, retries=0, max_bytes=1_000_000),)},
            id="limits",
        ),
        pytest.param(
            {"commands": (CARRYING, command(name="Other", headers=(), url="https://b.example/"))},
            id="another command",
        ),
        pytest.param(
            {"commands": (replace(CARRYING, name="Fetch", tokens=("InvoiceNumber",)),)},
            id="name of the command",
        ),
        pytest.param(
            {"variables": {"BaseUrl": "https://billing.acme.example", "BaseUrlOld": "x"}},
            id="variable that isn't used",
        ),
    ],
)
def test_what_cannot_show_a_secret_asks_for_nothing(cast: Cast, changes: dict[str, Any]) -> None:
    row = integration(cast.harper)
    save(row, kept(row, **changes))
    assert stored_value(row) == CANARY


def test_a_secret_of_the_authentication_is_bound_to_the_requests_that_are_authenticated(
    cast: Cast,
) -> None:
    signed = AuthenticationConfig(scheme="bearer", fields={"token": "{{ApiKey}}"})
    given = replace(draft(command(headers=())), authentication=signed)
    row = integration(cast.harper, given)
    save(row, kept(row, name="Renamed"))
    echo = command(headers=(), url="{{BaseUrl}}/echo")
    (problem,) = problems_of(row, kept(row, commands=(echo,)))
    assert "used by the command GetInvoiceImage, which changed" in problem.message
    other = AuthenticationConfig(scheme="query", fields={"name": "key", "value": "{{ApiKey}}"})
    (problem,) = problems_of(row, kept(row, authentication=other))
    assert problem.message == (
        "Type ApiKey again: it is used by the authentication or TLS and the command "
        "GetInvoiceImage, which changed."
    )


@pytest.mark.parametrize(
    "signing",
    [
        pytest.param(
            AuthenticationConfig(
                scheme="oauth2-authorization-code",
                fields={
                    "authorize_url": "https://login.acme.example/authorize",
                    "token_url": "https://login.acme.example/token",
                    "client_id": "billhook",
                    "client_secret": "{{ApiKey}}",
                },
            ),
            id="it gives nothing without a person's consent",
        ),
        pytest.param(
            AuthenticationConfig(scheme="hmac", fields={"header": "X-Sign", "key": "{{ApiKey}}"}),
            id="it only signs",
        ),
    ],
)
def test_a_secret_that_no_request_carries_is_bound_to_the_authentication(
    cast: Cast, signing: AuthenticationConfig
) -> None:
    row = integration(cast.harper, replace(draft(command(headers=())), authentication=signing))
    save(row, kept(row, commands=(command(headers=(), url="{{BaseUrl}}/v2"),)))
    assert stored_value(row) == CANARY
    other = replace(signing, fields={**signing.fields, "prefix": "X"})
    (problem,) = problems_of(row, kept(row, authentication=other))
    assert (
        problem.message
        == "Type ApiKey again: it is used by the authentication or TLS, which changed."
    )


def test_a_secret_cannot_be_redirected_by_removing_it_first(cast: Cast) -> None:
    row = integration(cast.harper)
    save(row, kept(row, commands=(command(headers=()),)))
    save(row, kept(row, commands=(command(headers=(), url="https://b.example/x"),)))
    moved = kept(Integration.objects.get(id=row.id), commands=(command(url="https://b.example/x"),))
    (problem,) = problems_of(row, moved)
    assert problem.code == "secret-moved"


def test_another_command_that_would_send_the_secret_elsewhere_asks_too(cast: Cast) -> None:
    row = integration(cast.harper)
    other = command(name="Other", url="https://b.example/", tokens=())
    (problem,) = problems_of(row, kept(row, commands=(command(), other)))
    assert problem.code == "secret-moved"


def test_a_renamed_secret_keeps_its_value_and_its_destinations(cast: Cast) -> None:
    row = integration(cast.harper)
    stored = row.stored_secrets.get()
    entry = SecretEntry(name="ErpKey", stored_id=stored.id)
    renamed = replace(
        draft_of(row), secrets=(entry,), commands=(command(headers=(("X-Api-Key", "{{ErpKey}}"),)),)
    )
    save(row, renamed)
    assert stored_value(row, "ErpKey") == CANARY
    moved = replace(
        draft_of(Integration.objects.get(id=row.id)), variables={"BaseUrl": "https://b.example"}
    )
    assert problems_of(row, moved)[0].code == "secret-moved"


def test_two_secrets_can_swap_names(cast: Cast) -> None:
    entries = (SecretEntry(name="A", value=Secret("a")), SecretEntry(name="B", value=Secret("b")))
    row = integration(cast.harper, draft(command(headers=()), secrets=entries))
    ids = {secret.name: secret.id for secret in row.stored_secrets.all()}
    exchanged = (
        SecretEntry(name="B", stored_id=ids["A"]),
        SecretEntry(name="A", stored_id=ids["B"]),
    )
    save(row, kept(row, secrets=exchanged))
    assert (stored_value(row, "A"), stored_value(row, "B")) == ("b", "a")


def test_a_removed_secret_is_deleted(cast: Cast) -> None:
    row = integration(cast.harper)
    save(row, kept(row, secrets=(), commands=(command(headers=()),)))
    assert not StoredSecret.objects.exists()


def test_the_secret_of_another_integration_cannot_be_taken(cast: Cast) -> None:
    theirs = integration(cast.northwind)
    row = integration(cast.harper)
    stolen = SecretEntry(name="ApiKey", stored_id=theirs.stored_secrets.get().id)
    (problem,) = problems_of(row, kept(row, secrets=(stolen,)))
    assert problem.code == "secret-missing"


def test_the_second_of_two_editors_sees_that_the_first_has_saved(cast: Cast) -> None:
    row = integration(cast.harper)
    save(row, kept(row, name="First"))
    with pytest.raises(services.EditedMeanwhile):
        services.save_integration(integration=row, draft=kept(row, name="Second"), version=1)
    assert Integration.objects.get(id=row.id).name == "First"


def test_each_change_is_announced_and_a_refused_one_is_not(cast: Cast) -> None:
    row = integration(cast.harper)
    before = Revision.objects.get().number
    problems_of(row, kept(row, name=""))
    assert Revision.objects.get().number == before
    services.set_enabled(integration=row, enabled=False)
    services.move_integration(integration=row, places=1)
    services.delete_integration(integration=row)
    assert Revision.objects.get().number == before + 3


def test_integrations_are_listed_in_the_order_that_the_organisation_set(cast: Cast) -> None:
    rows = [integration(cast.harper, draft(name=name)) for name in ("A", "B", "C")]
    theirs = integration(cast.northwind, draft(name="Z"))

    def order() -> list[str]:
        mine = Integration.objects.filter(organisation=cast.harper)
        return list(mine.values_list("name", flat=True))

    services.move_integration(integration=rows[2], places=-1)
    assert order() == ["A", "C", "B"]
    services.move_integration(integration=rows[2], places=-5)
    assert order() == ["C", "A", "B"]
    services.move_integration(integration=rows[2], places=1)
    assert order() == ["A", "C", "B"]
    assert Integration.objects.get(id=theirs.id).position == 0
