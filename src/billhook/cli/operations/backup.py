"""``billhook backup``: everything that an installation needs, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from billhook.cli.operations.options import count_rows, end_cleanly, operator_options, tell_notes
from billhook.cli.operations.passwords import PLACES, read_password
from billhook.cli.output import tell_json
from billhook.cli.values import fail

_LEAST_CHARACTERS: Final = 12


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--passphrase", metavar=PLACES, help="Encrypt it, with the passphrase from there.")
@click.option("--replace", is_flag=True, help="Overwrite a file of this name.")
@operator_options
def backup(
    file: Path, passphrase: str | None, data_dir: Path | None, *, replace: bool, as_json: bool
) -> None:
    """Write the database, the keys and the settings into FILE. The server may go on running.

    `billhook restore` reads it on any machine, into SQLite or PostgreSQL. Without a
    passphrase, anybody who has the file can read every stored secret: encrypt it, or keep it as
    safe as the data folder. Documents are not in it; the sources have them.
    """
    from billhook.server.backup.making import make_backup

    end_cleanly()
    secret = None
    if passphrase is not None:
        secret = read_password(passphrase, option="--passphrase", what="passphrase", confirm=True)
        if len(secret.reveal()) < _LEAST_CHARACTERS:
            message = f"A passphrase needs {_LEAST_CHARACTERS} characters or more."
            fail("too-short", message, where="--passphrase")
    made = make_backup(file, data_dir=data_dir, passphrase=secret, replace=replace)
    if as_json:
        facts = {"file": str(made.file), "bytes": made.size, "encrypted": made.is_encrypted}
        tell_json({"ok": True, "backup": facts | {"rows": made.rows}, "notes": list(made.notes)})
        return
    tell_notes(made.notes)
    kind = "encrypted" if made.is_encrypted else "not encrypted, and with the keys in it"
    click.echo(f"{made.file}: {made.size:,} bytes, {kind}.")
    click.echo(f"It has {count_rows(made.rows)}.")
