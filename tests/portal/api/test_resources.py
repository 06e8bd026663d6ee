"""Customers, contacts, integrations, runs, jobs and keys by the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billhook.engine.integration_file.file import read_integration
from billhook.portal.backoffice.invitations import MOST_A_DAY
from billhook.portal.customers.models import Contact
from billhook.portal.integrations.models import ApiKey, Integration, StoredSecret
from billhook.portal.jobs.services import enqueue
from billhook.portal.runs.models import Run
from portal.api.program import Program, places_of, problem_of
from portal.cast import Cast

FILE = """\
format = 1

[integration]
name = "Acme billing"
secrets = ["ApiKey"]

[commands.GetInvoiceImage]
method = "GET"
url = "https://billing.example.com/items/{{InvoiceNumber}}"
headers = [["X-Api-Key", "{{ApiKey}}"]]
"""
SECRETS = {"ApiKey": "canary-secret-91c2"}


def test_a_customer_is_created_found_changed_and_removed(program: Program) -> None:
    made = program.post("/customers", {"number": " C-9 ", "name": "Nine", "locale": "de"})
    assert (made.status_code, made.json()["number"]) == (201, "C-9")
    path = f"/customers/{made.json()['id']}"
    found = program.get("/customers?search=Nin").json()["items"]
    assert [each["id"] for each in found] == [made.json()["id"]]
    changed = program.call("PATCH", path, {"name": "Nine & Co"}).json()
    assert (changed["name"], changed["locale"]) == ("Nine & Co", "de")
    assert problem_of(program.call("PATCH", path, {"locale": "?"})) == (422, "invalid")
    assert program.call("DELETE", path).status_code == 204


def test_reading_begins_no_transaction(program: Program, cast: Cast) -> None:
    """SQLite has one writer: a call that only reads neither waits for it nor holds it."""
    with CaptureQueriesContext(connection) as queries:
        assert program.get(f"/customers/{cast.acme.id}").status_code == 200
    assert not [query["sql"] for query in queries if "SAVEPOINT" in query["sql"]]


def test_a_page_of_integrations_asks_for_all_their_secrets_at_once(
    program: Program, cast: Cast
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert program.get("/integrations").status_code == 200
        return len(queries)

    Integration.objects.create(organisation=cast.harper, name="One")
    one = asked()
    for number in range(5):
        Integration.objects.create(organisation=cast.harper, name=f"More {number}")
    assert asked() == one


def test_a_customer_with_invoices_stays(program: Program, cast: Cast) -> None:
    response = program.call("DELETE", f"/customers/{cast.acme.id}")
    assert problem_of(response) == (409, "has-invoices")


def test_a_contact_is_invited_by_mail_only_if_asked(
    program: Program, cast: Cast, sent_mail
) -> None:
    new = {"customer_id": cast.acme.id, "email": "Dana@acme.example", "name": "Dana"}
    made = program.post("/contacts", new)
    assert (made.status_code, made.json()["email"]) == (201, "dana@acme.example")
    sent_mail()
    assert not mail.outbox
    assert problem_of(program.post("/contacts", new)) == (409, "already-exists")
    program.post("/contacts", {**new, "email": "eve@acme.example", "send_invitation": True})
    sent_mail()
    assert [message.to for message in mail.outbox] == [["eve@acme.example"]]
    found = program.get(f"/contacts?customer_id={cast.acme.id}&email=dana@acme.example").json()
    assert [each["id"] for each in found["items"]] == [made.json()["id"]]
    assert program.call("DELETE", f"/contacts/{made.json()['id']}").status_code == 204
    assert not Contact.objects.filter(id=made.json()["id"]).exists()


def test_no_address_is_flooded_with_invitations(program: Program, cast: Cast, sent_mail) -> None:
    new = {"customer_id": cast.acme.id, "email": "eve@acme.example", "send_invitation": True}
    for _ in range(MOST_A_DAY):
        made = program.post("/contacts", new)
        assert made.status_code == 201
        sent_mail()
        program.call("DELETE", f"/contacts/{made.json()['id']}")
    refused = program.post("/contacts", {**new, "email": "EVE@acme.example"})
    assert problem_of(refused) == (429, "too-many-invitations")
    assert refused.headers["Retry-After"] == "86400"
    assert not Contact.objects.filter(user__email="eve@acme.example").exists()
    sent_mail()
    assert len(mail.outbox) == MOST_A_DAY
    assert program.post("/contacts", {**new, "send_invitation": False}).status_code == 201
    assert program.post("/contacts", {**new, "email": "eva@acme.example"}).status_code == 201


def test_a_contact_of_another_organisations_customer_is_not_made(
    program: Program, cast: Cast
) -> None:
    response = program.post("/contacts", {"customer_id": cast.cedar.id, "email": "a@b.example"})
    assert (problem_of(response), places_of(response)) == ((422, "invalid"), ["customer_id"])


def test_an_integration_is_a_file_whose_secrets_are_never_returned(program: Program) -> None:
    made = program.post("/integrations", {"file": FILE, "secrets": SECRETS})
    assert made.status_code == 201, made.content
    shown = made.json()
    assert read_integration(shown["file"]) == read_integration(FILE)
    assert shown["secrets"] == ["ApiKey"]
    path = f"/integrations/{shown['id']}"
    answers = [made, program.get(path), program.get("/integrations")]
    answers.append(program.call("PUT", path, {"file": FILE.replace("Acme billing", "Billing")}))
    answers.append(program.call("PATCH", path, {"enabled": False}))
    assert [each.status_code for each in answers] == [201, 200, 200, 200, 200]
    assert all(SECRETS["ApiKey"].encode() not in each.content for each in answers)
    row = Integration.objects.get()
    assert (row.name, row.enabled) == ("Billing", False)
    assert StoredSecret.objects.filter(integration=row).count() == 1
    assert program.call("DELETE", path).status_code == 204


def test_problems_of_a_file_are_those_of_the_form(program: Program) -> None:
    bad = FILE.replace("{{InvoiceNumber}}", "{{InvoiceNumbr}}")
    response = program.post("/integrations", {"file": bad})
    assert problem_of(response) == (422, "invalid")
    codes = {each["code"] for each in response.json()["problems"]}
    assert codes == {"unknown-token", "secret-missing"}
    checked = program.post("/integrations/check", {"file": bad}).json()["problems"]
    assert [each["suggestion"] for each in checked] == ["{{InvoiceNumber}}"]
    assert program.post("/integrations/check", {"file": FILE}).json() == {"problems": []}
    broken = program.post("/integrations/check", {"file": "format = "}).json()["problems"]
    assert broken[0]["code"]


def test_a_secret_does_not_follow_its_command_to_another_origin(program: Program) -> None:
    made = program.post("/integrations", {"file": FILE, "secrets": SECRETS}).json()
    moved = FILE.replace("billing.example.com", "evil.example.com")
    response = program.call("PUT", f"/integrations/{made['id']}", {"file": moved})
    assert problem_of(response) == (422, "invalid")
    assert places_of(response) == ["secrets.ApiKey"]


def test_a_secret_that_the_file_lacks_is_named(program: Program) -> None:
    response = program.post("/integrations", {"file": FILE, "secrets": {**SECRETS, "Other": "x"}})
    assert places_of(response) == ["secrets.Other"]


def test_runs_are_listed_newest_first_and_filtered(program: Program, cast: Cast) -> None:
    for hour, outcome in ((1, "ok"), (2, "source-timeout")):
        Run.objects.create(
            organisation=cast.harper,
            command="GetInvoiceImage",
            kind="view",
            outcome=outcome,
            started_at=datetime(2026, 3, 31, hour, tzinfo=UTC),
            milliseconds=1.5,
            invoice=cast.open,
        )
    runs = program.get("/runs").json()["items"]
    assert [run["outcome"] for run in runs] == ["source-timeout", "ok"]
    assert runs[0]["started_at"] == "2026-03-31T02:00:00Z"
    assert len(program.get("/runs?outcome=failed").json()["items"]) == 1
    assert program.get(f"/runs/{runs[0]['id']}").json() == runs[0]


def test_a_job_is_stopped_and_a_second_stop_is_not_possible(program: Program, cast: Cast) -> None:
    job = enqueue("import", organisation=cast.harper, subject="x", title="An import")
    path = f"/jobs/{job.id}"
    assert program.get(path).json()["state"] == "waiting"
    assert program.post(f"{path}/stop").json()["state"] == "stopped"
    assert problem_of(program.post(f"{path}/stop")) == (409, "not-possible")
    assert [each["id"] for each in program.get("/jobs?state=stopped").json()["items"]] == [job.id]


def test_a_sync_that_is_not_on_is_not_started(program: Program) -> None:
    made = program.post("/integrations", {"file": FILE, "secrets": SECRETS}).json()
    response = program.post(f"/integrations/{made['id']}/sync")
    assert problem_of(response) == (409, "not-possible")


def test_a_key_makes_no_key_that_can_do_more_or_work_longer(program_with, program: Program) -> None:
    maker = program_with("keys:write", "runs:read")
    more = maker.post("/keys", {"name": "A", "scopes": ["runs:read", "run"]})
    assert (problem_of(more), places_of(more)) == ((422, "invalid"), ["scopes"])
    unknown = maker.post("/keys", {"name": "A", "scopes": ["everything"]})
    assert places_of(unknown) == ["scopes"]
    row = ApiKey.objects.get(name="Some")
    row.expires_at = timezone.now() + timedelta(days=1)
    row.save()
    endless = maker.post("/keys", {"name": "A", "scopes": ["runs:read"]})
    assert places_of(endless) == ["expires_at"]
    past = maker.post(
        "/keys", {"name": "A", "scopes": ["runs:read"], "expires_at": "2020-01-01T00:00:00Z"}
    )
    assert places_of(past) == ["expires_at"]


def test_a_new_key_works_until_it_is_revoked(program: Program) -> None:
    made = program.post("/keys", {"name": "Reader", "scopes": ["invoices:read"]}).json()
    reader = Program(made["key"])
    assert reader.get("/invoices").status_code == 200
    shown = program.get(f"/keys/{made['id']}").json()
    assert "key" not in shown
    assert shown["scopes"] == ["invoices:read"]
    assert program.call("DELETE", f"/keys/{made['id']}").status_code == 204
    assert problem_of(reader.get("/invoices")) == (401, "key-unknown")
