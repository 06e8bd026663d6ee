"""Owners and editors get a mail about a source that one of them has to fix."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billhook.engine.record import RunRecord, new_run_id
from billhook.portal.integrations.models import Integration
from billhook.portal.mail.models import MailKind, OutgoingMail
from billhook.portal.runs.recorder import RunRecorder
from portal.cast import Cast
from portal.integration_cast import integration


def failed(row: Integration, **changes: Any) -> RunRecord:
    facts: dict[str, Any] = {
        "id": new_run_id(),
        "organisation_id": row.organisation_id,
        "integration_id": row.id,
        "command": "GetInvoiceImage",
        "kind": "view",
        "outcome": "source-refused",
        "reason": "401",
        "started_at": datetime.now(UTC),
        "milliseconds": 13.0,
    }
    return RunRecord(**{**facts, **changes})


def record(*runs: RunRecord) -> list[str]:
    """Record *runs*, and return the addresses to which mail is sent because of that."""
    OutgoingMail.objects.all().delete()
    recorder = RunRecorder()
    for run in runs:
        recorder.record(run)
    recorder.flush()
    return sorted(OutgoingMail.objects.values_list("to", flat=True))


@pytest.fixture
def row(cast: Cast) -> Integration:
    return integration(cast.harper)


def test_owners_and_editors_read_why_and_where_and_viewers_nothing(row: Integration) -> None:
    run = failed(row)
    to = record(run)
    assert to == sorted(
        member.user.email
        for member in row.organisation.members.exclude(role="viewer").select_related("user")
    )
    message = OutgoingMail.objects.filter(kind=MailKind.SOURCE)[0]
    assert message.subject == "Acme billing gives no documents"
    assert "did not accept the credentials (status 401)" in message.body
    assert f"/runs/{run.id}" in message.body
    assert f"/integrations/{row.id}" in message.body


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        pytest.param("source-refused", "403", id="403"),
        pytest.param("sign-in-failed", "", id="authentication"),
        pytest.param("source-tls-failed", "", id="tls"),
        pytest.param("egress-denied", "address", id="egress"),
        pytest.param("configuration", "missing-secret", id="configuration"),
    ],
)
def test_what_only_a_member_can_fix_is_reported(
    row: Integration, outcome: str, reason: str
) -> None:
    assert record(failed(row, outcome=outcome, reason=reason))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"outcome": "source-timeout", "reason": "wait"}, id="passes"),
        pytest.param({"outcome": "document-not-found", "reason": "404"}, id="not found"),
        pytest.param({"outcome": "ok", "reason": ""}, id="ok"),
        pytest.param({"kind": "try"}, id="a test"),
        pytest.param({"integration_id": None}, id="no integration"),
        pytest.param(
            {"started_at": datetime.now(UTC) - timedelta(hours=1)}, id="before the change"
        ),
    ],
)
def test_nothing_else_is_reported(row: Integration, changes: dict[str, Any]) -> None:
    assert record(failed(row, **changes)) == []


def test_there_is_one_mail_however_many_runs_fail_until_the_integration_is_changed(
    row: Integration,
) -> None:
    first = record(failed(row), failed(row), failed(row, outcome="source-tls-failed"))
    assert len(first) == len(set(first)) > 0
    assert record(failed(row)) == []
    row.save()
    assert record(failed(row)) == first


def test_an_integration_that_is_off_is_not_reported(row: Integration) -> None:
    Integration.objects.update(enabled=False)
    assert record(failed(row)) == []


@pytest.mark.parametrize(
    ("command", "thing", "button"),
    [
        pytest.param("GetInvoiceImage", "document", "VIEW", id="invoice"),
        pytest.param("GetStatement", "statement", "VIEW", id="statement"),
        pytest.param("GetPaymentLink", "payment link", "Pay", id="pay"),
    ],
)
def test_the_mail_names_what_the_source_no_longer_gives(
    row: Integration, command: str, thing: str, button: str
) -> None:
    assert record(failed(row, command=command))
    message = OutgoingMail.objects.filter(kind=MailKind.SOURCE)[0]
    assert message.subject == f"{row.name} gives no {thing}s"
    assert f"gave no {thing} for" in message.body
    assert f"clicked {button} read" in message.body.replace("\n", " ")
