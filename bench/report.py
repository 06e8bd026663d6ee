"""The results: a table, a picture and a file for programs."""

from __future__ import annotations

import json
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from bench.load import CONNECTIONS, Measured, Target
from bench.tools import CannotRun, processor_name

Rounds = Mapping[str, Sequence[Measured]]
Result = dict[str, Any]

WANTED = (
    ("gateway", "prototype", None),
    ("gateway", "nginx", 0.4),
    ("gateway", "nginx_kept", None),
    ("gateway", "by_hand", 4.0),
    ("gateway", "node_red", None),
    ("view", "gateway", None),
    ("view", "by_hand", 0.6),
)
"""The pairs that are compared, and the ratio to reach, if any."""
_COLOURS = {
    "nginx": "#8a8f98",
    "nginx_kept": "#a3a8b0",
    "nginx_fitted": "#b9bdc4",
    "gateway": "#1f6f5c",
    "view": "#3f9d86",
    "by_hand": "#b8682a",
    "prototype": "#d09a5c",
    "node_red": "#a0522d",
}


def result(targets: Sequence[Target], rounds: Rounds, size: int) -> Result:
    """Return everything measured: medians, since other work on the machine disturbs single rounds.

    A ratio is the median of those of neighbouring rounds.
    """
    return {
        "machine": {"processor": processor_name(), "python": platform.python_version()},
        "document_bytes": size,
        "connections": CONNECTIONS,
        "targets": {
            target.name: {
                "label": target.label,
                "median": _medians(rounds[target.name]),
                "rounds": [asdict(measured) for measured in rounds[target.name]],
            }
            for target in targets
        },
        "ratios": [_ratio(rounds, *wanted) for wanted in WANTED if {*wanted[:2]} <= set(rounds)],
    }


def _medians(measured: Sequence[Measured]) -> dict[str, float]:
    names = [field.name for field in fields(Measured)]
    return {name: statistics.median(getattr(each, name) for each in measured) for name in names}


def _ratio(rounds: Rounds, one: str, other: str, least: float | None) -> dict[str, Any]:
    pairs = zip(rounds[one], rounds[other], strict=True)
    ratio = statistics.median(mine.per_second / theirs.per_second for mine, theirs in pairs)
    return {
        "of": one,
        "to": other,
        "ratio": ratio,
        "least": least,
        "reached": ratio >= (least or 0),
    }


def table(result: Result) -> str:
    """Return the result as two tables in Markdown, which are good to read on a terminal, too."""
    lines = [
        f"| {'':42} | requests/s | p50 ms | p99 ms | of its core |",
        f"|{'-' * 44}|-----------:|-------:|-------:|------------:|",
    ]
    for target in result["targets"].values():
        it = target["median"]
        lines.append(
            f"| {target['label']:42} | {it['per_second']:10,.0f} | {it['p50']:6.1f} "
            f"| {it['p99']:6.1f} | {it['busy']:11.0%} |"
        )
    lines += ["", "| ratio | | to reach |", "|---|--:|--:|"]
    for one in result["ratios"]:
        names = (result["targets"][one[which]]["label"] for which in ("of", "to"))
        verdict = "" if one["reached"] else " (not reached)"
        lines.append(
            f"| {' / '.join(names)} | {one['ratio']:.2f}{verdict} | {one['least'] or ''} |"
        )
    return "\n".join(lines) + "\n"


def write(result: Result, folder: Path, name: str) -> list[Path]:
    """Write the result as JSON and as a picture; return the paths."""
    numbers, picture = folder / f"{name}.json", folder / f"{name}.svg"
    numbers.write_text(json.dumps(result, indent=2) + "\n")
    _draw(result, picture)
    return [numbers, picture]


def publish(result: Result, page: Path) -> Path:
    """Put the tables into *page*, between its two marks."""
    marks = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)
    text, count = marks.subn(lambda found: found[1] + table(result) + found[2], page.read_text())
    if not count:
        raise CannotRun(f"{page.name} has no marks for the tables.")
    page.write_text(text)
    return page


def _draw(result: Result, path: Path) -> None:
    """Draw one bar for each target."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "billhook"
    import matplotlib.pyplot as plt

    targets = dict(reversed(result["targets"].items()))
    speeds = [target["median"]["per_second"] for target in targets.values()]
    texts = [
        f"{target['median']['per_second']:,.0f}/s, p99 {target['median']['p99']:.0f} ms"
        for target in targets.values()
    ]
    figure, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
    labels = [target["label"] for target in targets.values()]
    bars = axes.barh(labels, speeds, color=[_COLOURS[name] for name in targets], height=0.6)
    axes.bar_label(bars, texts, padding=4, fontsize=9)
    axes.set_xlim(0, max(speeds) * 1.3)
    title = "Documents of 60 KB in a second, with one core for the server"
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False, left=False)
    figure.savefig(path, metadata={"Date": None})
