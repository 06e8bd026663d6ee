"""The story of a restore: verify the file, hold a new folder, fill it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from billhook.engine.secret import Secret
from billhook.portal.installation import environment
from billhook.server.backup.source import BackupSource, open_backup
from billhook.server.backup.target import check_data_folder, new_data_folder
from billhook.server.operations.installation import django_in_use, use_data_dir


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """An installation that was restored. ``notes`` are what its operator should look at."""

    folder: Path
    version: str
    made_at: datetime
    rows: dict[str, int]
    notes: tuple[str, ...]


def restore_backup(
    file: Path, *, data_dir: Path | None, passphrase: Secret | None = None
) -> Restored:
    """Restore the backup in *file* into a new or empty data folder, and into an empty database.

    Raises:
        Refusal: with a sentence that says why not. Nothing is changed then.
        ConfigurationError: with every problem of the settings.
    """
    use_data_dir(data_dir)
    folder = environment.current().data_dir
    check_data_folder(folder)
    with open_backup(file) as opened:
        source = BackupSource(opened, passphrase)
        verified = source.verify()
        with new_data_folder(folder), django_in_use():
            from billhook.server.backup.restoring import SETTINGS_FILE, place_backup

            placed = place_backup(source, verified, folder)
    return Restored(
        folder=folder,
        version=verified.manifest.version,
        made_at=verified.manifest.made_at,
        rows=verified.rows,
        notes=(
            *_settings(folder / SETTINGS_FILE),
            *_unreadable(placed.unreadable),
            *_owner(folder),
        ),
    )


def _settings(file: Path) -> Iterator[str]:
    if file.exists():
        yield (
            f"The settings of the installation that was backed up are in {file}. Compare them with "
            "those of this machine, then remove the file."
        )


def _unreadable(number: int) -> Iterator[str]:
    if number:
        yield (
            f"{number} stored secrets can't be read, and couldn't before the backup. "
            "`billhook doctor` names them; type them again."
        )


def _owner(folder: Path) -> Iterator[str]:
    """Give a note where root made the folder: the server is usually another user."""
    if os.geteuid() == 0 and folder.stat().st_uid == 0:
        yield (
            f"{folder} belongs to root. If another user runs the server, give it to them: "
            f"chown -R USER {folder}"
        )
