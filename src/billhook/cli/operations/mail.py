"""``billhook mail``: a test mail, and mail that comes back."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from billhook.cli.operations.options import operator_options
from billhook.cli.output import as_failure, tell_failure, tell_json


@click.group()
def mail() -> None:
    """Send a test mail, and take mail that comes back."""


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


@mail.command()
@operator_options
@click.pass_context
def bounce(context: click.Context, data_dir: Path | None, *, as_json: bool) -> None:
    """Take one bounce on standard input, as a mail server pipes it.

    Its notice is then shown as one that came back. Another message changes nothing, and is no
    error. If Billhook can't work on it now, the exit status is 75, so that the mail server keeps
    the message and tries again (EX_TEMPFAIL).
    """
    try:
        from billhook.server.operations.mail import take_bounce

        taken = take_bounce(sys.stdin.buffer.read, data_dir=data_dir)
    except Exception as error:  # noqa: BLE001 - a mail server would return a bounce to nobody
        tell_failure(as_failure(error), as_json=as_json)
        context.exit(os.EX_TEMPFAIL)
    if as_json:
        tell_json({"ok": True, "bounce": taken.value})
    else:
        click.echo(taken.sentence)
