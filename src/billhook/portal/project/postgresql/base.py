"""Django's PostgreSQL backend, with a limit on the time that a server process waits for it.

A server that is stopped refuses connections, but one that is paused, or behind a network that
swallows packets, is silent: TCP's own limits don't end a wait for it, as its kernel may go on
acknowledging what we send. So the wait for each statement has a limit on our side, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from billhook.portal.project.postgresql.limits import TimeLimits

CONNECTING: Final[dict[str, Any]] = {
    "connect_timeout": 5,  # seconds
    "keepalives_idle": 15,  # seconds
    "keepalives_interval": 5,  # seconds
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}
"""Options of libpq; those in ``BILLHOOK_DATABASE_URL`` count more."""
_MORE: Final = 3.0
"""Seconds by which we wait longer than PostgreSQL lets a statement run, so that it can say so."""


class _Connection(psycopg.Connection[Any]):
    """A connection that is closed when PostgreSQL is silent for too long."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for what *gen* does; OperationalError after the limit."""
        if timeout is None and TimeLimits.statement is not None:
            timeout = TimeLimits.statement + _MORE
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # its answer may still come, and nobody waits for it
            raise


class _Psycopg:
    """The module psycopg, as Django uses it, with our own class of connections."""

    connect = staticmethod(_Connection.connect)

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to PostgreSQL."""

    Database = _Psycopg()  # type: ignore[assignment] # a module for Django, which looks names up

    def get_connection_params(self) -> dict[str, Any]:
        """Return what psycopg gets; a process with a limit also sets that on the server."""
        parameters: dict[str, Any] = {**CONNECTING, **super().get_connection_params()}
        if TimeLimits.statement is not None:
            milliseconds = int(TimeLimits.statement * 1000)
            parameters.setdefault("options", f"-c statement_timeout={milliseconds}")
        return parameters

    def first_row(self, sql: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
        """Return the first row of a written statement, past Django's cursors."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors, psycopg.Cursor(self.connection) as cursor:
            return cursor.execute(sql, parameters).fetchone()
