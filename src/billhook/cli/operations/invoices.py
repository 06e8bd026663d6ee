"""``billhook invoices``: invoices from a file."""

from __future__ import annotations

from pathlib import Path

import click

from billhook.cli.operations.import_command import (
    count_things,
    import_arguments,
    import_by_command,
    tell_import,
)


@click.group()
def invoices() -> None:
    """Import invoices."""


@invoices.command("import")
@import_arguments
def import_invoices(
    file: Path,
    organisation: str,
    data_dir: Path | None,
    *,
    skip: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import the invoices in FILE: a spreadsheet (XLSX, XLS, ODS) or a CSV file.

    One row names the columns, in the words that docs/imports.md lists or that the organisation
    chose in the portal. A row that can't be used is reported with its line, and then nothing is
    imported unless such rows are skipped. The import can be undone in the portal.
    """
    done = import_by_command(file, "invoices", organisation, data_dir, skip=skip, dry_run=dry_run)
    counts = {
        "new": done.new,
        "changed": done.changed,
        "unchanged": done.unchanged,
        "new_customers": done.others["new_customers"],
    }
    new, customers = done.new, counts["new_customers"]
    said = (
        f"{count_things(new, 'new invoice')}, {done.changed} changed, {done.unchanged} unchanged, "
        f"{count_things(customers, 'new customer')}."
    )
    tell_import(done, "invoices", counts, said, dry_run=dry_run, as_json=as_json)
