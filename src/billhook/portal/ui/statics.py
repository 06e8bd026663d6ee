"""The files that pages need: where they lie, and a version that changes when one of them does."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

STATIC_FOLDER: Final = Path(__file__).parents[1] / "static"


@cache
def static_version() -> str:
    """Return a digest of all files for their URLs, so that they can be cached forever."""
    digest = hashlib.sha256()
    for file in sorted(STATIC_FOLDER.rglob("*")):
        if file.is_file():
            digest.update(str(file.relative_to(STATIC_FOLDER)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def is_immutable(_path: str, _url: str) -> bool:
    """Return True: a static file never changes under its URL, which contains the version."""
    return True
