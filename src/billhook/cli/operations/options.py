"""The options that every command for operators has."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from billhook.cli.output import printable

_Function = TypeVar("_Function", bound=Callable[..., Any])


def operator_options(function: _Function) -> _Function:
    """Add ``--data-dir`` and ``--json``, which a command takes as *data_dir* and *as_json*."""
    for decorate in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option("--data-dir", type=click.Path(path_type=Path), help="As BILLHOOK_DATA_DIR."),
    ):
        function = decorate(function)
    return function


def organisation_option(function: _Function) -> _Function:
    """Add ``--organisation``, which a command takes as *organisation*; empty if it isn't given."""
    return click.option(
        "--organisation",
        default="",
        metavar="NAME|ID",
        help="Which organisation; needed where there are several.",
    )(function)


def tell_table(rows: Sequence[Mapping[str, Any]], *, empty: str) -> None:
    """Print *rows*, which have the same columns, under the names of these."""
    if not rows:
        click.echo(empty)
        return
    heading = [name.replace("_", " ") for name in rows[0]]
    lines = [heading, *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo(printable("  ".join(cells).rstrip()))


def _cell(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None | "":
            return "-"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case _:
            return str(value)


def tell_notes(notes: Iterable[str]) -> None:
    """Print remarks for the operator on standard error."""
    for note in notes:
        click.echo(printable(f"Note: {note}"), err=True)


def count_rows(rows: dict[str, int]) -> str:
    """Return the contents of a backup as a sentence lists them."""
    return ", ".join(
        f"{rows.get(table, 0):,} {one if rows.get(table) == 1 else many}"
        for table, one, many in _COUNTED
    )


_COUNTED: Final = (
    ("organisations.organisation", "organisation", "organisations"),
    ("integrations.integration", "integration", "integrations"),
    ("invoices.invoice", "invoice", "invoices"),
    ("runs.run", "run", "runs"),
)


def end_cleanly() -> None:
    """Let SIGTERM end the command as Ctrl+C does, so that nothing half done is left behind."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
