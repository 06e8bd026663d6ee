"""A file's name that came from outside, made safe: for a header, a disk, and people's eyes."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_NAME: Final = 120
"""Characters before the extension."""
_LONGEST_EXTENSION: Final = 5
_SEPARATORS: Final = re.compile(r"[/\\]")
_RESERVED: Final = re.compile(r'[<>:"|?*]')
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def safe_name(text: str, extension: str) -> str | None:
    """Return the last part of *text* as a name that ends with *extension*, or None if none is left.

    Folders, control characters and those that turn the direction of writing are dropped, so that
    what people see is what they get (CWE-22, CWE-451). The bytes decide about the extension.
    """
    name = unicodedata.normalize("NFC", _SEPARATORS.split(text.strip())[-1])
    name = _RESERVED.sub("_", "".join(filter(_is_visible, name)))
    stem, dot, ending = name.rpartition(".")
    stem = stem if dot and _is_extension(ending) else name
    stem = stem[:MAX_NAME].strip(" .")
    if not stem:
        return None
    return f"_{stem}.{extension}" if _DEVICES.fullmatch(stem) else f"{stem}.{extension}"


def _is_visible(sign: str) -> bool:
    return sign == " " or unicodedata.category(sign)[0] not in "CZ"


def _is_extension(ending: str) -> bool:
    """Say whether what follows the last dot is an extension rather than a part of the name."""
    fits = ending.isalnum() and ending.isascii() and len(ending) <= _LONGEST_EXTENSION
    return fits and not ending.isdecimal()
