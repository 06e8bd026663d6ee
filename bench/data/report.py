"""The results of the pages: a table, a chart and a file for programs."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.data.measuring import PageTimes
from bench.tools import CannotRun, processor_name

MEDIAN, P95 = 50.0, 150.0
"""The limits, in milliseconds."""
NAME = "bench-data"
_LABELS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_COLOURS = {"sqlite": "#1f6f5c", "postgresql": "#b8682a"}

Result = dict[str, Any]


def result(measured: Mapping[str, Mapping[str, PageTimes]], *, sizes: Mapping[str, int]) -> Result:
    """Return everything measured."""
    return {
        "machine": {"processor": processor_name(), "python": platform.python_version()},
        "rows": dict(sizes),
        "databases": {
            name: {page: asdict(times) for page, times in pages.items()}
            for name, pages in measured.items()
        },
    }


def pages_above(result: Result) -> list[tuple[str, str]]:
    """Return each page that is above one of the limits, after its database."""
    return [
        (database, page)
        for database, pages in result["databases"].items()
        for page, times in pages.items()
        if times["median"] > MEDIAN or times["p95"] > P95
    ]


def table(result: Result) -> str:
    """Return the result as a table in Markdown."""
    names = list(result["databases"])
    head = "".join(f" {_LABELS[name]}, median ms | p95 ms | processor ms |" for name in names)
    lines = [f"| page | addresses |{head}", "|---|--:|" + "--:|--:|--:|" * len(names)]
    for page, first in result["databases"][names[0]].items():
        each = (result["databases"][name][page] for name in names)
        cells = "".join(
            f" {times['median']:.0f} | {times['p95']:.0f} | {times['processor']:.0f} |"
            for times in each
        )
        lines.append(f"| {page} | {first['addresses']} |{cells}")
    return "\n".join(lines) + "\n"


def write(result: Result, folder: Path) -> list[Path]:
    """Write the result as JSON and as a chart; return the paths."""
    numbers, chart = folder / f"{NAME}.json", folder / f"{NAME}.svg"
    numbers.write_text(json.dumps(result, indent=2) + "\n")
    _draw(result, chart)
    return [numbers, chart]


def publish(result: Result, page: Path) -> Path:
    """Put the table into *page*, between its two marks."""
    marks = re.compile(r"(<!-- bench-data -->\n).*?(<!-- /bench-data -->)", re.DOTALL)
    text, count = marks.subn(lambda found: found[1] + table(result) + found[2], page.read_text())
    if not count:
        raise CannotRun(f"{page.name} has no marks for the table.")
    page.write_text(text)
    return page


def _draw(result: Result, path: Path) -> None:
    """Draw the median of each page as a bar, and its p95 as a line to the right of it."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "billhook"
    import matplotlib.pyplot as plt

    databases = result["databases"]
    pages = list(next(iter(databases.values())))[::-1]
    figure, axes = plt.subplots(figsize=(8, 0.9 + 0.45 * len(pages)), layout="constrained")
    height = 0.8 / len(databases)
    for at, (name, times) in enumerate(databases.items()):
        places = [row + 0.4 - height * (at + 0.5) for row in range(len(pages))]
        medians = [times[page]["median"] for page in pages]
        above = [max(0.0, times[page]["p95"] - times[page]["median"]) for page in pages]
        axes.barh(places, medians, height, color=_COLOURS[name], label=_LABELS[name])
        axes.errorbar(medians, places, xerr=[[0] * len(pages), above], fmt="none", ecolor="#55615b")
    axes.set_yticks(range(len(pages)), pages)
    for limit, word in ((MEDIAN, "median"), (P95, "p95")):
        axes.axvline(limit, color="#8a8f98", linestyle=":", linewidth=1)
        axes.annotate(f"limit of the {word}", (limit, len(pages) - 0.45), fontsize=8, ha="center")
    axes.set_title("Milliseconds for a page: median (bar) and p95 (line)", loc="left", fontsize=10)
    axes.legend(loc="lower right", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
