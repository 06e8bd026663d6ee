"""File names that are safe in a header, on a disk and for people's eyes."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_NAME: Final = 120
"""Characters before the extension."""
MAX_STEM: Final = 80
"""Characters of a name derived from an invoice's number, before the extension."""
_LONGEST_EXTENSION: Final = 5
_UNSAFE: Final = re.compile(r"[^\w.-]+")
"""All but letters, digits and ``_ . -``: no path, no quote, no control or direction character."""
_SEPARATORS: Final = re.compile(r"[/\\]")
_RESERVED: Final = re.compile(r'[<>:"|?*]')
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def safe_name(text: str, extension: str) -> str | None:
    """Return *text* as a name that ends with *extension*, or None if none is left.

    INV/2026/7 becomes INV-2026-7; of a path or URL, only the last part counts. Control characters
    and those that turn the direction of writing are dropped, so that what people see is what they
    get (CWE-22, CWE-451). The bytes decide about the extension.
    """
    name = unicodedata.normalize("NFC", _without_folders(text.strip()))
    name = _RESERVED.sub("_", "".join(filter(_is_visible, name)))
    stem, dot, ending = name.rpartition(".")
    stem = stem if dot and _is_extension(ending) else name
    stem = stem[:MAX_NAME].strip(" .")
    if not stem:
        return None
    return f"_{stem}.{extension}" if is_device(stem) else f"{stem}.{extension}"


def _without_folders(text: str) -> str:
    """Return the last part of a path; slashes inside the number of an invoice become hyphens.

    INV/2026/7 and INV/2026/7.pdf are numbers, invoices/INV-7.pdf is a path.
    """
    parts = _SEPARATORS.split(text)
    stem, dot, ending = parts[-1].rpartition(".")
    is_file = bool(dot) and _is_extension(ending) and any(map(str.isalpha, stem))
    is_path = is_file or "\\" in text or not {"", ".", ".."}.isdisjoint(parts)
    return parts[-1] if is_path else "-".join(parts)


def safe_stem(text: str) -> str:
    """Return *text* as a file name without its extension; empty if no character may stay.

    Letters, digits, ``.``, ``-`` and ``_`` stay; all others, path separators and control characters
    included, become ``-``. It neither starts nor ends with a dot.
    """
    return _UNSAFE.sub("-", unicodedata.normalize("NFC", text))[:MAX_STEM].strip(".-")


def is_device(stem: str) -> bool:
    """Say whether Windows takes a file of this name for a device, whatever its extension."""
    return _DEVICES.fullmatch(stem) is not None


def _is_visible(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"


def _is_extension(ending: str) -> bool:
    """Say whether what follows the last dot is an extension rather than a part of the name."""
    fits = ending.isalnum() and ending.isascii() and len(ending) <= _LONGEST_EXTENSION
    return fits and not ending.isdecimal()
