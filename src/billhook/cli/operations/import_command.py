"""The import of a file by a command: its arguments, the work, and what is printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from billhook.cli.operations.options import operator_options, organisation_option, tell_notes
from billhook.cli.output import tell_json
from billhook.cli.values import read_bytes

if TYPE_CHECKING:
    from billhook.server.operations.imports import FileResult

_MAX_BYTES = 16 * 1024 * 1024

_Function = TypeVar("_Function", bound=Callable[..., Any])


def import_arguments(function: _Function) -> _Function:
    """Add the arguments of a command that imports a file."""
    for decorate in (
        operator_options,
        organisation_option,
        click.option("--dry-run", is_flag=True, help="Only say what would be done."),
        click.option("--skip", is_flag=True, help="Leave out rows that can't be used."),
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        function = decorate(function)
    return function


def import_by_command(
    file: Path, kind: str, organisation: str, data_dir: Path | None, *, skip: bool, dry_run: bool
) -> FileResult:
    """Import *file* into an organisation, or find out what that would do."""
    from billhook.server.operations.installation import open_installation

    content = read_bytes(file, _MAX_BYTES + 1)
    with open_installation(data_dir):
        from billhook.portal.imports.columns.fields import ImportKind
        from billhook.server.operations.imports import import_file

        return import_file(
            organisation=organisation,
            kind=ImportKind(kind),
            content=content,
            file_name=file.name,
            skip_refused=skip,
            dry_run=dry_run,
        )


def tell_import(
    done: FileResult,
    thing: str,
    counts: dict[str, int],
    said: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Print the result, as JSON or as a sentence that *said* ends."""
    if as_json:
        left_out = [{"line": line, "message": message} for line, message in done.left_out]
        tell_json({"ok": True, "dry_run": dry_run, thing: counts, "left_out": left_out})
        return
    tell_notes(f"Line {line} is left out: {message}" for line, message in done.left_out)
    click.echo(f"{'Would import' if dry_run else 'Imported'}: {said}")


def count_things(number: int, thing: str) -> str:
    """Return the number and the name of things: ``1 contact``, ``2 contacts``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
