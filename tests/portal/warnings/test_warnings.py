"""Home warns the members who can fix it: what is wrong, what to do, and where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billhook.engine.errors import AuthenticationFailed
from billhook.engine.http.breaker import BreakerState, State
from billhook.engine.secret import Secret
from billhook.portal.backups.services import record_backup
from billhook.portal.installation import environment
from billhook.portal.integrations.drafts import SecretEntry
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.store import get_store
from billhook.portal.jobs.models import Job, JobSchedule
from billhook.portal.jobs.services import enqueue, schedule
from billhook.portal.mail.failure import MailFailure
from billhook.portal.mail.models import BounceMailbox, MailKind, OutgoingMail
from billhook.portal.mail.outbox import post_mail
from billhook.portal.mail.services import record_check, record_mailbox
from billhook.portal.nodes.node import this_node
from billhook.portal.nodes.services import note_end_of_job_processes, report_node
from billhook.portal.organisations.models import Member
from billhook.portal.runs.models import Run
from billhook.portal.warnings import certificates
from billhook.portal.warnings.home import warnings_for_member
from billhook.portal.warnings.warning import Code, HomeWarning
from portal.cast import Cast, signed_in
from portal.integration_cast import draft, integration

DOCS = Path(__file__).parents[3] / "docs" / "warnings.md"


def codes(member: Member) -> list[str]:
    return [warning.code.value for warning in warnings_for_member(member)]


def the_warning(member: Member) -> HomeWarning:
    (warning,) = warnings_for_member(member)
    return warning


def run(
    row: Integration, outcome: str, *, reason: str = "", kind: str = "view", ago: int = 0
) -> Run:
    return Run.objects.create(
        organisation=row.organisation,
        integration=row,
        command="GetInvoiceImage",
        kind=kind,
        outcome=outcome,
        reason=reason,
        started_at=timezone.now() + timedelta(seconds=60 - ago),
        milliseconds=5,
    )


@pytest.fixture
def setting() -> Any:
    """Return a function that changes a setting; afterwards all are as before."""
    changed: list[tuple[str, str]] = []

    def change(name: str, value: str, before: str) -> None:
        changed.append((name, before))
        environment.put(name, value)

    yield change
    for name, before in changed:
        environment.put(name, before)


def test_there_is_no_warning_if_all_is_well(cast: Cast) -> None:
    run(integration(cast.harper), "ok")
    assert codes(cast.alice) == []
    assert b'id="warnings"' not in signed_in(cast.alice).get(home(cast)).content


def home(cast: Cast) -> str:
    return reverse("backoffice:home", args=[cast.harper.id])


# Mail.


def test_a_missing_mail_server_gives_a_warning(cast: Cast, settings: Any) -> None:
    settings.EMAIL_BACKEND = "billhook.portal.mail.console.EmailBackend"
    warning = the_warning(cast.alice)
    assert warning.code is Code.MAIL_NOT_SET
    assert "BILLHOOK_EMAIL_URL" in warning.text
    assert warning.address.endswith("/settings#mail")


def test_a_failing_mail_server_gives_a_warning(cast: Cast) -> None:
    failure = MailFailure(code="mail-timeout", message="The mail server didn't respond.")
    record_check(failure=failure, next_check_at=timezone.now())
    warning = the_warning(cast.alice)
    assert (warning.code, warning.text) == (Code.MAIL_FAILS, failure.message)


def test_a_mailbox_for_bounces_that_fails_for_long_gives_a_warning(
    cast: Cast, setting: Any
) -> None:
    failure = MailFailure(code="bounces-timeout", message="The mail server didn't respond.")
    setting("BILLHOOK_BOUNCE_MAILBOX", "imaps://a:b@imap.example", "")
    record_mailbox(failure=failure)
    assert codes(cast.alice) == []
    BounceMailbox.objects.update(failing_since=timezone.now() - timedelta(minutes=16))
    record_mailbox(failure=failure)
    warning = the_warning(cast.alice)
    assert (warning.code, warning.text) == (Code.BOUNCES_UNREAD, failure.message)
    record_mailbox(failure=None)
    assert codes(cast.alice) == []


def unsent(cast: Cast, *, kind: MailKind, user: Any, organisation: Any) -> None:
    message = EmailMessage("Hello", "text", to=[user.email])
    posted = post_mail(message=message, kind=kind, user=user, organisation=organisation)
    failed = OutgoingMail.objects.filter(id=posted.mail_id)
    failed.update(failure="mail-refused", reason="The mail server refused the mail.")


def test_mail_that_was_not_sent_warns_its_own_organisation(cast: Cast) -> None:
    unsent(cast, kind=MailKind.INVITATION, user=cast.carla.user, organisation=cast.harper)
    warning = the_warning(cast.alice)
    assert warning.code is Code.MAIL_UNSENT
    assert warning.title == "One mail wasn't sent"
    assert codes(cast.charlie) == []


@pytest.mark.parametrize("person", ["carla", "bob"])
def test_a_code_that_was_not_sent_warns_the_organisation_of_the_person(
    cast: Cast, person: str
) -> None:
    unsent(cast, kind=MailKind.CODE, user=getattr(cast, person).user, organisation=None)
    unsent(cast, kind=MailKind.CODE, user=getattr(cast, person).user, organisation=None)
    assert the_warning(cast.alice).title == "2 mails weren't sent"
    assert codes(cast.charlie) == []


# Sources.


@pytest.mark.parametrize(
    "outcomes",
    [
        ["source-status", "source-timeout"],
        ["source-status", "source-unreachable", "source-unreachable", "ok"],
        ["cancelled", "source-timeout", "token", "source-timeout", "internal-error"],
    ],
)
def test_a_failing_source_gives_a_warning(cast: Cast, outcomes: list[str]) -> None:
    row = integration(cast.harper)
    runs = [run(row, outcome, ago=age) for age, outcome in enumerate(outcomes)]
    warning = the_warning(cast.bob)
    assert (warning.code, warning.title) == (Code.SOURCE_FAILS, "Acme billing fails")
    assert warning.address.rpartition("/")[2] in {each.id for each in runs}


@pytest.mark.parametrize("outcome", ["configuration", "egress-denied", "source-tls-failed"])
def test_one_failure_is_enough_where_trying_again_cannot_help(cast: Cast, outcome: str) -> None:
    row = integration(cast.harper)
    run(row, outcome)
    run(row, "ok", ago=1)
    warning = the_warning(cast.bob)
    assert (warning.code, warning.title) == (Code.SOURCE_FAILS, "Acme billing gives no documents")
    assert warning.address.endswith(row.id)


def test_a_missing_right_is_not_called_a_wrong_key(cast: Cast) -> None:
    run(integration(cast.harper), "source-refused", reason="403")
    warning = the_warning(cast.bob)
    assert warning.title == "Acme billing refuses Billhook's requests"
    assert "Give that user the right" in warning.text
    assert "store a new one" not in warning.text


@pytest.mark.parametrize(
    "outcomes",
    [
        [],
        ["source-timeout"],
        ["source-timeout", "ok", "source-timeout"],
        ["document-not-found", "source-timeout", "source-timeout"],
        ["cancelled", "token", "internal-error"],
    ],
)
def test_a_source_that_failed_once_or_works_again_gives_no_warning(
    cast: Cast, outcomes: list[str]
) -> None:
    row = integration(cast.harper)
    for age, outcome in enumerate(outcomes):
        run(row, outcome, ago=age)
    assert codes(cast.alice) == []


def test_a_kept_copy_says_nothing_about_the_source(cast: Cast) -> None:
    row = integration(cast.harper)
    run(row, "ok", reason="kept")
    run(row, "source-timeout", ago=1)
    run(row, "source-timeout", ago=2)
    assert codes(cast.alice) == ["source-fails"]


def test_test_runs_give_no_warning(cast: Cast) -> None:
    row = integration(cast.harper)
    for age in range(3):
        run(row, "source-refused", reason="401", kind="try", ago=age)
    assert codes(cast.alice) == []


@pytest.mark.parametrize(
    ("outcome", "reason"), [("source-refused", "401"), (AuthenticationFailed.code, "")]
)
def test_a_source_that_refuses_the_key_gives_a_warning(
    cast: Cast, outcome: str, reason: str
) -> None:
    row = integration(cast.harper)
    run(row, outcome, reason=reason)
    run(row, "ok", ago=1)
    warning = the_warning(cast.bob)
    assert warning.code is Code.SOURCE_REFUSED
    assert warning.address.endswith(row.id)


def test_a_new_key_ends_the_warning(cast: Cast) -> None:
    row = integration(cast.harper)
    run(row, "source-refused", reason="401")
    Integration.objects.update(changed_at=timezone.now() + timedelta(hours=1))
    assert codes(cast.alice) == []


def test_a_disabled_source_gives_no_warning(cast: Cast) -> None:
    row = integration(cast.harper)
    run(row, "source-refused", reason="401")
    Integration.objects.update(enabled=False)
    assert codes(cast.alice) == []


def test_a_paused_source_gives_a_warning(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    row = integration(cast.harper)
    now = timezone.now().timestamp()
    paused = BreakerState(
        state=State.OPEN, since=now, next_try=now + 30, failures=5, commands=("GetStatement",)
    )
    monkeypatch.setattr(get_store(), "state_of", lambda _id: paused)
    warning = the_warning(cast.bob)
    assert warning.code is Code.SOURCE_PAUSED
    assert "retry automatically" in warning.text
    assert warning.title.startswith("Paused: GetStatement of ")
    assert f"integration={row.id}" in warning.address


# Certificates.


def certificate(*, ends: datetime) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "harper")])
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=365))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return (made.public_bytes(serialization.Encoding.PEM) + private).decode()


def with_certificate(cast: Cast, pem: str, name: str = "Acme billing") -> Integration:
    secrets = (
        SecretEntry(name="ApiKey", value=Secret("key")),
        SecretEntry(name="Certificate", value=Secret(pem)),
    )
    row = integration(cast.harper, draft(name=name, secrets=secrets))
    row.tls = {"client_certificate": "{{Certificate}}", "ca": ""}
    row.save()
    return row


@pytest.mark.parametrize(
    ("days", "expected"),
    [(-1, ["certificate-expired"]), (29, ["certificate-expires"]), (31, [])],
)
def test_an_expiring_client_certificate_gives_a_warning(
    cast: Cast, days: int, expected: list[str]
) -> None:
    ends = datetime.now(UTC) + timedelta(days=days)
    with_certificate(cast, certificate(ends=ends))
    assert codes(cast.alice) == expected
    assert codes(cast.bob) == expected
    if expected:
        assert f"{ends.day} {ends:%B %Y}" in the_warning(cast.alice).text


@pytest.mark.parametrize("pem", ["no certificate", "-----BEGIN CERTIFICATE-----\nbad\n"])
def test_a_certificate_that_cannot_be_read_breaks_no_page(cast: Cast, pem: str) -> None:
    with_certificate(cast, pem)
    assert signed_in(cast.alice).get(home(cast)).status_code == 200


def test_a_servers_certificate_that_ends_soon_gives_a_warning(cast: Cast) -> None:
    row = integration(cast.harper)
    old = run(row, "ok", ago=5)
    Run.objects.filter(id=old.id).update(
        attempts=[{"status": 302}, {"status": 200, "certificate_ends": "2026-12-03"}]
    )
    run(row, "source-timeout")  # it didn't connect, so it has seen no other
    assert codes(cast.bob) == ["server-certificate-expires"]
    assert "valid until 3 December 2026" in the_warning(cast.alice).text
    renewed = run(row, "ok")
    Run.objects.filter(id=renewed.id).update(attempts=[{"status": 200}])
    assert codes(cast.alice) == []


def test_home_asks_the_database_as_often_for_many_sources_as_for_one(cast: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert signed_in(cast.alice).get(home(cast)).status_code == 200
        return len(captured)

    pem = certificate(ends=datetime.now(UTC) + timedelta(days=3))

    def failing_source(name: str) -> None:
        row = with_certificate(cast, pem, name)
        for ago in range(25):
            run(row, "source-timeout", ago=ago)

    failing_source("One")
    one = queries()
    for number in range(4):
        failing_source(f"Another {number}")
    assert codes(cast.alice).count("source-fails") == 5
    assert codes(cast.alice).count("certificate-expires") == 5
    certificates._known.clear()  # as in a process that has just started
    assert queries() == one


# The installation.


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://invoices.example.com", ["no-https"]),
        ("http://192.0.2.7:8000", ["no-https"]),
        ("https://invoices.example.com", []),
        ("http://localhost:8000", []),
        ("http://[::1]:8000", []),
    ],
)
def test_a_public_address_without_https_gives_a_warning(
    cast: Cast, setting: Any, address: str, expected: list[str]
) -> None:
    setting("BILLHOOK_PUBLIC_URL", address, "http://127.0.0.1:8000")
    assert codes(cast.alice) == expected


def test_an_overdue_backup_gives_a_warning(cast: Cast, setting: Any) -> None:
    setting("BILLHOOK_BACKUP_DAYS", "0", "")
    assert codes(cast.alice) == []
    setting("BILLHOOK_BACKUP_DAYS", "7", "")
    assert the_warning(cast.alice).title == "There is no backup yet"
    record_backup(made_at=timezone.now() - timedelta(days=9), size=1, is_encrypted=True)
    assert the_warning(cast.alice).title == "The last backup is 9 days old"
    record_backup(made_at=timezone.now() - timedelta(days=6), size=1, is_encrypted=True)
    assert codes(cast.alice) == []


def test_jobs_that_wait_without_a_process_for_them_give_a_warning(cast: Cast) -> None:
    job = enqueue("import", subject="x", organisation=cast.harper)
    assert codes(cast.alice) == []
    Job.objects.filter(id=job.id).update(due_at=timezone.now() - timedelta(minutes=2))
    assert the_warning(cast.alice).code is Code.JOBS_WAIT
    report_node(this_node(), works_on_jobs=True)
    assert codes(cast.alice) == []
    note_end_of_job_processes(this_node())
    assert codes(cast.alice) == ["jobs-wait"]


def test_a_schedule_that_nobody_follows_gives_a_warning(cast: Cast) -> None:
    schedule("sync", every=timedelta(minutes=5), subject="x", organisation=cast.harper)
    JobSchedule.objects.update(next_at=timezone.now() - timedelta(minutes=2))
    assert codes(cast.alice) == ["jobs-wait"]
    assert b"Start billhook work" in signed_in(cast.alice).get(home(cast)).content


# Who sees what.


@pytest.fixture
def all_wrong(cast: Cast, settings: Any, setting: Any) -> Cast:
    settings.EMAIL_BACKEND = "billhook.portal.mail.console.EmailBackend"
    setting("BILLHOOK_PUBLIC_URL", "http://invoices.example.com", "http://127.0.0.1:8000")
    setting("BILLHOOK_BACKUP_DAYS", "7", "")
    row = with_certificate(cast, certificate(ends=datetime.now(UTC) + timedelta(days=3)))
    run(row, "source-refused", reason="401")
    unsent(cast, kind=MailKind.INVITATION, user=cast.carla.user, organisation=cast.harper)
    return cast


def test_owners_see_all_warnings_editors_those_they_can_fix_and_viewers_none(
    all_wrong: Cast,
) -> None:
    of_sources = ["source-refused", "certificate-expires"]
    assert sorted(codes(all_wrong.alice)) == sorted(
        [*of_sources, "mail-not-set", "mail-unsent", "no-https", "backup-overdue"]
    )
    assert codes(all_wrong.bob) == of_sources
    assert codes(all_wrong.vera) == []


def test_current_failures_come_first(all_wrong: Cast) -> None:
    kinds = [warning.kind for warning in warnings_for_member(all_wrong.alice)]
    assert kinds == sorted(kinds)  # "bad" before "warn"
    assert len(set(kinds)) == 2


def test_each_warning_on_home_leads_to_a_page_that_its_reader_may_open(all_wrong: Cast) -> None:
    for member in (all_wrong.alice, all_wrong.bob):
        browser = signed_in(member)
        page = browser.get(home(all_wrong)).content.decode()
        for warning in warnings_for_member(member):
            assert f'data-code="{warning.code.value}"' in page
            path, _, place = warning.address.partition("#")
            found = browser.get(path)
            assert found.status_code == 200
            assert not place or f'id="{place}"' in found.content.decode()


@pytest.mark.parametrize("code", Code, ids=lambda code: code.value)
def test_each_warning_is_documented(code: Code) -> None:
    assert f"| `{code.value}` |" in DOCS.read_text(encoding="utf-8")
