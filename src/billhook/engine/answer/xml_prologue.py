"""The prologue of XML and HTML: what may come before the first element, skipped in linear time.

A regular expression for all of it backtracks: 4 KB could take seconds.
"""

from __future__ import annotations

import re
from typing import Final

_SPACE: Final = re.compile(r"\s*")
_DOCTYPE: Final = re.compile(r"<!doctype\s+(?!html)", re.IGNORECASE)
_DOCTYPE_END: Final = re.compile(r"[\[>]")
_SUBSET_END: Final = re.compile(r"\]\s*>")
_ENDS: Final = (("<?", "?>"), ("<!--", "-->"))


def end_of_prologue(text: str) -> int:
    """Return where the first element of *text*, or HTML's document type, begins.

    What comes before it are declarations, comments, other document types and white space; one of
    those that doesn't end counts as the beginning.
    """
    at = 0
    while True:
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        end = _end_of_item(text, at)
        if end is None:
            return at
        at = end


def _end_of_item(text: str, at: int) -> int | None:
    for begin, end_mark in _ENDS:
        if text.startswith(begin, at):
            end = text.find(end_mark, at + len(begin))
            return None if end < 0 else end + len(end_mark)
    begun = _DOCTYPE.match(text, at)
    found = _DOCTYPE_END.search(text, begun.end()) if begun else None
    if found is not None and found[0] == "[":
        found = _SUBSET_END.search(text, found.end())
    return None if found is None else found.end()
