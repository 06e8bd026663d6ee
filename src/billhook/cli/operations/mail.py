"""``billhook mail``: a test mail."""

from __future__ import annotations

from pathlib import Path

import click

from billhook.cli.operations.options import operator_options
from billhook.cli.output import tell_json


@click.group()
def mail() -> None:
    """Send a test mail."""


@mail.command()
@click.argument("address")
@operator_options
def test(address: str, data_dir: Path | None, *, as_json: bool) -> None:
    """Send a test mail to ADDRESS, and say why if the mail server doesn't take it."""
    from billhook.server.operations.mail import send

    send(address, data_dir=data_dir)
    if as_json:
        tell_json({"ok": True, "mail": {"to": address}})
    else:
        click.echo(f"The mail server took a test mail to {address}. See whether it arrives.")
