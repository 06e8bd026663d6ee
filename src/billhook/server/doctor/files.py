"""Checks of the data folder, of the folder for temporary files, and of the room in both."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from billhook.portal.installation import environment
from billhook.server.doctor.finding import Finding, Findings
from billhook.server.operations.owner import name_of_user

_TOO_LITTLE: Final = 100_000_000
_LITTLE: Final = 1_000_000_000
_FEW_FILES: Final = 1000
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_NAMES_SHOWN: Final = 5
_SHARED: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs"})
"""File systems on which several machines may write: SQLite's WAL needs shared memory (its docs)."""


def check_data_folder(folder: Path) -> Iterator[Finding]:
    """Check who owns the data folder and its files, and that nobody else may read them."""
    findings = Findings(check="data folder")
    found = [*_foreign_files(findings, folder), *_readable_files(findings, folder)]
    if not environment.current().database_url:
        found += _shared_file_system(findings, folder)
    yield from found
    if not found:
        yield findings.ok(f"{folder} belongs to this user, and nobody else can read it.")


def _foreign_files(findings: Findings, folder: Path) -> Iterator[Finding]:
    owner = folder.stat().st_uid
    foreign = [path for path in _entries(folder) if path.lstat().st_uid != owner]
    if foreign:
        name = name_of_user(owner)
        yield findings.broken(
            "foreign-files",
            f"Files in the data folder belong to another user than the folder ({_named(foreign)}), "
            f"so the server may not be able to use them. Run: chown -R {name} {folder}",
        )


def _readable_files(findings: Findings, folder: Path) -> Iterator[Finding]:
    if folder.stat().st_mode & _OTHERS:
        yield findings.warning(
            "folder-readable", f"Other users can look into the data folder. Run: chmod 700 {folder}"
        )
        readable = [path for path in _entries(folder) if _is_readable_by_others(path)]
        if readable:
            yield findings.broken(
                "files-readable",
                f"Other users can read {_named(readable)}. Run: chmod -R go= {folder}",
            )


def _is_readable_by_others(path: Path) -> bool:
    facts = path.lstat()
    return stat.S_ISREG(facts.st_mode) and bool(facts.st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _entries(folder: Path) -> list[Path]:
    """Return the files directly in the data folder, which are all that matter: not the caches."""
    return sorted(folder.iterdir())


def _named(paths: list[Path]) -> str:
    names = ", ".join(path.name for path in paths[:_NAMES_SHOWN])
    more = len(paths) - _NAMES_SHOWN
    return f"{names} and {more} more" if more > 0 else names


def _shared_file_system(findings: Findings, folder: Path) -> Iterator[Finding]:
    kind = file_system_of(folder)
    if kind in _SHARED:
        yield findings.broken(
            "network-file-system",
            f"The data folder is on a network file system ({kind}), where SQLite loses data. Move "
            "it to a local disk, or use PostgreSQL (BILLHOOK_DATABASE_URL).",
        )


def file_system_of(folder: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the kind of file system that *folder* is on, or an empty text if it is unknown."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    kinds: dict[str, str] = {}
    for line in lines:
        mounted, _, source = line.partition(" - ")
        kinds[mounted.split()[4]] = source.split()[0]
    above = (str(path) for path in (folder.resolve(), *folder.resolve().parents))
    return next((kinds[path] for path in above if path in kinds), "")


def check_disk(folder: Path) -> Iterator[Finding]:
    """Check the room in the data folder and in the folder for temporary files."""
    findings = Findings(check="disk")
    temporary = Path(tempfile.gettempdir())
    for place, path in (("data folder", folder), ("folder for temporary files", temporary)):
        yield _room(findings, place, path)
    yield from _room_for_temporary_files(findings, temporary)


def _room(findings: Findings, place: str, path: Path) -> Finding:
    facts = os.statvfs(path)
    free = facts.f_bavail * facts.f_frsize
    room = f"{free / 1e9:.1f} GB free in the {place} {path}"
    if facts.f_files and facts.f_favail < _FEW_FILES:
        return findings.broken(
            "no-files-left", f"The {place} {path} can hold {facts.f_favail} more files. Make room."
        )
    if free < _TOO_LITTLE:
        return findings.broken("disk-full", f"{room}: too little to go on. Make room now.")
    if free < _LITTLE:
        return findings.warning("disk-nearly-full", f"{room}. Make room soon.")
    return findings.ok(f"{room}.")


def _room_for_temporary_files(findings: Findings, folder: Path) -> Iterator[Finding]:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"1")
    except OSError as error:
        yield findings.broken(
            "no-temporary-files",
            f"No temporary file can be written in {folder} ({error.strerror}), so large documents "
            "fail. Make it writable, or name another folder in TMPDIR.",
        )
