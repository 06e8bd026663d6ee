"""``billhook restore``: an installation out of a backup."""

from __future__ import annotations

from pathlib import Path

import click

from billhook.cli.operations.options import count_rows, end_cleanly, operator_options, tell_notes
from billhook.cli.operations.passwords import PLACES, read_password
from billhook.cli.output import tell_json


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--passphrase", metavar=PLACES, help="Where the passphrase of the backup is.")
@operator_options
def restore(file: Path, passphrase: str | None, data_dir: Path | None, *, as_json: bool) -> None:
    """Make an installation out of the backup FILE, in a new or empty data folder.

    With BILLHOOK_DATABASE_URL the rows go into that database, which must be empty; without it into
    SQLite. The backup may come from either. An installation that exists is never overwritten, and
    a file that was cut or altered changes nothing.
    """
    from billhook.server.backup.restore import restore_backup

    end_cleanly()
    secret = None
    if passphrase is not None:
        secret = read_password(passphrase, option="--passphrase", what="passphrase", confirm=False)
    restored = restore_backup(file, data_dir=data_dir, passphrase=secret)
    if as_json:
        facts = {
            "data_dir": str(restored.folder),
            "version": restored.version,
            "made_at": restored.made_at.isoformat(),
            "rows": restored.rows,
        }
        tell_json({"ok": True, "restored": facts, "notes": list(restored.notes)})
        return
    tell_notes(restored.notes)
    click.echo(f"Restored the backup of {restored.made_at:%Y-%m-%d %H:%M} UTC.")
    click.echo(f"It has {count_rows(restored.rows)}.")
    click.echo(f"Start the server: billhook serve --data-dir {restored.folder}")
