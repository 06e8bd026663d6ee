"""``billhook rotate-secrets``: encrypt every stored secret with a new key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

USAGE_STATUS: Final = 2


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), help="As BILLHOOK_DATA_DIR.")
def rotate_secrets(data_dir: Path | None) -> None:
    """Encrypt every stored secret with a new key. The server may go on running.

    With the key file in the data folder, a new key is made. With BILLHOOK_SECRETS_KEYS, put the new
    key in front of the old one there first, and remove the old one when this is done.
    """
    from billhook.portal.project import environment
    from billhook.server.django_setup import set_up_django

    if data_dir is not None:
        environment.put("BILLHOOK_DATA_DIR", str(data_dir))
    set_up_django()
    from billhook.portal.integrations.crypto import KeyRingError, SecretUnreadableError
    from billhook.portal.integrations.vault import rotate_secrets as rotate
    from billhook.server.database import prepare_database
    from billhook.server.errors import CannotStart

    try:
        prepare_database()
        count = rotate()
    except (CannotStart, KeyRingError, SecretUnreadableError) as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE_STATUS)
    click.echo(f"{count} secrets are encrypted with the new key now." if count != 1 else _ONE)


_ONE: Final = "1 secret is encrypted with the new key now."
