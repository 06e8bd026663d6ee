"""``billhook rotate-secrets``: encrypt every stored secret with a new key."""

from __future__ import annotations

from pathlib import Path

import click

from billhook.cli.operations.options import operator_options
from billhook.cli.output import tell_json


@click.command()
@operator_options
def rotate_secrets(data_dir: Path | None, *, as_json: bool) -> None:
    """Encrypt every stored secret with a new key. The server may go on running.

    With the key file in the data folder, a new key is made. With BILLHOOK_SECRETS_KEYS, put the new
    key in front of the old one there first, and remove the old one when this is done.
    """
    from billhook.server.operations.secrets import rotate

    count = rotate(data_dir)
    if as_json:
        tell_json({"ok": True, "secrets": count})
        return
    secrets = "1 secret is" if count == 1 else f"{count} secrets are"
    click.echo(f"{secrets} encrypted with the new key now.")
