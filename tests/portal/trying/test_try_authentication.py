"""A try authenticates like a run; its tokens are masked, and never used for unsaved settings."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from billhook.engine.config import (
    AuthenticationConfig,
    CommandConfig,
    DeriveConfig,
    ExtractConfig,
    PathConfig,
    StepConfig,
)
from billhook.engine.secret import MASK, Secret
from billhook.portal.editor.form import form_of
from billhook.portal.integrations.drafts import Draft, SecretEntry, draft_of
from billhook.portal.integrations.models import Integration, StoredTokens
from billhook.portal.integrations.policy import Wiring
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from billhook.portal.trying.page import facts_of
from billhook.portal.trying.trial import Sent, Trial, prepare_trial, send_trial
from portal.cast import Cast
from portal.integration_cast import CANARY, Source, command, draft, integration

ACCESS = "access-canary-93bb"
REFRESHING = AuthenticationConfig(
    scheme="oauth2-refresh-token",
    fields={
        "token_url": "https://login.acme.example/token",
        "client_id": "billhook",
        "refresh_token": "{{ApiKey}}",
    },
)


class SignedSource(Source):
    """A source whose authentication has obtained a token."""

    @property
    def credentials(self) -> tuple[Secret, ...]:
        return (Secret(ACCESS),)


@pytest.fixture
def source() -> SignedSource:
    return SignedSource()


@pytest.fixture(autouse=True)
def opened(source: SignedSource) -> Iterator[list[Wiring]]:
    """The arguments with which sources were opened."""
    before = get_store(), get_recorder()
    seen: list[Wiring] = []

    def open_source(wiring: Wiring) -> Source:
        seen.append(wiring)
        return source

    set_store(CommandStore(open_source=open_source))
    set_recorder(RunRecorder())
    yield seen
    set_store(before[0])
    set_recorder(before[1])


def given(**more: Any) -> Draft:
    return replace(draft(command(headers=())), authentication=REFRESHING, **more)


def prepared(cast: Cast, row: Integration | None, typed: Draft) -> Trial:
    return prepare_trial(member=cast.bob, integration=row, form=form_of(typed), sending=True)


def sent(trial: Trial) -> Sent:
    return async_to_sync(send_trial)(trial)


def test_a_try_authenticates_with_the_stored_secret(cast: Cast, opened: list[Wiring]) -> None:
    row = integration(cast.harper, given())
    sent(prepared(cast, row, draft_of(row)))
    (wiring,) = opened
    assert wiring.integration.authentication is not None
    assert wiring.secrets["ApiKey"].reveal() == CANARY
    assert wiring.token_store is not None


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"secrets": (SecretEntry(name="ApiKey", value=Secret("x")),)}, id="a secret"),
        pytest.param({"variables": {"BaseUrl": "https://other.example"}}, id="an address"),
        pytest.param(
            {"authentication": replace(REFRESHING, extra={"a": "b"})}, id="the authentication"
        ),
    ],
)
def test_tokens_are_not_used_up_for_unsaved_settings(
    cast: Cast, opened: list[Wiring], edit: dict[str, Any]
) -> None:
    row = integration(cast.harper, given())
    trial = prepared(cast, row, replace(draft_of(row), **edit))
    assert [problem.code for problem in trial.problems] == ["save-first"]
    assert opened == []


def test_a_new_integration_that_stores_tokens_must_be_saved_first(cast: Cast) -> None:
    trial = prepared(cast, None, given())
    assert [problem.code for problem in trial.problems] == ["save-first"]


def edited(row: Integration) -> Draft:
    """Return the draft of *row* with another request in its command."""
    return replace(draft_of(row), commands=(command(headers=(), url="{{BaseUrl}}/other"),))


@pytest.mark.parametrize("scheme", ["refresh token", "client credentials"])
def test_a_changed_command_asks_for_the_secret_whose_token_it_would_carry(
    cast: Cast, scheme: str
) -> None:
    fields = {"token_url": "https://login.acme.example/token", "client_id": "billhook"}
    own = AuthenticationConfig(
        scheme="oauth2-client-credentials", fields={**fields, "client_secret": "{{ApiKey}}"}
    )
    row = integration(
        cast.harper,
        given() if scheme == "refresh token" else replace(given(), authentication=own),
    )
    trial = prepared(cast, row, edited(row))
    assert [problem.code for problem in trial.problems] == ["secret-moved"]
    assert "the command GetInvoiceImage, which changed" in trial.problems[0].message


CONSENTED = AuthenticationConfig(
    scheme="oauth2-authorization-code",
    fields={
        "authorize_url": "https://login.acme.example/authorize",
        "token_url": "https://login.acme.example/token",
        "client_id": "billhook",
        "client_secret": "{{ApiKey}}",
    },
)


@pytest.mark.parametrize(
    ("connected_by", "problems"),
    [
        pytest.param("bob", [], id="who connected it may change it"),
        pytest.param("alice", ["tokens-of-another"], id="somebody else may not"),
        pytest.param(None, [], id="without tokens there is nothing to carry"),
    ],
)
def test_the_tokens_of_a_person_are_not_carried_by_a_command_that_somebody_else_changed(
    cast: Cast, connected_by: str | None, problems: list[str]
) -> None:
    row = integration(cast.harper, replace(given(), authentication=CONSENTED))
    if connected_by:
        member = getattr(cast, connected_by)
        StoredTokens.objects.create(integration=row, ciphertext=b"x", connected_by=member.user)
    trial = prepared(cast, row, edited(row))
    assert [problem.code for problem in trial.problems] == problems
    assert not prepared(cast, row, draft_of(row)).problems


def test_a_token_repeated_in_a_response_is_masked(cast: Cast, source: SignedSource) -> None:
    row = integration(cast.harper, given())
    source.answer = (500, f"you sent {ACCESS}".encode())
    facts = facts_of(sent(prepared(cast, row, draft_of(row))))
    assert facts is not None
    assert facts.excerpt is not None
    assert facts.excerpt.startswith("you sent ")
    assert ACCESS not in facts.excerpt


def test_values_derived_from_a_secret_are_masked(cast: Cast, source: SignedSource) -> None:
    once = base64.b64encode(CANARY.encode()).decode()
    twice = base64.b64encode(once.encode()).decode()
    step = StepConfig(
        url="{{BaseUrl}}/x",
        derive=(
            DeriveConfig(name="Once", template="{{ApiKey}}", function="base64"),
            DeriveConfig(name="Twice", template="{{GetInvoiceImage.Once}}", function="base64"),
        ),
        headers=(("X-Key", "{{GetInvoiceImage.Twice}}"),),
    )
    row = integration(cast.harper, draft(CommandConfig(name="GetInvoiceImage", steps=(step,))))
    source.answer = (500, f"you sent {twice}".encode())
    facts = facts_of(sent(prepared(cast, row, draft_of(row))))
    assert facts is not None
    assert facts.excerpt == f"you sent {MASK}"


def test_no_text_is_shown_if_a_step_extracts_a_secret(cast: Cast, source: SignedSource) -> None:
    token = ExtractConfig(name="Token", path=PathConfig(kind="json", text="$.token"), secret=True)
    steps = (
        StepConfig(name="Ask", url="{{BaseUrl}}/ask", extract=(token,)),
        StepConfig(
            name="Get", url="{{BaseUrl}}/get", headers=(("Authorization", "x {{Ask.Token}}"),)
        ),
    )
    typed = replace(draft(CommandConfig(name="GetInvoiceImage", steps=steps)), secrets=())
    row = integration(cast.harper, typed)
    source.answer = (500, b"secret of the answer")
    facts = facts_of(sent(prepared(cast, row, typed)))
    assert facts is not None
    assert facts.excerpt is None
    assert "extracts a secret" in facts.why
