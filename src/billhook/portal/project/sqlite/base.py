"""Django's SQLite backend, which makes the data folder and the database for their owner only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from billhook.portal.installation.data_folder import make_folder


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the SQLite database in the data folder."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open the database; on first start, make the folder that it lies in."""
        name = str(conn_params["database"])
        if not name.startswith(("file:", ":memory:")):
            make_folder(Path(name).parent)
            Path(name).touch(mode=0o600)  # SQLite's own files next to it get the same mode
        return super().get_new_connection(conn_params)

    def first_row(self, sql: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
        """Return the first row of a written statement, past Django's cursors."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            found = self.connection.execute(sql.replace("%s", "?"), parameters)
            row: tuple[Any, ...] | None = found.fetchone()
            found.close()  # an open cursor would hold the state that it began with
        return row
