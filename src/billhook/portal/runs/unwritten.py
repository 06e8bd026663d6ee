"""Run records that the database couldn't take, in files of the data folder until it can.

Each file holds one batch, a record on each line, and is complete as soon as it has its name.
Several processes may read the same file: a run is never written twice.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from billhook.engine.http.trace import Attempt, Timing
from billhook.engine.record import RunRecord
from billhook.portal.installation.data_folder import data_path, make_folder

FOLDER: Final = "unwritten-runs"
MAX_BYTES: Final = 500_000_000
"""The most that all files may take: about a million runs."""
_SUFFIX: Final = ".jsonl"
_FIELDS: Final = frozenset(RunRecord._fields)


class UnwrittenRuns:
    """The files in *folder*, which is that of this installation unless given."""

    def __init__(self, folder: Path | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def keep(self, runs: Sequence[RunRecord]) -> None:
        """Keep *runs* in a new file. Raises OSError, and keeps none of them, if that fails."""
        folder = self._made_folder()
        content = "".join(f"{_as_line(run)}\n" for run in runs).encode()
        if sum(path.stat().st_size for path in folder.iterdir()) + len(content) > self._max_bytes:
            raise OSError(errno.ENOSPC, "the files of unwritten runs are full")
        # the names are in the order in which the files were made
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        draft = folder / f"{name}.draft"
        try:
            _write(draft, content)
            draft.rename(folder / f"{name}{_SUFFIX}")
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def files(self) -> list[Path]:
        """Return the files that there are, oldest first."""
        folder = self._folder or data_path(FOLDER)
        return sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else []

    @staticmethod
    def read(file: Path) -> tuple[list[RunRecord], int]:
        """Return the records in *file*, and how many of its lines can't be read."""
        try:
            lines = file.read_bytes().splitlines()
        except FileNotFoundError:  # another process has written them
            return [], 0
        runs = [run for line in lines if (run := _from_line(line)) is not None]
        return runs, len(lines) - len(runs)

    def _made_folder(self) -> Path:
        folder = self._folder or data_path(FOLDER)
        make_folder(folder)
        return folder


def _write(path: Path, content: bytes) -> None:
    """Write *content* to a new file for its owner only, and have it on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _as_line(run: RunRecord) -> str:
    attempts = [attempt.as_dict() for attempt in run.attempts]
    line = run._asdict() | {"started_at": run.started_at.isoformat(), "attempts": attempts}
    return json.dumps(line)


def _from_line(line: bytes) -> RunRecord | None:
    """Return the record, without fields that another version wrote; None if it can't be read."""
    try:
        found: dict[str, Any] = json.loads(line)
        known = {name: value for name, value in found.items() if name in _FIELDS}
        known["started_at"] = datetime.fromisoformat(known["started_at"])
        known["attempts"] = tuple(_attempt(each) for each in known["attempts"])
        return RunRecord(**known)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _attempt(found: dict[str, Any]) -> Attempt:
    return Attempt(**{**found, "timing": Timing(**found["timing"])})
