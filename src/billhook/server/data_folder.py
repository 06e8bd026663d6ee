"""Makes the data folder ready before the server starts: writable here, closed to other users."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

import structlog

from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import SIGNING_KEY_FILE, data_path
from billhook.portal.integrations.crypto import KEY_FILE
from billhook.server.errors import CannotStart

log = structlog.get_logger("billhook.server")

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
START_LOCK: Final = "start.lock"
_OWN_FILES: Final = frozenset({"billhook.sqlite3", SIGNING_KEY_FILE, KEY_FILE, START_LOCK})
_OF_FILE_SYSTEM: Final = frozenset({"lost+found"})


def check_data_folder() -> None:
    """Make the data folder if it doesn't exist, and let only its owner read it and its files.

    Raises:
        CannotStart: with a sentence, if it can't be written to, or others can read it and that
            can't be changed.
    """
    folder = environment.current().data_dir
    require_writable_folder()
    _close_folder(folder)
    for entry in folder.iterdir():
        _close_entry(entry)


def require_writable_folder() -> None:
    """Make the data folder if it doesn't exist.

    Raises:
        CannotStart: with a sentence, if it can't be written to.
    """
    folder = environment.current().data_dir
    try:
        probe = data_path(f".writable-{os.getpid()}")
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError:
        raise CannotStart(
            f"The data folder {folder} can't be written to. Let this user write there, "
            "or choose another with --data-dir or BILLHOOK_DATA_DIR."
        ) from None


def _close_folder(folder: Path) -> None:
    """Close *folder*, unless that could shut others out of files that aren't Billhook's.

    Somebody may have named /tmp, or a folder that other programs use.
    """
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not mode & OTHERS:
        return
    names = {entry.name for entry in folder.iterdir()} - _OF_FILE_SYSTEM
    if names and not names & _OWN_FILES:
        raise CannotStart(
            f"Other users can read the data folder {folder}, and it contains files that aren't "
            "Billhook's. Choose a new folder with --data-dir or BILLHOOK_DATA_DIR, or run: "
            f"chmod 700 {folder}"
        )
    with contextlib.suppress(PermissionError):
        folder.chmod(mode & ~OTHERS)
    # Where the folder is another user's, this user may come in by its group, as in Kubernetes.
    if folder.stat().st_mode & stat.S_IRWXO:
        raise CannotStart(
            f"Other users can read the data folder {folder}, and this user can't change that. "
            f"Run as its owner: chmod o= {folder}"
        )
    log.warning("data-folder-closed", mode_before=f"{mode:04o}")


def _close_entry(entry: Path) -> None:
    """Close a file or folder in the data folder, if it is this user's; a link stays as it is."""
    with contextlib.suppress(FileNotFoundError):  # another process that starts has removed it
        facts = entry.lstat()
        is_own = facts.st_uid == os.geteuid() and not stat.S_ISLNK(facts.st_mode)
        if is_own and facts.st_mode & OTHERS:
            entry.chmod(stat.S_IMODE(facts.st_mode) & ~OTHERS)
