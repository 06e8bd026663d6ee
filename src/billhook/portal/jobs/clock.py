"""The time by the database's clock, which is the same for all nodes."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now


class PresentTime(Now):
    """The present time in a query, written in SQLite as Django writes every other time.

    SQLite compares times as texts, and Django's own function has fewer digits there.
    """

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the function of SQLite, with the six digits of microseconds."""
        template = "STRFTIME('%%%%Y-%%%%m-%%%%d %%%%H:%%%%M:%%%%f000', 'NOW')"
        return self.as_sql(compiler, connection, template=template, **context)
