"""A turn that belongs to no job: for a command that does all of the work at once."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from django.db import transaction


class TurnWithoutJob:
    """Goes on to the end, and reports to nobody."""

    cursor: dict[str, Any] = {}  # noqa: RUF012 - it stays empty
    goes_on = True

    def saving(self) -> AbstractContextManager[None]:
        """Commit what is written within."""
        return transaction.atomic()

    def rest(self) -> None:
        """Do nothing: nobody else waits."""

    def fitting(self, most: int) -> int:
        """Return *most*."""
        return most

    def report(self, **progress: Any) -> None:
        """Do nothing."""

    def again(self) -> None:
        """Do nothing: this turn goes on to the end."""
