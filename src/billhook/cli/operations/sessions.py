"""``billhook sessions``: sign people out."""

from __future__ import annotations

from pathlib import Path

import click

from billhook.cli.operations.options import operator_options
from billhook.cli.output import tell_json
from billhook.cli.values import fail


@click.group()
def sessions() -> None:
    """Sign people out."""


@sessions.command()
@click.argument("email", required=False)
@click.option("--all", "everybody", is_flag=True, help="Sign everybody out.")
@operator_options
def end(email: str | None, data_dir: Path | None, *, everybody: bool, as_json: bool) -> None:
    """Sign the person of EMAIL out on every device, or everybody with --all.

    They can sign in again; to prevent that, use `billhook members disable`.
    """
    from billhook.server.operations.installation import open_installation

    if (email is None) is not everybody:
        fail("usage", "Name one person by their EMAIL, or everybody with --all.", where="EMAIL")
    with open_installation(data_dir):
        from billhook.server.operations.people import end_sessions

        ended = end_sessions(email=email)
    if as_json:
        tell_json({"ok": True, "sessions_ended": ended})
    else:
        click.echo(f"Sessions ended: {ended}.")
