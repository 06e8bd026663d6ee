"""``billhook rotate-secrets``: encrypt every stored secret with a new key."""

from __future__ import annotations

from pathlib import Path

import click

from billhook.cli.operations.options import operator_options
from billhook.cli.output import tell_json


@click.command()
@click.option(
    "--forget-unreadable",
    is_flag=True,
    help="Forget the secrets whose key is lost; they have to be typed again.",
)
@operator_options
def rotate_secrets(data_dir: Path | None, *, as_json: bool, forget_unreadable: bool) -> None:
    """Encrypt every stored secret with a new key. The server may go on running.

    With the key file in the data folder, a new key is made. With BILLHOOK_SECRETS_KEYS, put the new
    key in front of the old one there first, and remove the old one when this is done.
    """
    from billhook.server.operations.secrets import rotate

    done = rotate(data_dir, forget=forget_unreadable)
    if as_json:
        tell_json({"ok": True, "secrets": done.encrypted, "forgotten": done.forgotten})
        return
    if forget_unreadable:
        click.echo(f"{_secrets(done.forgotten)} forgotten. Type the values again in the editor.")
    click.echo(f"{_secrets(done.encrypted)} encrypted with the new key now.")


def _secrets(count: int) -> str:
    return "1 secret is" if count == 1 else f"{count} secrets are"
