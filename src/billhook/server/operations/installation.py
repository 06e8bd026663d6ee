"""Finds the installation that an operator's command is for, and opens it. It never makes one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from billhook.portal.installation import environment
from billhook.server.django_setup import set_up_django
from billhook.server.errors import Refusal
from billhook.server.operations.owner import acting_as_owner, unreadable

DATABASE_FILE: Final = "billhook.sqlite3"
_MARKS: Final = (DATABASE_FILE, "start.lock", "secrets.key", "signing.key")
"""Files of which every data folder has at least one once Billhook has been started there."""
_HOW_TO_NAME: Final = "Name it with --data-dir or BILLHOOK_DATA_DIR."
_DATA_DIR: Final = "--data-dir"


def find_installation(data_dir: Path | None) -> Path:
    """Return the data folder of the installation: *data_dir*, or the one that the setting names.

    Raises:
        Refusal: where there is none, or it isn't a data folder of Billhook.
        ConfigurationError: with every problem of the settings.
    """
    use_data_dir(data_dir)
    folder = environment.current().data_dir
    try:
        if not folder.exists():
            message = f"There is no data folder {folder}. {_HOW_TO_NAME}"
            raise Refusal("no-data-folder", message, where=_DATA_DIR)
        if not folder.is_dir():
            message = f"{folder} is a file and no data folder. {_HOW_TO_NAME}"
            raise Refusal("no-data-folder", message, where=_DATA_DIR)
        _check_marks(folder, {path.name for path in folder.iterdir()})
    except PermissionError:
        raise unreadable(folder) from None
    return folder


def use_data_dir(data_dir: Path | None) -> None:
    """Use *data_dir* in this process, as an option of the command line says."""
    if data_dir is not None:
        environment.put("BILLHOOK_DATA_DIR", str(data_dir))


def is_installation(folder: Path) -> bool:
    """Return whether Billhook has been started with this data folder."""
    return any((folder / name).exists() for name in _MARKS)


def _check_marks(folder: Path, names: set[str]) -> None:
    if not names & set(_MARKS):
        raise Refusal(
            "not-a-data-folder",
            f"{folder} isn't a data folder of Billhook: it has neither a database nor keys. "
            f"{_HOW_TO_NAME}",
            where=_DATA_DIR,
        )
    if DATABASE_FILE not in names and not environment.current().database_url:
        raise Refusal(
            "no-database",
            f"The data folder {folder} has no database {DATABASE_FILE}. If the database is "
            "PostgreSQL, set BILLHOOK_DATABASE_URL as the server has it.",
            where="BILLHOOK_DATABASE_URL",
        )


@contextmanager
def open_installation(data_dir: Path | None) -> Iterator[Path]:
    """Open an installation for one command, as the user who owns its data folder; give the folder.

    The database must be reachable, and of this version of Billhook.

    Raises:
        Refusal: with a sentence that says why not. So do errors of the database, and problems
            that a service finds in what it is asked, within the block.
        ConfigurationError: with every problem of the settings.
    """
    folder = find_installation(data_dir)
    with acting_as_owner(folder), django_in_use():
        from billhook.server.operations.schema import check_schema

        check_schema()
        yield folder


@contextmanager
def reachable_database(data_dir: Path | None) -> Iterator[Path]:
    """Open an installation as :func:`open_installation` does, of whatever version it is."""
    folder = find_installation(data_dir)
    with acting_as_owner(folder), django_in_use():
        yield folder


@contextmanager
def django_in_use() -> Iterator[None]:
    """Set Django up, turn its errors into refusals, and close the database in the end."""
    set_up_django()
    from django.db import DatabaseError, connections

    from billhook.portal.fields.problem import FieldProblem

    try:
        yield
    except FieldProblem as mistake:
        raise Refusal("refused", mistake.message, where=mistake.field) from None
    except DatabaseError as error:
        raise refusal_of_database(error) from None
    finally:
        connections.close_all()


def refusal_of_database(error: Exception) -> Refusal:
    """Return the refusal for an *error* of the database, whose own text may leak."""
    from billhook.portal.installation.logs import name_of

    if environment.current().database_url:
        return Refusal(
            "database",
            f"The database that BILLHOOK_DATABASE_URL names can't be used ({name_of(error)}). "
            "Check the address, the name and the password, and that the database is running and "
            "has room.",
            where="BILLHOOK_DATABASE_URL",
        )
    name = name_of(error)
    cause = next((text for code, text in _SQLITE_CAUSES.items() if code in name), _UNCLEAR)
    return Refusal(
        "database",
        f"The database {DATABASE_FILE} in the data folder can't be used ({name}): {cause}",
        where=_DATA_DIR,
    )


_SQLITE_CAUSES: Final = {
    "SQLITE_FULL": "its disk is full. Make room there.",
    "SQLITE_IOERR": "its disk is full, or fails. Make room there, or use another disk.",
    "SQLITE_BUSY": "another program keeps it locked. Try again, or stop that program.",
    "SQLITE_CORRUPT": "it is damaged. Restore the last backup into a new data folder.",
    "SQLITE_NOTADB": "it is damaged. Restore the last backup into a new data folder.",
    "SQLITE_CANTOPEN": "this user may not open it. Run this as the user that runs the server.",
    "SQLITE_READONLY": "this user may not write to it. Run this as the user that runs the server.",
}
_UNCLEAR: Final = "it is damaged, its disk is full, or another program keeps it locked."
