"""``billhook contacts``: people who see invoices, from a file."""

from __future__ import annotations

from pathlib import Path

import click

from billhook.cli.operations.options import operator_options, organisation_option, tell_notes
from billhook.cli.output import tell_json
from billhook.cli.values import read_bytes

_MAX_BYTES = 5 * 1024 * 1024


@click.group()
def contacts() -> None:
    """Import contacts."""


@contacts.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--skip", is_flag=True, help="Leave out rows that can't be used.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@organisation_option
@operator_options
def import_(
    file: Path,
    organisation: str,
    data_dir: Path | None,
    *,
    skip: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make the people in the CSV file FILE contacts. No mail is sent.

    Its first row names the columns: Customer number and E-mail, and, if you like, Customer name
    (which creates customers that aren't there yet) and Name. A row that can't be used is reported
    with its line, and then nothing is imported unless such rows are skipped.
    """
    from billhook.server.operations.installation import open_installation

    content = read_bytes(file, _MAX_BYTES + 1)
    with open_installation(data_dir):
        from billhook.server.operations.people import import_contacts_file

        done = import_contacts_file(
            organisation=organisation, content=content, skip_refused=skip, dry_run=dry_run
        )
    refused = [{"line": each.line, "message": each.reason} for each in done.plan.refused]
    known, customers = len(done.plan.contacts) - done.new, len(done.plan.new_customers)
    if as_json:
        counts = {"new": done.new, "known": known, "new_customers": customers}
        tell_json({"ok": True, "dry_run": dry_run, "contacts": counts, "left_out": refused})
        return
    tell_notes(f"Line {each['line']} is left out: {each['message']}" for each in refused)
    verb = "Would import" if dry_run else "Imported"
    click.echo(
        f"{verb}: {_count(done.new, 'new contact')}, {known} known, "
        f"{_count(customers, 'new customer')}."
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
