"""Makes the data folder and the database ready before anything is served."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.core.management import call_command
from django.db import DatabaseError, connection

from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import data_path
from billhook.server.errors import CannotStart

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
            call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError:
        raise CannotStart(_database_sentence()) from None
    finally:
        connection.close()


def check_data_folder() -> None:
    """Raise :class:`CannotStart` unless the data folder can be made and written to."""
    folder = environment.current().data_dir
    try:
        probe = data_path(f".writable-{os.getpid()}")
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError:
        raise CannotStart(
            f"The data folder {folder} can't be written to. Let this user write there, "
            "or choose another with --data-dir or BILLHOOK_DATA_DIR."
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
    with data_path("start.lock").open("w") as file:
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
