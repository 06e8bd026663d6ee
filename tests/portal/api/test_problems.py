"""Every error of the API has one form, wherever it comes from."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from billhook.portal.api import edge
from billhook.portal.customers.models import Customer
from billhook.portal.installation import environment
from billhook.portal.integrations.services import create_api_key, revoke_api_key
from portal.api.program import Program, places_of, problem_of, row
from portal.cast import Cast


def test_a_call_without_a_key_is_refused(cast: Cast) -> None:
    response = Program(None).get("/customers")
    assert problem_of(response) == (401, "key-missing")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_unknown_a_revoked_and_an_expired_key_are_refused(cast: Cast) -> None:
    revoked = create_api_key(organisation=cast.harper, name="A", user=None, scopes=["runs:read"])
    revoke_api_key(key=revoked.row)
    expired = create_api_key(
        organisation=cast.harper,
        name="B",
        user=None,
        scopes=["runs:read"],
        expires_at=timezone.now() - timedelta(seconds=1),
    )
    assert problem_of(Program("bhk_none").get("/runs")) == (401, "key-unknown")
    assert problem_of(Program(revoked.value.reveal()).get("/runs")) == (401, "key-unknown")
    assert problem_of(Program(expired.value.reveal()).get("/runs")) == (401, "key-expired")


def test_a_key_without_the_scope_is_refused_and_one_to_write_may_read(program_with) -> None:
    reader, writer = program_with("customers:read"), program_with("customers:write")
    new = {"number": "C-9", "name": "Nine"}
    assert problem_of(reader.post("/customers", new)) == (403, "scope-missing")
    assert problem_of(reader.get("/invoices")) == (403, "scope-missing")
    assert writer.get("/customers").status_code == 200
    assert writer.post("/customers", new).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("GET", "/nothing", (404, "route-not-found"), id="unknown path"),
        pytest.param("GET", "/", (404, "route-not-found"), id="the root"),
        pytest.param("GET", "/../v2/customers", (404, "route-not-found"), id="another version"),
        pytest.param("PUT", "/customers", (405, "method-not-allowed"), id="method"),
        pytest.param("GET", "/customers/none", (404, "not-found"), id="unknown id"),
        pytest.param("GET", "/customers/%00", (400, "bad-request"), id="NUL in the address"),
        pytest.param("GET", "/customers?limit=0", (422, "invalid"), id="parameter's value"),
        pytest.param("GET", "/customers?limt=1", (422, "invalid"), id="parameter's name"),
        pytest.param("GET", "/customers?cursor=x", (400, "bad-cursor"), id="cursor"),
        pytest.param("POST", "/jobs/none/stop", (404, "not-found"), id="unknown job"),
    ],
)
def test_an_error_is_a_problem(program: Program, method: str, path: str, expected) -> None:
    assert problem_of(program.call(method, path)) == expected


def test_a_method_that_is_not_allowed_names_those_that_are(program: Program) -> None:
    allowed = program.call("PUT", "/customers").headers["Allow"]
    assert set(allowed.split(", ")) == {"GET", "HEAD", "POST"}
    assert program.call("HEAD", "/customers").status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        pytest.param(b"{", "application/json", (400, "bad-json"), id="cut off"),
        pytest.param(b"", "application/json", (422, "invalid"), id="empty"),
        pytest.param(b"\xff", "application/json", (400, "bad-json"), id="not UTF-8"),
        pytest.param(b'{"a":1,"a":2}', "application/json", (400, "bad-json"), id="twins"),
        pytest.param(
            b'{"a":1e' + b"9" * 24 + b"}", "application/json", (400, "bad-json"), id="long exponent"
        ),
        pytest.param(b'{"a":NaN}', "application/json", (400, "bad-json"), id="NaN"),
        pytest.param(b"[" * 9_000, "application/json", (400, "bad-json"), id="too deep"),
        pytest.param(b"[]", "application/json", (422, "invalid"), id="a list"),
        pytest.param(b"a=1", "application/x-www-form-urlencoded", (415, "not-json"), id="a form"),
        pytest.param(b'"' + b"x" * 2_000_000 + b'"', "application/json", (413, "body-too-large")),
    ],
)
def test_a_body_that_cannot_be_used_is_a_problem(program: Program, body, kind, expected) -> None:
    response = program.post("/customers", body, content_type=kind)
    assert problem_of(response) == expected


def test_a_compressed_body_is_not_read(program: Program) -> None:
    response = program.post("/customers", {"number": "C-9", "name": "N"}, content_encoding="gzip")
    assert problem_of(response) == (415, "not-json")


def test_every_problem_of_a_body_is_listed_at_once_with_its_place(program: Program) -> None:
    bad = row(amount=1240, currency="EURO", due_on="30.04.2026", nonsense=1)
    del bad["issued_on"]
    response = program.post("/invoices", bad)
    assert problem_of(response) == (422, "invalid")
    assert set(places_of(response)) == {"amount", "currency", "due_on", "nonsense"}
    messages = [each["message"] for each in response.json()["problems"]]
    assert "Write the date as 2026-05-31." in messages


def test_a_parameter_is_named_where_its_value_cannot_be_used(program: Program) -> None:
    for path in ("/customers?limit=0", "/customers?limit=many"):
        response = program.get(path)
        assert (problem_of(response), places_of(response)) == ((422, "invalid"), ["limit"])
        assert "limit must be" in response.json()["detail"]


def test_a_fault_of_ours_is_a_problem_that_shows_nothing(program: Program, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(edge, "_route", fail)
    response = program.get("/customers")
    assert problem_of(response) == (500, "internal-error")
    assert b"canary" not in response.content


def test_a_database_that_is_away_is_a_problem(program: Program, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("canary")

    monkeypatch.setattr(edge, "authenticate", fail)
    response = program.get("/customers")
    assert problem_of(response) == (503, "database-away")
    assert response.headers["Retry-After"]


def test_a_foreign_host_gets_a_problem(program: Program) -> None:
    response = program.get("/customers", host="evil.example")
    assert problem_of(response) == (400, "bad-request")


def test_limits_are_shown_and_kept(program: Program, monkeypatch) -> None:
    monkeypatch.setenv("BILLHOOK_API_CALLS", "3")
    environment.current.cache_clear()
    try:
        left = [program.get("/keys").headers["RateLimit"] for _ in range(3)]
        assert [each.partition(";t=")[0] for each in left] == [f'"calls";r={n}' for n in (2, 1, 0)]
        refused = program.get("/keys")
    finally:
        monkeypatch.undo()
        environment.current.cache_clear()
    assert problem_of(refused) == (429, "too-many-calls")
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["RateLimit-Policy"] == '"calls";q=3;w=60'


def test_wrong_keys_from_one_address_are_limited_and_right_ones_are_not(program: Program) -> None:
    guesses = [Program(f"bhk_{n}").get("/keys") for n in range(25)]
    assert problem_of(guesses[0]) == (401, "key-unknown")
    assert problem_of(guesses[-1]) == (429, "too-many-failures")
    assert program.get("/keys").status_code == 200


def test_an_error_changes_nothing(program: Program, cast: Cast) -> None:
    before = Customer.objects.count()
    two = {"rows": [row("INV-8", customer_number="C-8", customer_name="Eight", amount="1.234")]}
    assert program.post("/invoices/bulk", two).json()["counts"]["refused"] == 1
    assert Customer.objects.count() == before


@pytest.mark.parametrize("text", ["\0", "a\0b", "a\u2028b"])
def test_an_id_with_characters_that_no_database_takes_is_refused(
    program: Program, cast: Cast, text: str
) -> None:
    """PostgreSQL refuses to look for a text with a null character."""
    contact = program.post("/contacts", {"customer_id": text, "email": "dana@acme.example"})
    invoice = program.call("PATCH", f"/invoices/{cast.open.id}", {"customer_id": text})
    for response in (contact, invoice):
        assert problem_of(response) == (422, "invalid")
        assert response.json()["problems"][0]["code"] == "unseen"
