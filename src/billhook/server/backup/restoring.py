"""Restores a backup into a new data folder and an empty database, completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import SIGNING_KEY_FILE
from billhook.portal.installation.logs import name_of
from billhook.portal.integrations.crypto import KEY_FILE, KeyRing, parse_keys
from billhook.portal.integrations.vault import unreadable_secrets
from billhook.server.backup.archive import ArchivedFile
from billhook.server.backup.contents import ROWS, Keys, settings_file
from billhook.server.backup.errors import DamagedBackup
from billhook.server.backup.rows import Model, apps_at, options, tables_of, write_rows
from billhook.server.backup.source import BackupSource, Verified, newer_backup
from billhook.server.backup.target import DRAFT_DATABASE, publish_database
from billhook.server.database import LOCK_NUMBER
from billhook.server.errors import Refusal
from billhook.server.operations.schema import Name, newer_than_known

SETTINGS_FILE: Final = "restored-settings.env"
_IN_USE: Final = (
    "The database that BILLHOOK_DATABASE_URL names has tables of Billhook already, and stays as it "
    "is. Make an empty database, and name that."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The number of stored secrets that can't be read after a restore, as before the backup."""

    unreadable: int


def place_backup(source: BackupSource, verified: Verified, folder: Path) -> Placed:
    """Write the rows, the keys and the settings of a backup that was verified.

    Raises:
        Refusal: with a sentence that says why not.
    """
    _refuse_newer(verified)
    with _database(folder):
        with _all_or_nothing():
            _fill(source, verified.manifest.migrations)
            unreadable = _check_keys(verified.keys)
        _write_keys(folder, verified.keys)
        settings = settings_file(verified.settings)
        if settings:
            _write_private(folder / SETTINGS_FILE, settings)
    return Placed(unreadable=unreadable)


def _refuse_newer(verified: Verified) -> None:
    if newer_than_known(verified.manifest.migrations, MigrationLoader(None)):
        raise newer_backup(verified.manifest)


@contextmanager
def _database(folder: Path) -> Iterator[None]:
    """Give an empty database. SQLite's gets its name only when the block has succeeded."""
    if connection.vendor == "postgresql":
        with _only_one():
            if set(connection.introspection.table_names()) & {"django_migrations", "accounts_user"}:
                raise Refusal("database-not-empty", _IN_USE, where="BILLHOOK_DATABASE_URL")
            yield
        return
    name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = str(folder / DRAFT_DATABASE)
    try:
        yield
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        publish_database(folder)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name


@contextmanager
def _only_one() -> Iterator[None]:
    """Hold the lock that a starting server takes, too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_NUMBER])
        if not cursor.fetchone()[0]:
            message = "Another Billhook is being started or restored with this database. Wait."
            raise Refusal("busy", message, where="BILLHOOK_DATABASE_URL")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_NUMBER])


@contextmanager
def _all_or_nothing() -> Iterator[None]:
    """Undo everything on PostgreSQL, tables included; SQLite's file is removed by the caller."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            yield
    else:
        yield


def _fill(source: BackupSource, migrations: tuple[Name, ...]) -> None:
    """Make the tables as the backup has them, fill them, and bring them up to date."""
    executor = MigrationExecutor(connection)
    executor.migrate(_last_of_each_app(migrations, executor.loader))
    models = {options(model).label_lower: model for model in tables_of(apps_at(migrations))}
    with transaction.atomic():
        _delete_all(models)
        for member in source.members():
            if member.name.startswith(ROWS):
                _write_member(member, models)
        connection.check_constraints()
    _reset_sequences(models)
    call_command("migrate", verbosity=0, interactive=False)


def _last_of_each_app(migrations: tuple[Name, ...], loader: MigrationLoader) -> list[Name]:
    known = {name for name in migrations if name in loader.graph.nodes}
    return sorted(
        name
        for name in known
        if not any(
            child.key in known and child.key[0] == name[0]
            for child in loader.graph.node_map[name].children
        )
    )


def _delete_all(models: dict[str, Model]) -> None:
    """Delete the rows that migrations made: the backup has them, too."""
    with connection.cursor() as cursor:
        for model in models.values():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(options(model).db_table)}")  # noqa: S608


def _write_member(member: ArchivedFile, models: dict[str, Model]) -> None:
    lines = member.content.splitlines()
    head, *rows = (ArchivedFile(name=member.name, content=line).json() for line in lines)
    model = models.get(head["table"])
    if model is None:
        raise DamagedBackup
    try:
        write_rows(model, head["fields"], rows)
    except (DatabaseError, LookupError, ValueError, TypeError) as error:
        raise Refusal(
            "backup-unfit",
            f"Rows of the table {head['table']} can't be stored in this database "
            f"({name_of(error)}). Nothing was changed.",
            where="FILE",
        ) from None


def _reset_sequences(models: dict[str, Model]) -> None:
    """Let numbers that PostgreSQL gives go on after those that were restored."""
    statements = connection.ops.sequence_reset_sql(no_style(), list(models.values()))
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _check_keys(keys: Keys) -> int:
    """Return how many secrets can't be read, as before; refuse keys of this machine that fit less.

    Keys in the environment stay in use, so they must be those of the backup.
    """
    before = _unreadable_with(parse_keys(keys.secrets))
    given = environment.current().secrets_keys
    if given and _unreadable_with(parse_keys(given)) > before:
        raise Refusal(
            "keys-differ",
            "BILLHOOK_SECRETS_KEYS has other keys than this backup, so the stored secrets couldn't "
            "be read. Unset it: the keys of the backup are then put into the data folder. Or set "
            "it as the old machine had it. Nothing was changed.",
            where="BILLHOOK_SECRETS_KEYS",
        )
    return before


def _unreadable_with(ring: KeyRing) -> int:
    return sum(1 for _ in unreadable_secrets(ring))


def _write_keys(folder: Path, keys: Keys) -> None:
    settings = environment.current()
    if not settings.secrets_keys:
        _write_private(folder / KEY_FILE, keys.secrets)
    if not settings.signing_key:
        _write_private(folder / SIGNING_KEY_FILE, keys.signing + "\n")


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
