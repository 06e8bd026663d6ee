"""``billhook contacts``: customers, and people who see their invoices, from a file."""

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
def contacts() -> None:
    """Import customers and their contacts."""


@contacts.command("import")
@import_arguments
def import_contacts(
    file: Path,
    organisation: str,
    data_dir: Path | None,
    *,
    skip: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import the customers and contacts in FILE: a spreadsheet or a CSV file. No mail is sent.

    One row names the columns: Customer number and, if you like, Customer name (which creates
    customers that don't exist yet), Language, E-mail and Name. A row that can't be used is reported
    with its line, and then nothing is imported unless such rows are skipped.
    """
    done = import_by_command(file, "customers", organisation, data_dir, skip=skip, dry_run=dry_run)
    counts = {
        "new": done.others["new_contacts"],
        "known": done.others["known_contacts"],
        "new_customers": done.others["new_customers"],
    }
    said = (
        f"{count_things(counts['new'], 'new contact')}, {counts['known']} known, "
        f"{count_things(counts['new_customers'], 'new customer')}."
    )
    tell_import(done, "contacts", counts, said, dry_run=dry_run, as_json=as_json)
