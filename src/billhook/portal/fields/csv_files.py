"""CSV files that Billhook writes: every spreadsheet opens them, and computes nothing of them.

A text that a spreadsheet would take for a formula is written with an apostrophe in front (the
remedy that OWASP describes as CSV injection); an import reads it without. That may be a whole cell,
or a part of one: where lists have semicolons, a spreadsheet divides ``"A","x;=1+1;y"`` at them.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

_PIECE: Final = 64 * 1024
"""Characters from which on a piece is given away."""
_SIGNS: Final = "=+\\-@＝＋－＠"
_WHOLE: Final = re.compile(rf"[{_SIGNS}\t\r\n]")
_PART: Final = re.compile(rf"(?<=[;\t\r\n])(?=[{_SIGNS}])")
_GUARDED: Final = re.compile(rf"'(?=[{_SIGNS}\t\r\n0-9])")
_GUARDED_PART: Final = re.compile(rf"(?<=[;\t\r\n])'(?=[{_SIGNS}])")


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV file that every spreadsheet opens, with no cell that it would compute."""
    return b"".join(chunks_of_table(header, rows))


def chunks_of_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Give the file of :func:`write_table` in chunks, while *rows* are read."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    yield codecs.BOM_UTF8
    for row in chain([header], rows):
        writer.writerow([guarded(cell) for cell in row])
        if written.tell() >= _PIECE:
            yield _taken_from(written)
    yield _taken_from(written)


def _taken_from(written: io.StringIO) -> bytes:
    text = written.getvalue()
    written.seek(0)
    written.truncate()
    return text.encode()


def guarded(cell: str) -> str:
    """Return *cell* so that no spreadsheet takes it, or a part of it, for a formula."""
    is_number = cell.lstrip("-").replace(".", "", 1).isdigit() and not cell.startswith("--")
    if is_number:
        return cell
    safe = _PART.sub("'", cell)
    return f"'{safe}" if _WHOLE.match(safe) else safe


def without_guard(cell: str) -> str:
    """Return a cell as it was before :func:`guarded`. Excel's users write 00123 as '00123, too."""
    return _GUARDED_PART.sub("", _GUARDED.sub("", cell, count=1) if cell[:1] == "'" else cell)
