"""``billhook members``: the people of the organisations and their roles."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from billhook.cli.operations.options import operator_options, organisation_option, tell_table
from billhook.cli.operations.passwords import PLACES, read_new_password
from billhook.cli.output import printable, tell_json

if TYPE_CHECKING:
    from billhook.server.operations.people import MemberFacts

_ROLES: Final = click.Choice(["owner", "editor", "viewer"])


@click.group()
def members() -> None:
    """List, add and change members."""


@members.command("list")
@organisation_option
@operator_options
def list_(organisation: str, data_dir: Path | None, *, as_json: bool) -> None:
    """List the members of one organisation, or of all of them."""
    from billhook.server.operations.installation import open_installation

    with open_installation(data_dir):
        from billhook.server.operations.people import list_members

        found = list_members(organisation=organisation)
    if as_json:
        tell_json({"ok": True, "members": [_object(member) for member in found]})
    else:
        tell_table([asdict(member) for member in found], empty="There is no member yet.")


@members.command()
@click.argument("email")
@click.option("--role", type=_ROLES, required=True, help="What they may do.")
@click.option("--name", default="", help="The name of the person.")
@click.option("--password", metavar=PLACES, help="Where a password for them is.")
@organisation_option
@operator_options
def add(
    *,
    email: str,
    role: str,
    name: str,
    password: str | None,
    organisation: str,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Make the person of EMAIL a member. No mail is sent.

    Without a password they sign in with a code that is sent to their address.
    """
    from billhook.server.operations.installation import open_installation

    secret = read_new_password(password)
    with open_installation(data_dir):
        from billhook.server.operations.people import add_member

        member = add_member(
            organisation=organisation, email=email, role=role, name=name, password=secret
        )
    _tell(member, f"{member.email} is {member.role} of {member.organisation}.", as_json=as_json)


@members.command("password")
@click.argument("email")
@click.option(
    "--password",
    default="prompt",
    show_default=True,
    metavar=PLACES,
    help="Where the new password is.",
)
@operator_options
def set_password(email: str, password: str, data_dir: Path | None, *, as_json: bool) -> None:
    """Give the member EMAIL another password, and sign them out everywhere."""
    from billhook.server.operations.installation import open_installation

    secret = read_new_password(password)
    with open_installation(data_dir):
        from billhook.server.operations.people import set_member_password

        ended = set_member_password(email=email, password=secret)
    if as_json:
        tell_json({"ok": True, "sessions_ended": ended})
    else:
        click.echo(printable(f"{email} has the new password. Sessions ended: {ended}."))


@members.command()
@click.argument("email")
@click.argument("role", type=_ROLES)
@organisation_option
@operator_options
def role(email: str, role: str, organisation: str, data_dir: Path | None, *, as_json: bool) -> None:
    """Let the member EMAIL do what ROLE may: owner, editor or viewer."""
    from billhook.server.operations.installation import open_installation

    with open_installation(data_dir):
        from billhook.server.operations.people import set_member_role

        member = set_member_role(organisation=organisation, email=email, role=role)
    _tell(member, f"{member.email} is {member.role} of {member.organisation}.", as_json=as_json)


@members.command()
@click.argument("email")
@operator_options
def disable(email: str, data_dir: Path | None, *, as_json: bool) -> None:
    """Keep the member EMAIL from signing in anywhere, and sign them out.

    What they made stays, and so do API keys: revoke those in the backoffice.
    """
    from billhook.server.operations.installation import open_installation

    with open_installation(data_dir):
        from billhook.server.operations.people import disable_member

        member = disable_member(email=email)
    text = f"{member.email} can't sign in any more. API keys that they made stay valid."
    _tell(member, text, as_json=as_json)


@members.command()
@click.argument("email")
@operator_options
def enable(email: str, data_dir: Path | None, *, as_json: bool) -> None:
    """Let the member EMAIL, who was disabled, sign in again."""
    from billhook.server.operations.installation import open_installation

    with open_installation(data_dir):
        from billhook.server.operations.people import enable_member

        member = enable_member(email=email)
    _tell(member, f"{member.email} can sign in again.", as_json=as_json)


def _tell(member: MemberFacts, text: str, *, as_json: bool) -> None:
    if as_json:
        tell_json({"ok": True, "member": _object(member)})
    else:
        click.echo(printable(text))


def _object(member: MemberFacts) -> dict[str, object]:
    last = member.last_sign_in
    return asdict(member) | {"last_sign_in": last.isoformat() if last else None}
