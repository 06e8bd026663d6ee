"""Makes a backup while the server goes on."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from billhook.engine.secret import Secret
from billhook.portal.installation import environment
from billhook.server.backup.archive import ArchiveWriter
from billhook.server.backup.contents import (
    KEYS,
    MANIFEST,
    ROWS,
    SETTINGS,
    Keys,
    Manifest,
    settings_to_bytes,
)
from billhook.server.backup.draft import check_target, new_file
from billhook.server.backup.encryption import EncryptingWriter
from billhook.server.operations.installation import reachable_database, use_data_dir


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupMade:
    """A backup that is complete. ``rows`` are counted by table; ``notes`` are warnings."""

    file: Path
    size: int
    is_encrypted: bool
    rows: dict[str, int]
    notes: tuple[str, ...] = ()


def make_backup(
    file: Path, *, data_dir: Path | None, passphrase: Secret | None = None, replace: bool = False
) -> BackupMade:
    """Write everything that an installation needs into *file*, while the server goes on.

    With *passphrase* it is encrypted. A file that exists is overwritten only with *replace*.

    Raises:
        Refusal: with a sentence that says why not. Nothing is left then of the new file.
    """
    is_encrypted = passphrase is not None
    settings = _settings_of_caller(data_dir)
    with reachable_database(data_dir):
        check_target(file, replace=replace)
        manifest = _manifest()
        with new_file(file, replace=replace) as draft:
            rows = _write(draft, manifest, settings, passphrase)
            size = draft.tell()
        notes = (_unreadable_secrets(), _record(manifest, size=size, is_encrypted=is_encrypted))
    return BackupMade(
        file=file,
        size=size,
        is_encrypted=is_encrypted,
        rows=rows,
        notes=tuple(note for note in notes if note),
    )


def _manifest() -> Manifest:
    from billhook.server.operations.schema import read_schema, refuse_newer

    schema = read_schema()
    refuse_newer(schema)
    return Manifest.of_now(schema.applied)


def _settings_of_caller(data_dir: Path | None) -> bytes:
    """Return the settings, read while files that only root may read can be read."""
    use_data_dir(data_dir)
    environment.current()  # reports every problem at once
    return settings_to_bytes(environment.given())


def _write(
    draft: BinaryIO, manifest: Manifest, settings: bytes, passphrase: Secret | None
) -> dict[str, int]:
    if passphrase is None:
        return _write_archive(draft, manifest, settings)
    encrypting = EncryptingWriter(draft, passphrase)
    rows = _write_archive(cast("BinaryIO", encrypting), manifest, settings)
    encrypting.finish()
    return rows


def _write_archive(file: BinaryIO, manifest: Manifest, settings: bytes) -> dict[str, int]:
    """Write the archive from one view of the database. The keys are read when that has begun."""
    from billhook.server.backup.snapshot import snapshot

    writer = ArchiveWriter(file, timestamp=int(manifest.made_at.timestamp()))
    with closing(writer) as archive:
        with snapshot():
            archive.add(MANIFEST, manifest.to_bytes())
            archive.add(KEYS, _keys().to_bytes())
            archive.add(SETTINGS, settings)
            rows = _write_rows(archive, manifest)
        archive.finish({"rows": rows})
    return rows


def _keys() -> Keys:
    from billhook.portal.installation.data_folder import signing_key
    from billhook.portal.integrations.crypto import write_keys
    from billhook.portal.integrations.vault import key_ring
    from billhook.server.keys import check_keys

    check_keys()
    return Keys(secrets=write_keys(key_ring().keys), signing=signing_key())


def _unreadable_secrets() -> str:
    """Return a note where stored secrets can't be read with the keys; the backup has them so."""
    from billhook.portal.integrations.vault import key_ring, unreadable_secrets

    number = sum(1 for _ in unreadable_secrets(key_ring()))
    if number == 0:
        return ""
    return (
        f"{number} of the stored secrets can't be read with the keys of this installation, and "
        "are in the backup as they are. `billhook doctor` names them."
    )


def _write_rows(archive: ArchiveWriter, manifest: Manifest) -> dict[str, int]:
    from billhook.server.backup.rows import apps_at, options, read_rows, tables_of

    counts: Counter[str] = Counter()
    number = 0
    for model in tables_of(apps_at(manifest.migrations)):
        label = options(model).label_lower
        counts[label] = 0
        for content, count in read_rows(model):
            number += 1
            counts[label] += count
            archive.add(f"{ROWS}{number:06}-{label}.jsonl", content)
    return dict(counts)


def _record(manifest: Manifest, *, size: int, is_encrypted: bool) -> str:
    """Remember the backup. The file is complete, so a database that takes nothing is no failure."""
    from django.db import DatabaseError

    from billhook.portal.backups.services import record_backup

    try:
        record_backup(made_at=manifest.made_at, size=size, is_encrypted=is_encrypted)
    except DatabaseError:
        return (
            "The backup is complete, but the database doesn't take the note that it was made. "
            "`billhook doctor` says why."
        )
    return ""
