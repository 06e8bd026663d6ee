"""Samples of what a server uses: memory, files and threads, with all its processes."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look at a server: the sums over its processes, and the files in its data folder."""

    memory_mb: float
    files: float
    threads: float
    processes: float
    data_mb: float


NAMES = tuple(field.name for field in fields(Sample))


def take_sample(pids: Sequence[int], data: Path) -> Sample:
    """Look at the processes, and at the data folder without the database, which grows with runs."""
    held = [_size(path) for name in ("held", "cache", "uploads") for path in _files(data / name)]
    return Sample(
        memory_mb=sum(_own_memory(pid) for pid in pids) / 1e6,
        files=sum(_count(f"/proc/{pid}/fd") for pid in pids),
        threads=sum(_count(f"/proc/{pid}/task") for pid in pids),
        processes=len(pids),
        data_mb=sum(held) / 1e6,
    )


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _size(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):  # the server deletes them meanwhile
        return path.stat().st_size
    return 0


def _own_memory(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):  # not the pages of files, which the database grows by
                return int(line.split()[1]) * 1024
    return 0


def _count(folder: str) -> int:
    with contextlib.suppress(OSError):
        return len(list(Path(folder).iterdir()))
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The course of one figure: its median early and late, its most, and its allowed growth."""

    name: str
    early: float
    late: float
    most: float
    allowed: float

    @property
    def is_fine(self) -> bool:
        """Whether it grew by no more than it may."""
        return self.late - self.early <= self.allowed


ALLOWED = {"memory_mb": 40.0, "files": 30.0, "threads": 8.0, "processes": 2.0, "data_mb": 300.0}
"""Growth from the second sixth of the time to the last: room for noise, none for a leak."""


def growth_of(samples: Sequence[Sample]) -> list[Growth]:
    """Compare the second sixth of *samples*, after the server has warmed up, with the last."""
    sixth = max(1, len(samples) // 6)
    return [
        Growth(
            name=name,
            early=statistics.median(getattr(each, name) for each in samples[sixth : 2 * sixth]),
            late=statistics.median(getattr(each, name) for each in samples[-sixth:]),
            most=max(getattr(each, name) for each in samples),
            allowed=ALLOWED[name],
        )
        for name in NAMES
    ]
