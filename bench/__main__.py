"""Compares, in one run and taking turns, ways to a document of 60 KB.

nginx as a proxy; the gateway with everything on; its steps without protection, once as fast as they
can be written and once as they often are, with FastAPI and httpx; Node-RED; and VIEW of the portal,
signed in. Each server has one core; the load and the origin have another.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import report
from bench.contestants import LABELS, Stage, start_contestants
from bench.load import Measured, Target, check, measure
from bench.tools import CannotRun, choose_cores, find_tools

SIZE = 60 * 1024
HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"

Rounds = dict[str, list[Measured]]


def main() -> int:
    """Run the comparison; return 0 when every target was reached."""
    options = _options()
    try:
        find_tools()
        targets, rounds = _compare(options)
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 2
    return _tell(targets, rounds, options)


def _compare(options: argparse.Namespace) -> tuple[list[Target], Rounds]:
    document, cores = make_document(), choose_cores()
    with tempfile.TemporaryDirectory(prefix="billhook-bench-") as name, ExitStack() as stack:
        stage = Stage(Path(name), cores, document, stack)
        targets = list(start_contestants(stage, options.only or ()))
        return targets, _take_turns(targets, stage, options)


def make_document() -> bytes:
    """Return something that is a PDF by its beginning and its end, of 60 KB that don't shrink."""
    head, tail = b"%PDF-1.7\n1 0 obj\n<<>>\nstream\n", b"\nendstream\nendobj\n%%EOF\n"
    return head + random.Random(1).randbytes(SIZE - len(head) - len(tail)) + tail


def _take_turns(targets: list[Target], stage: Stage, options: argparse.Namespace) -> Rounds:
    """Measure all targets, one after the other, again and again, so that noise hits all alike."""
    for target in targets:
        check(target, stage.document)
        measure(target, stage.folder, seconds=2, core=stage.cores.load)
    rounds: Rounds = {target.name: [] for target in targets}
    for number in range(options.rounds):
        for target in targets:
            measured = measure(target, stage.folder, seconds=options.seconds, core=stage.cores.load)
            rounds[target.name].append(measured)
        speeds = (f"{name} {measured[-1].per_second:,.0f}/s" for name, measured in rounds.items())
        print(f"round {number + 1} of {options.rounds}: {', '.join(speeds)}", flush=True)
    return rounds


def _tell(targets: list[Target], rounds: Rounds, options: argparse.Namespace) -> int:
    if options.only:
        print("\n".join(f"{name}: {each}" for name in rounds for each in rounds[name]))
        return 0
    result = report.result(targets, rounds, SIZE)
    print("\n" + report.table(result))
    folder, name = (DOCS, "bench") if options.publish else (HERE, "result")
    written = report.write(result, folder, name)
    if options.publish:
        written.append(report.publish(result, DOCS / "performance.md"))
    print("Written:", *(path.relative_to(HERE.parent) for path in written))
    return 0 if all(one["reached"] for one in result["ratios"]) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of each round and target")
    parser.add_argument(
        "--only",
        nargs="*",
        choices=LABELS,
        help="start and measure only these targets, and write nothing",
    )
    parser.add_argument("--publish", action="store_true", help="write into docs/")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
