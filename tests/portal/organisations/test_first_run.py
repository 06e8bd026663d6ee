"""The first start: who can read the terminal makes the first organisation, once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from billhook.portal.installation import environment
from billhook.portal.organisations import first_run
from billhook.portal.organisations.models import Member, Organisation
from portal.cast import PASSWORD, Cast


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A data folder without a code from another test."""
    monkeypatch.setenv("BILLHOOK_DATA_DIR", str(tmp_path))
    environment.current.cache_clear()
    yield
    monkeypatch.undo()
    environment.current.cache_clear()


def form(code: str | None, **other: str) -> dict[str, str]:
    return {
        "code": code or "",
        "organisation_name": "Harper IT",
        "email": "Alice@Harper.example",
        "password": PASSWORD,
        **other,
    }


def test_the_code_creates_the_organisation_and_signs_its_owner_in(db: None) -> None:
    browser = Client()
    response = browser.post("/setup", form(first_run.setup_code()))
    owner = Member.objects.get()
    assert (owner.organisation.name, owner.role) == ("Harper IT", "owner")
    assert owner.user.email == "alice@harper.example"
    assert owner.user.check_password(PASSWORD)
    assert response.headers["Location"] == f"/backoffice/{owner.organisation_id}"
    assert browser.get("/settings").status_code == 200


@pytest.mark.parametrize("code", ["", "wrong", "0" * 12])
def test_without_the_code_nothing_is_created(db: None, code: str) -> None:
    first_run.setup_code()
    assert Client().post("/setup", form(code)).status_code == 200
    assert not Organisation.objects.exists()


def test_all_processes_and_later_starts_print_the_same_code(db: None) -> None:
    code = first_run.setup_code()
    assert code
    assert first_run.setup_code() == code
    assert first_run.is_setup_code(f" {code.upper()} ")


def test_a_weak_password_is_refused_and_the_code_still_works(db: None) -> None:
    code = first_run.setup_code()
    page = Client().post("/setup", form(code, password="short")).content.decode()
    assert "10 characters" in page
    assert first_run.setup_code() == code


def test_once_there_is_an_organisation_the_page_is_permanently_gone(cast: Cast) -> None:
    assert first_run.setup_code() is None
    assert not first_run.is_setup_code("")
    for response in (Client().get("/setup"), Client().post("/setup", form("0" * 12))):
        assert response.status_code == 404


def test_of_two_concurrent_set_ups_one_wins(db: None) -> None:
    first_run.setup_code()
    first_run.set_up(organisation_name="Harper IT", email="alice@harper.example", password=PASSWORD)
    with pytest.raises(first_run.AlreadySetUp):
        first_run.set_up(organisation_name="Evil", email="eve@evil.example", password=PASSWORD)
    assert [row.name for row in Organisation.objects.all()] == ["Harper IT"]


def test_guessing_is_limited(db: None) -> None:
    for _ in range(10):
        Client().post("/setup", form("wrong"))
    assert Client().post("/setup", form(first_run.setup_code())).status_code == 429
    assert not Organisation.objects.exists()


def test_before_the_set_up_the_start_page_redirects_to_it(db: None) -> None:
    response = Client().get("/sign-in")
    assert response.headers["Location"] == "/setup"
