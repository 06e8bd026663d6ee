"""Makes the database ready before anything is served."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.core.management import call_command
from django.db import DatabaseError, connection

from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import data_path
from billhook.server.data_folder import START_LOCK, check_data_folder
from billhook.server.errors import CannotStart, Refusal
from billhook.server.operations.schema import read_schema, refuse_newer

LOCK_NUMBER: Final = 0x62696C6C
"""Any number, the same in every process: PostgreSQL's advisory locks are named by numbers."""


def prepare_database() -> None:
    """Bring the database up to date. Processes that start together do it one after another.

    Raises:
        CannotStart: with a sentence, if the folder or the database can't be used.
    """
    check_data_folder()
    try:
        with _alone():
            _refuse_newer()
            call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError:
        raise CannotStart(_database_sentence()) from None
    finally:
        connection.close()


def _refuse_newer() -> None:
    """Raise CannotStart, and change nothing, where a later version has changed the database."""
    try:
        refuse_newer(read_schema())
    except Refusal as refusal:
        raise CannotStart(
            f"{refusal} To go back to this one, restore a backup that was made before the upgrade."
        ) from None


def is_database_there() -> bool:
    """Return whether the database responds; for ``/readyz``."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        connection.close()
        return False
    return True


@contextmanager
def _alone() -> Iterator[None]:
    """Hold a lock that other processes of this machine, and of this database, wait for."""
    with data_path(START_LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if connection.vendor != "postgresql":
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK_NUMBER])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_NUMBER])


def _database_sentence() -> str:
    if environment.current().database_url:
        return (
            "The database that BILLHOOK_DATABASE_URL names can't be used: it doesn't respond, or "
            "it doesn't let this user make tables. Check the address, and that it is running."
        )
    return (
        "The database billhook.sqlite3 in the data folder can't be used: it is damaged, or "
        "another program keeps it locked. Stop that program, or restore the file from a backup."
    )
