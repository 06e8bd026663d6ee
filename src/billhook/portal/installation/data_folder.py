"""The data folder: its files are created on first use, and only its owner may read them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from billhook.portal.installation import environment

SIGNING_KEY_FILE: Final = "signing.key"


def data_path(name: str) -> Path:
    """Return the path of *name* in the data folder, which is created if it doesn't exist."""
    folder = environment.current().data_dir
    make_folder(folder)
    return folder / name


def make_folder(folder: Path) -> None:
    """Make *folder*, readable by its owner only. One that exists is left as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def read_or_make(name: str, make: Callable[[], str]) -> str:
    """Return the text of the file *name* in the data folder; the first to ask makes it.

    Several processes may start at once: all of them get the same text.
    """
    path = data_path(name)
    if not path.exists():
        _publish(path, make())
    return path.read_text(encoding="ascii").strip()


def replace_file(name: str, text: str) -> None:
    """Write *text* to the file *name* at once, and to disk: a reader finds the old or the new text.

    A power cut after this returns doesn't bring the old text back.
    """
    path = data_path(name)
    _write_draft(path, text).replace(path)
    _flush_folder(path.parent)


def _publish(path: Path, text: str) -> None:
    draft = _write_draft(path, text + "\n")
    try:
        path.hardlink_to(draft)  # atomic, and it fails where another process was first
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _flush_folder(path.parent)


def _write_draft(path: Path, text: str) -> Path:
    """Write *text* to a file of its own in the folder of *path*, flushed and for its owner only."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _flush_folder(folder: Path) -> None:
    """Flush the names in *folder*: without that, a power cut may undo the making of a file."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def signing_key() -> str:
    """Return the key that signs sessions and forms."""
    key = environment.current().signing_key
    return key or read_or_make(SIGNING_KEY_FILE, lambda: secrets.token_urlsafe(64))
