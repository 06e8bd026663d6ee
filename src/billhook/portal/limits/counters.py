"""The counters of attempts, in the database for all processes; a failed write is reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import DatabaseError, IntegrityError, connections, router, transaction

from billhook.portal.installation.logs import Seldom, name_of

log = structlog.get_logger("billhook.portal")


_say = Seldom(30.0)


class CannotWrite(Exception):
    """The database accepts no changes at the moment: it is full, locked or read-only."""


class CountingCache(DatabaseCache):
    """Django's cache in the database, which hides no failure.

    Django's own takes a failed write for one that another process made first. A limit that can't
    be counted would then look like one that is reached.
    """

    def _base_set(
        self, mode: str, key: str, value: object, timeout: float | None = DEFAULT_TIMEOUT
    ) -> bool | None:
        failures: list[DatabaseError] = []
        database = router.db_for_write(self.cache_model_class)
        try:
            # The outer transaction is ours, so that a failure to end it comes to us as well.
            with (
                transaction.atomic(using=database),
                connections[database].execute_wrapper(_noting(failures)),
            ):
                done: bool | None = super()._base_set(mode, key, value, timeout)  # type: ignore[misc]
        except DatabaseError as error:
            failures.append(error)
        if failures:
            raise _cannot_write(failures[0]) from None
        return done

    def _base_delete_many(self, keys: list[str]) -> bool:
        try:
            deleted: bool = super()._base_delete_many(keys)  # type: ignore[misc]
        except DatabaseError as error:
            raise _cannot_write(error) from None
        return deleted


def _noting(failures: list[DatabaseError]) -> Callable[..., Any]:
    """Return a wrapper that notes failed statements, except when a row already exists."""

    def execute(run: Callable[..., Any], *statement: Any) -> Any:
        try:
            return run(*statement)
        except IntegrityError:
            raise
        except DatabaseError as error:
            failures.append(error)
            raise

    return execute


def _cannot_write(error: DatabaseError) -> CannotWrite:
    if _say.now():
        log.warning("tries-not-counted", error=name_of(error))
    return CannotWrite()
