"""The position in a list: what to ask for next, so that a run can go on where it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

FRESH: Final = timedelta(hours=1)
"""So long a token or URL of the source is used again."""
FRESH_NUMBER: Final = timedelta(days=1)
"""So long a number or id is used again; one page is read once more, since rows may have moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPosition:
    """The position after a page. It may hold a token or URL of the source: keep it as a secret.

    ``slice`` and ``group`` are the slice and, with one request per customer, the first customer
    whose turn it is. ``page`` counts the pages read of these; ``number``, ``offset``, ``token``,
    ``last_id`` and ``url`` say what comes next. ``rows`` counts all rows, ``seen`` the different
    ids of the slice. ``began`` is when the run began by the source's clock.
    """

    slice: int = 0
    group: str = ""
    page: int = 0
    number: int | None = None
    offset: int | None = None
    token: str | int | None = None
    last_id: str | int | None = None
    url: str = ""
    rows: int = 0
    seen: int = 0
    complete: bool = True
    began: datetime | None = None
    at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the position as plain values."""
        found = {name: getattr(self, name) for name in self.__slots__}
        times = {name: each.isoformat() for name, each in found.items() if hasattr(each, "year")}
        return {name: each for name, each in (found | times).items() if each is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the position that *data* was written from."""
        known = {name: data[name] for name in cls.__slots__ if name in data}
        for name in ("began", "at"):
            if name in known:
                known[name] = datetime.fromisoformat(known[name])
        return cls(**known)

    def at_slice(self, number: int, group: str = "") -> Self:
        """Return the position at the beginning of a slice, or of a customer's list."""
        return replace(
            self,
            slice=number,
            group=group,
            page=0,
            number=None,
            offset=None,
            token=None,
            last_id=None,
            url="",
            seen=0,
        )

    def resumed(self, now: datetime, *, size: int, first: int) -> Self:
        """Return where to go on: from here, or from the beginning of the slice if it is too old."""
        age = now - (self.at or datetime(1970, 1, 1, tzinfo=UTC))
        is_opaque = self.token is not None or bool(self.url)
        if self.page == 0 or age > (FRESH if is_opaque else FRESH_NUMBER):
            return self.at_slice(self.slice, self.group)
        number = None if self.number is None else max(first, self.number - 1)
        offset = None if self.offset is None else max(first, self.offset - size)
        moved = number is not None or offset is not None
        seen = max(0, self.seen - size) if moved else self.seen
        return replace(self, number=number, offset=offset, seen=seen)
