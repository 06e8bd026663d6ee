"""Fixtures of the API's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from billhook.portal.api.limits import forget_limits
from billhook.portal.fields.key_scopes import SCOPES
from billhook.portal.integrations.services import create_api_key
from portal.api.program import Program
from portal.cast import Cast


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    """Count calls from zero."""
    forget_limits()
    yield
    forget_limits()


@pytest.fixture
def program(cast: Cast) -> Program:
    """Harper IT's program, with a key for everything."""
    key = create_api_key(
        organisation=cast.harper, name="All", user=cast.alice.user, scopes=list(SCOPES)
    )
    return Program(key.value.reveal())


@pytest.fixture
def program_with(cast: Cast) -> Callable[..., Program]:
    """Return a function that makes a program of Harper IT, whose key has some scopes."""

    def make(*scopes: str) -> Program:
        key = create_api_key(
            organisation=cast.harper, name="Some", user=cast.alice.user, scopes=scopes
        )
        return Program(key.value.reveal())

    return make


@pytest.fixture
def strange_program(cast: Cast) -> Program:
    """Northwind's program, with a key for everything."""
    key = create_api_key(
        organisation=cast.northwind, name="All", user=cast.charlie.user, scopes=list(SCOPES)
    )
    return Program(key.value.reveal())
