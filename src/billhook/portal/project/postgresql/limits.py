"""The limit on the time that this process waits for a statement."""

from __future__ import annotations

from typing import ClassVar, Final

STATEMENT_SECONDS: Final = 30.0


class TimeLimits:
    """The limit in seconds; None for none.

    A server sets one. An operator's command, such as a restore, or the migration of large tables,
    takes its time.
    """

    statement: ClassVar[float | None] = None
