"""Fixtures of the portal's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from whitenoise.middleware import WhiteNoiseMiddleware

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact
from billhook.portal.jobs import turn
from billhook.portal.mail.background import AtOnce, use_background
from billhook.portal.mail.delivery import deliver_due_mail
from billhook.portal.organisations.models import Member
from portal.cast import Cast, make_cast, signed_in


@pytest.fixture(autouse=True, scope="session")
def static_files_are_found_once() -> Iterator[None]:
    """Look for static files once in a process, not once for every browser of a test."""
    found: dict[str, Any] = {}
    find = WhiteNoiseMiddleware.add_files_from_finders

    def find_once(middleware: WhiteNoiseMiddleware) -> None:
        if not found:
            find(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", find_once)
        yield


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Hash passwords quickly: the tests' passwords are no secret."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def sent_mail() -> Callable[[], None]:
    """Return a function that sends the mail on its way, in the test's own thread."""
    use_background(AtOnce())
    return deliver_due_mail


@pytest.fixture(autouse=True)
def jobs_at_once(settings: Any) -> None:
    """Do jobs in the test's own thread, where a page waits for one."""
    settings.JOBS_AT_ONCE = True


@pytest.fixture(autouse=True)
def whole_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the size of chunks not depend on how busy this machine is."""
    monkeypatch.setattr(turn, "GOAL", 3600.0)


@pytest.fixture
def cast(db: None) -> Cast:
    """Everybody: see :mod:`portal.cast`."""
    return make_cast()


@pytest.fixture
def sign_in() -> Callable[[User | Member | Contact], Client]:
    """Return a function that gives a browser in which somebody is signed in."""
    return signed_in
