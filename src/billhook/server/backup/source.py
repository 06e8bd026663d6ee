"""A backup to be restored: opened, decrypted and verified to its end before anything is written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from billhook.engine.secret import Secret
from billhook.server.backup.archive import END, GZIP_MAGIC, ArchivedFile, read_members
from billhook.server.backup.contents import FORMAT, KEYS, MANIFEST, ROWS, SETTINGS, Keys, Manifest
from billhook.server.backup.encryption import CHUNK_BYTES, MAGIC, DecryptingReader
from billhook.server.backup.errors import DamagedBackup
from billhook.server.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Verified:
    """The parts of a backup that was read to its end, apart from the rows."""

    manifest: Manifest
    keys: Keys
    settings: ArchivedFile
    rows: dict[str, int]
    """The number of rows of each table."""


class BackupSource:
    """The file of a backup, which can be read several times."""

    def __init__(self, file: BinaryIO, passphrase: Secret | None) -> None:
        self._file = file
        self._passphrase = passphrase
        beginning = file.read(len(MAGIC))
        self._is_encrypted = beginning == MAGIC
        if not self._is_encrypted and not beginning.startswith(GZIP_MAGIC):
            message = "This isn't a backup of Billhook. Name a file that `billhook backup` made."
            raise Refusal("not-a-backup", message, where=_FILE)
        _check_passphrase(is_given=passphrase is not None, is_needed=self._is_encrypted)

    def verify(self) -> Verified:
        """Read all of it, and return the parts that say what it is.

        Raises:
            DamagedBackup: where it was cut or altered.
            Refusal: where a newer version of Billhook has made it.
        """
        parts: dict[str, ArchivedFile] = {}
        for member in self.members():
            if member.name == MANIFEST:
                _check_format(Manifest.read(member))
            if not member.name.startswith(ROWS):
                parts[member.name] = member
        try:
            return Verified(
                manifest=Manifest.read(parts[MANIFEST]),
                keys=Keys.read(parts[KEYS]),
                settings=parts[SETTINGS],
                rows=dict(parts[END].json()["rows"]),
            )
        except (LookupError, ValueError, TypeError):
            raise DamagedBackup from None

    def members(self) -> Iterator[ArchivedFile]:
        """Yield every member, from the first; see :func:`read_members`."""
        self._file.seek(0)
        if self._passphrase is None:
            yield from read_members(self._file)
            return
        decrypting = DecryptingReader(self._file, self._passphrase)
        yield from read_members(io.BufferedReader(cast("Any", decrypting), CHUNK_BYTES))


_FILE: Final = "FILE"


def open_backup(path: Path) -> BinaryIO:
    """Return the file at *path* for reading, or raise :class:`Refusal`."""
    try:
        if path.is_dir():
            raise Refusal("file-unreadable", f"{path} is a folder. Name a file in it.", where=_FILE)
        return path.open("rb")
    except FileNotFoundError:
        raise Refusal("file-not-found", f"There is no file {path}.", where=_FILE) from None
    except OSError as error:
        reason = error.strerror or "it is no file"
        raise Refusal("file-unreadable", f"{path} can't be read: {reason}.", where=_FILE) from None


def _check_passphrase(*, is_given: bool, is_needed: bool) -> None:
    if is_needed and not is_given:
        raise Refusal(
            "passphrase-needed",
            "This backup is encrypted. Give its passphrase: --passphrase prompt, "
            "--passphrase file:PATH or --passphrase env:VARIABLE.",
            where="--passphrase",
        )
    if is_given and not is_needed:
        raise Refusal(
            "not-encrypted",
            "This backup isn't encrypted. If that is as it should be, leave out --passphrase.",
            where="--passphrase",
        )


def _check_format(manifest: Manifest) -> None:
    if manifest.format > FORMAT:
        raise newer_backup(manifest)


def newer_backup(manifest: Manifest) -> Refusal:
    """Return the refusal of a backup that a later version of Billhook has made."""
    return Refusal(
        "backup-newer",
        f"This backup was made by Billhook {manifest.version}, which is newer than this one. "
        "Install that version, or a later one, and restore it with that. Nothing was changed.",
        where=_FILE,
    )
