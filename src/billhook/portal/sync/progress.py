"""The place where a run goes on, as it is stored with each page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from billhook.engine.listing.plan import ListPart


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPart:
    """One part of a run: the list command, and the way through its list."""

    command: str
    part: ListPart

    def to_json(self) -> dict[str, Any]:
        """Return the part as plain values."""
        return {"command": self.command, "part": self.part.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the part that *data* was written from."""
        return cls(command=data["command"], part=ListPart.from_json(data["part"]))


@dataclass(slots=True, kw_only=True)
class SyncProgress:
    """The place where a run goes on.

    ``part`` is the index of the part that is read, ``pages`` the pages of it. ``is_second`` says
    that a full part is read once more, since rows may have moved between its pages. ``ended`` are
    the commands whose whole list was read to its end; ``doubted`` those whose absent rows wait for
    a member. ``paced`` are the times of the last requests, for the source's rate.
    """

    part: int = 0
    pages: int = 0
    is_second: bool = False
    newest: datetime | None = None
    began: datetime | None = None
    slice: int = 0
    is_read: bool = False
    ended: list[str] = field(default_factory=list)
    doubted: list[str] = field(default_factory=list)
    paced: list[float] = field(default_factory=list)
    settled: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the place as plain values."""
        found = {name: getattr(self, name) for name in self.__slots__}
        for name in ("newest", "began"):
            found[name] = found[name].isoformat() if found[name] else None
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the place that *data* was written from."""
        known = {name: data[name] for name in cls.__slots__ if name in data}
        for name in ("newest", "began"):
            if known.get(name):
                known[name] = datetime.fromisoformat(known[name])
        return cls(**known)

    def next_part(self) -> None:
        """Go on to the beginning of the next part."""
        self.part += 1
        self.is_second = False
        self.begin_part()

    def begin_part(self) -> None:
        """Go on from the beginning of the part."""
        self.pages, self.slice, self.newest, self.began = 0, 0, None, None
