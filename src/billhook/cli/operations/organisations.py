"""``billhook organisations``: list them, and add one with its first owner."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from billhook.cli.operations.options import operator_options, tell_table
from billhook.cli.operations.passwords import PLACES, read_new_password
from billhook.cli.output import printable, tell_json


@click.group()
def organisations() -> None:
    """List the organisations, and add one."""


@organisations.command("list")
@operator_options
def list_(data_dir: Path | None, *, as_json: bool) -> None:
    """List every organisation, with the numbers of its members, customers and invoices."""
    from billhook.server.operations.installation import open_installation

    with open_installation(data_dir):
        from billhook.server.operations.people import list_organisations

        found = [asdict(each) for each in list_organisations()]
    if as_json:
        tell_json({"ok": True, "organisations": found})
    else:
        tell_table(found, empty="There is no organisation yet.")


@organisations.command()
@click.argument("name")
@click.option("--owner", required=True, metavar="EMAIL", help="The address of its first owner.")
@click.option("--owner-name", default="", metavar="NAME", help="The name of that person.")
@click.option("--password", metavar=PLACES, help="Where a password for the owner is.")
@operator_options
def add(
    name: str,
    owner: str,
    owner_name: str,
    password: str | None,
    data_dir: Path | None,
    *,
    as_json: bool,
) -> None:
    """Add the organisation NAME with its first owner.

    Without a password the owner signs in with a code that is sent to their address.
    """
    from billhook.server.operations.installation import open_installation

    secret = read_new_password(password)
    with open_installation(data_dir):
        from billhook.server.operations.people import add_organisation

        member = add_organisation(
            name=name, owner_email=owner, owner_name=owner_name, password=secret
        )
    if as_json:
        tell_json({"ok": True, "member": asdict(member)})
    else:
        click.echo(printable(f"{member.organisation} is there, with the owner {member.email}."))
