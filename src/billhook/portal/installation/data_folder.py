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


def _publish(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
    try:
        path.hardlink_to(draft)  # atomic, and it fails where another process was first
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def signing_key() -> str:
    """Return the key that signs sessions and forms."""
    key = environment.current().signing_key
    return key or read_or_make(SIGNING_KEY_FILE, lambda: secrets.token_urlsafe(64))
