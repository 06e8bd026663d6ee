"""Fuzzes the targets for a bounded time: mutated files of the corpus, within time and memory."""

from __future__ import annotations

import hashlib
import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzz.mutation import mutated

CORPUS = Path(__file__).parent / "corpus"
MAX_SECONDS = 1.0
"""Seconds of computing for one input in this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An input for which a target raised an exception, or took too long."""

    target: str
    data: bytes
    reason: str

    def save(self) -> Path:
        """Add the input to the corpus, where a test tries it from then on."""
        name = hashlib.sha256(self.data).hexdigest()[:12]
        path = CORPUS / self.target / f"fault-{name}"
        path.write_bytes(self.data)
        return path


def corpus_of(target: str) -> list[bytes]:
    """Return the files kept for *target*, in the order of their names."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def attempt(target: str, work: Callable[[bytes], str], data: bytes) -> Fault | None:
    """Give *data* to *work*; return the fault that shows, if one does."""
    began = time.thread_time()
    try:
        work(data)
    except Exception:  # noqa: BLE001 - any exception is a fault
        return Fault(target=target, data=data, reason=traceback.format_exc())
    seconds = time.thread_time() - began
    if seconds > MAX_SECONDS:
        return Fault(target=target, data=data, reason=f"It took {seconds:.1f} seconds.")
    return None


def fuzz(
    target: str, work: Callable[[bytes], str], *, seconds: float, seed: int
) -> tuple[int, Fault | None]:
    """Try mutated inputs for *seconds*; return how many, and the first fault."""
    chance = random.Random(f"{target} {seed}")
    corpus = corpus_of(target)
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        count += 1
        fault = attempt(target, work, mutated(corpus, chance))
        if fault is not None:
            return count, fault
    return count, None
