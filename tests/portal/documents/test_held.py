"""A token leads to a held document, for one person and one invoice, for ten minutes."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.core import signing

from billhook.portal.documents.held import DocumentGone, Held, open_held, read_token
from billhook.portal.storage.shelf import Holder

CARLA = Holder(user_id="carla", subject="invoice:1", organisation_id="harper")


def held(name: str, holder: Holder = CARLA) -> Held:
    return Held(
        name=name,
        user_id=holder.user_id,
        subject=holder.subject,
        run_id="run",
        media_type="application/pdf",
        file_name="INV-1.pdf",
        size=4,
        fetched_at=1_700_000_000.0,
        organisation_id=holder.organisation_id,
    )


def test_a_held_document_knows_when_it_was_fetched() -> None:
    assert held("A" * 32).fetched == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_a_token_names_the_document_to_the_one_it_was_given_to() -> None:
    document = held("A" * 32)
    assert read_token(document.token(), CARLA) == document


@pytest.mark.parametrize(
    "holder",
    [replace(CARLA, user_id="carl"), replace(CARLA, subject="invoice:2")],
    ids=["another person", "another invoice"],
)
def test_a_token_of_another_person_or_document_is_invalid(holder: Holder) -> None:
    with pytest.raises(DocumentGone):
        read_token(held("A" * 32).token(), holder)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda _: "",
        lambda _: "nonsense",
        lambda _: signing.dumps({"name": "A" * 32}, salt="billhook.held"),
        lambda _: signing.dumps(
            {"name": "A" * 32, "user_id": "carla", "subject": "invoice:1"}, salt="another"
        ),
    ],
    ids=["changed", "empty", "nonsense", "with facts missing", "for another purpose"],
)
def test_a_token_that_we_did_not_issue_is_invalid(change: object) -> None:
    with pytest.raises(DocumentGone):
        read_token(change(held("A" * 32).token()), CARLA)  # type: ignore[operator]


def test_a_token_expires_after_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    token = held("A" * 32).token()
    now = time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 599)
    assert read_token(token, CARLA).user_id == "carla"
    monkeypatch.setattr(signing.time, "time", lambda: now + 602)
    with pytest.raises(DocumentGone):
        read_token(token, CARLA)


def test_a_document_that_is_no_longer_held_is_gone() -> None:
    with pytest.raises(DocumentGone):
        open_held(held("A" * 32))
