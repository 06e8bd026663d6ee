"""Compares the tables of a database with those that this version of Billhook knows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from billhook.server.errors import Refusal

Name = tuple[str, str]
"""A migration: its app and its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The migrations that a database has had, and those that differ from this version's.

    ``pending`` are still to be applied; ``newer`` are those of a later version of Billhook.
    """

    applied: tuple[Name, ...]
    pending: tuple[Name, ...]
    newer: tuple[Name, ...]


def read_schema() -> Schema:
    """Return the state of the database that is set. Raises DatabaseError if it can't be read."""
    loader = MigrationLoader(connection)
    applied = tuple(sorted(loader.applied_migrations))
    pending = tuple(sorted(set(loader.graph.nodes) - set(loader.applied_migrations)))
    return Schema(applied=applied, pending=pending, newer=newer_than_known(applied, loader))


def newer_than_known(names: tuple[Name, ...], loader: MigrationLoader) -> tuple[Name, ...]:
    """Return those of *names* that a later version of an app must have brought.

    An app that is gone, and early migrations that were merged into one, are nothing newer.
    """
    last: dict[str, str] = {}
    for app, name in loader.disk_migrations:
        last[app] = max(last.get(app, ""), name)
    return tuple((app, name) for app, name in names if app in last and name > last[app])


def refuse_newer(schema: Schema) -> None:
    """Raise :class:`Refusal` where a later version of Billhook has changed the database."""
    if schema.newer:
        raise Refusal(
            "database-newer",
            "A newer version of Billhook has changed this database, and this one can't read it. "
            "Use that version.",
        )


def check_schema() -> None:
    """Raise :class:`Refusal` unless the database has the tables of this version."""
    schema = read_schema()
    refuse_newer(schema)
    if schema.pending:
        raise Refusal(
            "database-older",
            "The database was made by an older version of Billhook. Start the server once: it "
            "brings the database up to date.",
        )
