"""The parts of a list that are due: a full run, the changes since the last one, further passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Self

from billhook.engine.listing.listing import ChangeFilter, Listing, ListRequest

FULL: Final = "full"
CHANGES: Final = "changes"
AGAIN: Final = "again"
MAX_SLICES: Final = 36
"""So many slices a full run goes back; what is older comes in one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A span of time that is asked for. None is the beginning, or has no end."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPart:
    """One way through a list. ``kind`` is full, changes or again.

    ``pass_name`` is empty for the command's own request. Only a full part that reached its end may
    hide rows that it doesn't have. ``is_fresh`` asks for everything, whatever the source sent
    before.
    """

    kind: str
    pass_name: str = ""
    slices: tuple[Slice, ...] = (Slice(),)
    is_fresh: bool = False
    validators: Mapping[str, str] = field(default_factory=dict)

    @property
    def can_hide(self) -> bool:
        """Whether rows that it doesn't have may be hidden."""
        return self.kind == FULL

    @property
    def since(self) -> datetime | None:
        """The beginning of its first slice; None is everything."""
        return self.slices[0].since

    def to_json(self) -> dict[str, Any]:
        """Return the part as plain values, for a run that goes on later."""
        return {
            "kind": self.kind,
            "pass_name": self.pass_name,
            "slices": [[_text(each.since), _text(each.until)] for each in self.slices],
            "is_fresh": self.is_fresh,
            "validators": dict(self.validators),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the part that *data* was written from."""
        slices = tuple(Slice(since=_time(a), until=_time(b)) for a, b in data["slices"])
        return cls(
            kind=data["kind"],
            pass_name=data["pass_name"],
            slices=slices,
            is_fresh=data["is_fresh"],
            validators=data["validators"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMemory:
    """The things about a list that a sync remembers from run to run.

    ``looked_at`` is when the last full run or the last run of changes ended well.
    """

    fingerprint: str = ""
    watermark: datetime | None = None
    full_run_at: datetime | None = None
    looked_at: datetime | None = None
    passes: Mapping[str, datetime] = field(default_factory=dict)
    validators: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the memory as plain values."""
        return {
            "fingerprint": self.fingerprint,
            "watermark": _text(self.watermark),
            "full_run_at": _text(self.full_run_at),
            "looked_at": _text(self.looked_at),
            "passes": {name: _text(each) for name, each in self.passes.items()},
            "validators": dict(self.validators),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the memory that *data* was written from; that of nothing if it is empty."""
        passes = {
            name: datetime.fromisoformat(each) for name, each in data.get("passes", {}).items()
        }
        return cls(
            fingerprint=data.get("fingerprint", ""),
            watermark=_time(data.get("watermark")),
            full_run_at=_time(data.get("full_run_at")),
            looked_at=_time(data.get("looked_at")),
            passes=passes,
            validators=data.get("validators", {}),
        )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def plan_list(
    listing: Listing, memory: ListMemory, *, now: datetime, full: bool = False
) -> tuple[ListPart, ...]:
    """Return the parts of *listing* that are due at *now*, in order. *full* asks for a full run."""
    is_forced = full or memory.fingerprint != listing.fingerprint
    if is_forced or needs_full_run(listing, memory, now=now):
        return (_full_part(listing, memory, now=now, is_fresh=is_forced),)
    return tuple(_parts(listing, memory, now))


def needs_full_run(listing: Listing, memory: ListMemory, *, now: datetime) -> bool:
    """Say whether a full run is due: by its schedule, or since nothing else can be asked for."""
    changes = listing.own.changes
    if not changes.is_asked or memory.watermark is None or memory.full_run_at is None:
        return True
    every = listing.full_run_every
    if every is not None and now - memory.full_run_at >= every:
        return True
    looked_at = memory.looked_at or memory.full_run_at
    return changes.retention is not None and now - looked_at > changes.retention


def _full_part(listing: Listing, memory: ListMemory, *, now: datetime, is_fresh: bool) -> ListPart:
    name, request = listing.full_request
    return ListPart(
        kind=FULL,
        pass_name=name,
        slices=tuple(_full_slices(request, now)),
        is_fresh=is_fresh,
        validators={} if is_fresh else memory.validators,
    )


def _full_slices(request: ListRequest, now: datetime) -> Iterator[Slice]:
    """Yield the slices of a full run, the newest first, so that it is useful after the first.

    A row that changes meanwhile may move to a slice that was read already. The last slice has what
    changed since the run began.
    """
    changes = request.changes
    start = None if changes.may_be_missing else _beginning(changes.start, changes)
    if not changes.is_asked:
        yield Slice()
        return
    if changes.slice is None or changes.may_be_missing:
        yield Slice(since=start)
        return
    until: datetime | None = None
    edge = now
    for _ in range(MAX_SLICES):
        edge -= changes.slice
        if start is not None and edge <= start:
            break
        yield Slice(since=edge, until=until)
        until = edge
    yield Slice(since=start, until=until)
    if changes.kind == "changed" and until is not None:
        yield Slice(since=now - changes.overlap)


def _beginning(day: date | None, changes: ChangeFilter) -> datetime | None:
    if day is None:
        return None
    midnight = datetime(day.year, day.month, day.day, tzinfo=changes.format.zone or UTC)
    return midnight.astimezone(UTC)


def _parts(listing: Listing, memory: ListMemory, now: datetime) -> Iterator[ListPart]:
    assert memory.watermark is not None  # noqa: S101 - without one, a full run is due; for mypy
    changes = listing.own.changes
    since = memory.watermark - changes.overlap
    if changes.retention is not None:  # nothing happened for long, or this would be a full run
        since = max(since, now - changes.retention)
    yield ListPart(kind=CHANGES, slices=tuple(_forward(since, changes.slice, now)))
    for each in listing.passes:
        ran = memory.passes.get(each.name)
        is_due = each.every is not None and (ran is None or now - ran >= each.every)
        if is_due and not each.full_run:
            yield ListPart(kind=AGAIN, pass_name=each.name)


def _forward(since: datetime, length: timedelta | None, now: datetime) -> Iterator[Slice]:
    """Yield slices from *since* on; the last has no end, so that it includes the present."""
    while length is not None and since + length < now:
        yield Slice(since=since, until=since + length)
        since += length
    yield Slice(since=since)


def without_validators(part: ListPart) -> ListPart:
    """Return *part* as one that reads everything, whatever the source sent before."""
    return replace(part, is_fresh=True, validators={})
