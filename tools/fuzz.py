"""Fuzz what reads responses, files and names: ``python -m tools.fuzz --seconds 60``.

Each target gets mutated files of its corpus, in processes with bounded memory, one for each
processor. An input that shows a fault is saved in the corpus, and the status is 1.
"""

from __future__ import annotations

import argparse
import os
import resource
import secrets
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MEMORY = 2 << 30
"""Bytes of address space for one process."""


def main(arguments: list[str]) -> int:
    """Fuzz every target, and return the status."""
    options = _options(arguments)
    _find_tests()
    from fuzz.targets import SLOW_TARGETS, TARGETS

    names = options.targets or [*TARGETS, *SLOW_TARGETS]
    seconds = options.seconds * (os.cpu_count() or 1) / len(names)
    print(f"Fuzzing {len(names)} targets for {options.seconds:g} s, seed {options.seed}:")
    with ProcessPoolExecutor(mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        jobs = [pool.submit(_fuzz, name, seconds, options.seed) for name in names]
        reports = [job.result() for job in jobs]
    print("\n".join(report for report, _ in reports))
    return int(any(is_fault for _, is_fault in reports))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz")
    parser.add_argument("targets", nargs="*", help="such as json or zip; all, if none is named")
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    return parser.parse_args(arguments)


def _find_tests() -> None:
    sys.path[:0] = [str(ROOT / "tests")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billhook.portal.project.settings")


def _fuzz(name: str, seconds: float, seed: int) -> tuple[str, bool]:
    """Fuzz one target in this process; return a line about it, and whether it showed a fault."""
    _find_tests()
    from fuzz.fuzzing import fuzz
    from fuzz.targets import SLOW_TARGETS, TARGETS, read_here, stop

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with pytest.MonkeyPatch.context() as patch:
        read_here(patch)
        count, fault = fuzz(name, {**TARGETS, **SLOW_TARGETS}[name], seconds=seconds, seed=seed)
    stop()
    if fault is None:
        return f"  {name}: {count:,} inputs, no fault", False
    return f"  {name}: a fault after {count:,} inputs, kept as {fault.save()}\n{fault.reason}", True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
