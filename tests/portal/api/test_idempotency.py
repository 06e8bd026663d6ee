"""Idempotency-Key: a call that is sent again changes nothing, and gets the same response."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

from django.utils import timezone

from billhook.portal.api.models import IdempotentCall
from billhook.portal.api.services import forget_old_calls, reserve_call
from billhook.portal.customers.models import Customer
from billhook.portal.integrations.models import ApiKey
from portal.api.program import Program, problem_of

NEW = {"number": "C-9", "name": "Nine"}


def test_a_call_that_is_sent_again_gets_the_first_response(program: Program) -> None:
    first = program.post("/customers", NEW, idempotency_key="one")
    again = program.post("/customers", NEW, idempotency_key="one")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in ("ETag", "Location", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert Customer.objects.filter(number="C-9").count() == 1


def test_another_body_or_address_is_refused(program: Program) -> None:
    program.post("/customers", NEW, idempotency_key="one")
    reused = (422, "idempotency-key-reused")
    other = program.post("/customers", {**NEW, "name": "Ten"}, idempotency_key="one")
    assert problem_of(other) == reused
    assert problem_of(program.post("/keys", NEW, idempotency_key="one")) == reused


def test_the_row_of_a_call_does_not_help_to_guess_what_was_in_its_body(
    program: Program,
) -> None:
    """A body may hold the password of a source."""
    program.post("/customers", NEW, idempotency_key="one")
    guess = b"POST /api/v1/customers\n" + json.dumps(NEW).encode()
    assert IdempotentCall.objects.get().digest != hashlib.sha256(guess).hexdigest()


def test_an_error_leaves_the_key_free(program: Program) -> None:
    taken = program.post("/customers", {"number": "C-1", "name": "X"}, idempotency_key="one")
    assert problem_of(taken) == (409, "already-exists")
    assert not IdempotentCall.objects.exists()
    assert program.post("/customers", NEW, idempotency_key="one").status_code == 201


def test_a_call_in_progress_is_refused_and_one_that_died_is_taken_over(program: Program) -> None:
    key = ApiKey.objects.get(name="All")
    program.post("/customers", NEW, idempotency_key="one")
    call = IdempotentCall.objects.get()
    digest, held = call.digest, timezone.now() + timedelta(minutes=1)
    Customer.objects.filter(number="C-9").delete()
    IdempotentCall.objects.update(response=None, held_until=held)
    concurrent = program.post("/customers", NEW, idempotency_key="one")
    assert problem_of(concurrent) == (409, "idempotency-key-in-use")
    assert concurrent.headers["Retry-After"] == "1"
    IdempotentCall.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert program.post("/customers", NEW, idempotency_key="one").status_code == 201
    assert reserve_call(key=key, text="one", digest=digest).response is not None


def test_the_same_text_of_another_key_is_another_call(
    program: Program, strange_program: Program
) -> None:
    assert program.post("/customers", NEW, idempotency_key="one").status_code == 201
    assert strange_program.post("/customers", NEW, idempotency_key="one").status_code == 201


def test_calls_are_kept_for_a_day(program: Program) -> None:
    program.post("/customers", NEW, idempotency_key="one")
    forget_old_calls()
    assert IdempotentCall.objects.count() == 1
    IdempotentCall.objects.update(created_at=timezone.now() - timedelta(hours=25))
    again = program.post("/customers", NEW, idempotency_key="one")
    assert problem_of(again) == (409, "already-exists")  # as if the first had never been
    program.post("/customers", {**NEW, "number": "C-10"}, idempotency_key="two")
    IdempotentCall.objects.update(created_at=timezone.now() - timedelta(hours=25))
    forget_old_calls()
    assert not IdempotentCall.objects.exists()


def test_a_key_must_be_visible_text(program: Program) -> None:
    for text in ("", "with space", "x" * 256):
        response = program.post("/customers", NEW, idempotency_key=text)
        assert problem_of(response) == (400, "bad-idempotency-key")


def test_the_value_of_a_key_is_replayed_and_not_readable_in_the_database(program: Program) -> None:
    new = {"name": "Shop", "scopes": ["run"]}
    first = program.post("/keys", new, idempotency_key="one").json()
    assert program.post("/keys", new, idempotency_key="one").json() == first
    assert first["key"].startswith("bhk_")
    assert first["key"].encode() not in bytes(IdempotentCall.objects.get().response)
