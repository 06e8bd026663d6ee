"""The effect of a whole file before anything is written: counts, and the first rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from billhook.portal.imports.effect import Effect, PlannedRow
from billhook.portal.imports.work import ImportWork

ROWS_SHOWN: Final = 100


@dataclass(frozen=True, kw_only=True)
class ShownRow:
    """A row of a preview."""

    line: int
    number: str
    about: str
    effect: str
    changes: list[str]
    reasons: list[str]


@dataclass(kw_only=True)
class Preview:
    """Counts of a file's rows by their effect, and the first of those that matter."""

    counts: dict[str, int] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)
    refused: list[ShownRow] = field(default_factory=list)
    written: list[ShownRow] = field(default_factory=list)

    def add(self, rows: Iterable[PlannedRow]) -> None:
        """Count *rows*, and keep the first."""
        counts = Counter(self.counts)
        for row in rows:
            counts[str(row.effect)] += 1
            if row.effect is not Effect.KEEP:
                shown = self.refused if row.effect is Effect.REFUSE else self.written
                if len(shown) < ROWS_SHOWN:
                    shown.append(_shown(row))
        self.counts = dict(counts)

    def as_json(self) -> dict[str, Any]:
        """Return the preview as it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Preview:
        """Return the preview that :meth:`as_json` returned."""
        shown = {name: [ShownRow(**row) for row in stored[name]] for name in ("refused", "written")}
        return cls(counts=stored["counts"], others=stored["others"], **shown)


@dataclass(kw_only=True)
class PartialPreview:
    """The preview of the first rows, and what the work on them leaves for the next ones."""

    work: ImportWork
    preview: Preview = field(default_factory=Preview)
    done: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return what :meth:`go_on_from` needs in another process."""
        return {
            "done": self.done,
            "preview": self.preview.as_json(),
            "memory": self.work.memory(),
        }

    def go_on_from(self, kept: dict[str, Any]) -> None:
        """Go on with what :meth:`as_json` returned."""
        self.done = kept["done"]
        self.work.remember(kept["memory"])
        self.preview = Preview.from_json(kept["preview"])

    def chunks(self) -> Iterator[int]:
        """Plan one chunk after another, and yield the number of items that are finished."""
        for chunk in self.work.chunks(start=self.done):
            self.preview.add(self.work.plan(chunk))
            self.done += len(chunk)
            yield self.done
        self.preview.others = self.work.others()


def _shown(row: PlannedRow) -> ShownRow:
    return ShownRow(
        line=row.line,
        number=row.number,
        about=row.about,
        effect=str(row.effect),
        changes=list(row.changes),
        reasons=list(row.reasons),
    )
