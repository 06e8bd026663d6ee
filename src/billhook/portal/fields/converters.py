"""The format of ids, periods, and the kinds of entrances, in URLs."""

from __future__ import annotations

from datetime import date
from typing import Final

from billhook.portal.fields.ids import LENGTH
from billhook.portal.fields.periods import StatementPeriod

EMBEDDED: Final = "embedded"
FROM_SITE: Final = "from"
_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


class IdConverter:
    """An id in a URL. Text that can't be an id isn't looked up."""

    regex = f"[0-9a-hjkmnp-tv-z]{{{LENGTH}}}"

    def to_python(self, value: str) -> str:
        """Return the id, which is a text."""
        return value

    def to_url(self, value: str) -> str:
        """Return the id as it appears in a URL."""
        return value


class PeriodConverter:
    """The first and last day of a period in a URL: ``2026-03-01/2026-03-31``."""

    regex = f"{_DAY}/{_DAY}"

    def to_python(self, value: str) -> StatementPeriod:
        """Return the period; raise ValueError, for Django "no such page", if it is none."""
        start, end = map(date.fromisoformat, value.split("/"))
        if end < start:
            raise ValueError(value)
        return StatementPeriod(start=start, end=end)

    def to_url(self, value: StatementPeriod) -> str:
        """Return the period as it appears in a URL."""
        return f"{value.start}/{value.end}"


class EntranceConverter:
    """The kind of an entrance in a URL; see :mod:`billhook.portal.handover.entrance`."""

    regex = f"{EMBEDDED}|{FROM_SITE}"

    def to_python(self, value: str) -> str:
        """Return the kind, which is a text."""
        return value

    def to_url(self, value: str) -> str:
        """Return the kind as it appears in a URL."""
        return value
