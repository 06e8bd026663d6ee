"""Fixtures of all tests: their own data folder, so that none writes into the project's."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import settings

from billhook.portal.installation import environment
from migrated import copy_tables
from scheduling import ByFile

_FOLDER = tempfile.TemporaryDirectory(prefix="billhook-tests-")  # removed when the tests end

environment.put("BILLHOOK_DATA_DIR", _FOLDER.name)
# Threads of the storage don't see what a test's own transaction writes; tests/portal/storage and
# tests/nodes choose the others.
environment.put("BILLHOOK_STORAGE", "folder")

STORING = frozenset(
    {
        "db",
        "transactional_db",
        "postgresql",
        "shared_postgresql",
        "job_installation",
        "database_settings",
    }
)
"""Fixtures of the tests that read and write the database that the tests are run on."""

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts what it runs in the background so, and every process of a test inherits it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("billhook", deadline=None)  # a busy machine is not a fault
settings.load_profile("billhook")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Keep SQLite's test database in the tests' own folder.

    pytest-django would name it ``test_`` and the path of the real one: a folder in the checkout.
    """
    if not environment.current().database_url:
        django_settings.DATABASES["default"]["TEST"]["NAME"] = f"{_FOLDER.name}/test.sqlite3"
        copy_tables(Path(_FOLDER.name) / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Leave the databases at the end: threads of the storage may still be connected.

    The server of ``make test`` goes with PostgreSQL's, the tests' own folder with SQLite's.
    """
    return True


@pytest.fixture(scope="session")
def django_db_createdb() -> bool:
    """Begin with new databases all the same; SQLite's is the copy of a migrated one."""
    return bool(environment.current().database_url)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Divide the tests between processes; see :mod:`scheduling`."""
    return ByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make api-fuzz` make more calls than the test suite does."""
    parser.addoption("--made-up-calls", type=int, default=8, help="calls of each API operation")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out the tests that store nothing: they have run on SQLite."""
    if environment.current().database_url:
        left_out = [item for item in items if not _stores(item)]
        items[:] = [item for item in items if _stores(item)]
        config.hook.pytest_deselected(items=left_out)


def _stores(item: pytest.Item) -> bool:
    fixtures = STORING.intersection(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None
