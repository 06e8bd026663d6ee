"""What came of it: a table, a picture and a file for programs."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.load import CONNECTIONS, Measured, Target
from bench.tools import processor_name

RATIOS = (
    # what, to what, what is to be reached
    ("gateway", "nginx", 0.4),
    ("gateway", "by_hand", 4.0),
    ("view", "by_hand", 0.6),
)
_COLOURS = {
    "nginx": "#8a8f98",
    "nginx_fitted": "#b9bdc4",
    "gateway": "#1f6f5c",
    "by_hand": "#b8682a",
    "view": "#3f9d86",
}


def medians(rounds: Mapping[str, Sequence[Measured]]) -> dict[str, Measured]:
    """Return for each target the medians over its rounds: other work disturbs single ones."""
    return {
        name: Measured(
            per_second=statistics.median(each.per_second for each in measured),
            p50=statistics.median(each.p50 for each in measured),
            p99=statistics.median(each.p99 for each in measured),
            busy=statistics.median(each.busy for each in measured),
        )
        for name, measured in rounds.items()
    }


def ratio(rounds: Mapping[str, Sequence[Measured]], one: str, other: str) -> float:
    """Return the median of the ratios of neighbouring rounds."""
    pairs = zip(rounds[one], rounds[other], strict=True)
    return statistics.median(mine.per_second / theirs.per_second for mine, theirs in pairs)


def print_table(targets: Sequence[Target], rounds: Mapping[str, Sequence[Measured]]) -> None:
    """Print a line for each target, and then the ratios."""
    middle = medians(rounds)
    print(f"\n{'':44} {'requests/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'core':>6}")
    for target in targets:
        it = middle[target.name]
        print(
            f"{target.label:44} {it.per_second:10,.0f} {it.p50:8.1f} {it.p99:8.1f} {it.busy:6.0%}"
        )
    print()
    labels = {target.name: target.label for target in targets}
    for one, other, wanted in RATIOS:
        got = ratio(rounds, one, other)
        verdict = "reached" if got >= wanted else "NOT REACHED"
        print(f"{labels[one]} / {labels[other]}: {got:.2f} (at least {wanted}: {verdict})")


def write_json(
    path: Path, targets: Sequence[Target], rounds: Mapping[str, Sequence[Measured]], size: int
) -> None:
    """Write everything measured."""
    middle = medians(rounds)
    document = {
        "machine": {"processor": processor_name(), "python": platform.python_version()},
        "document_bytes": size,
        "connections": CONNECTIONS,
        "targets": {
            target.name: {
                "label": target.label,
                "median": asdict(middle[target.name]),
                "rounds": [asdict(measured) for measured in rounds[target.name]],
            }
            for target in targets
        },
        "ratios": {f"{one}/{other}": ratio(rounds, one, other) for one, other, _ in RATIOS},
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def draw(path: Path, targets: Sequence[Target], rounds: Mapping[str, Sequence[Measured]]) -> None:
    """Draw one bar for each target."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "billhook"
    import matplotlib.pyplot as plt

    middle = medians(rounds)
    figure, axes = plt.subplots(figsize=(8, 2.6), layout="constrained")
    names = [target.name for target in reversed(targets)]
    labels = [target.label for target in reversed(targets)]
    speeds = [middle[name].per_second for name in names]
    bars = axes.barh(labels, speeds, color=[_COLOURS[name] for name in names], height=0.6)
    texts = [f"{middle[n].per_second:,.0f}/s, p99 {middle[n].p99:.0f} ms" for n in names]
    axes.bar_label(bars, texts, padding=4, fontsize=9)
    axes.set_xlim(0, max(speeds) * 1.3)
    axes.set_title(
        "Documents of 60 KB per second, one core for the server", loc="left", fontsize=10
    )
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False, left=False)
    figure.savefig(path, metadata={"Date": None})
