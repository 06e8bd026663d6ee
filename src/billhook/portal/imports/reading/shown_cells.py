"""Cells of an XLSX file that show something else than the number that they store.

Excel shows 123 with the format ``00000`` as 00123, and with ``"RE-"0000`` as RE-0123: that is the
number that people mean. And it shows a formula that failed as ``#N/A``.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lxml import etree

_FORMAT: Final = re.compile(r'(?:"[^"]*"|\\.|[-/ :+()_]|0)+')
"""A format of digits and literal characters alone."""
_PART: Final = re.compile(r'"([^"]*)"|\\(.)|([-/ :+()_])|(0)')
_WHOLE: Final = re.compile(r"[0-9]{1,15}(?:\.0*)?")
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_ROOT: Final = "xl/workbook.xml"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Shown = dict[tuple[int, int], str]
"""Texts by line and column, both counted from 0."""


class ShownCells:
    """The cells of one XLSX file that show another text; none in files of other kinds."""

    def __init__(self, content: bytes) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(content)) if content[:2] == b"PK" else None
        is_xlsx = self._archive is not None and _ROOT in self._archive.namelist()
        self._formats = self._read_formats() if is_xlsx else {}
        self._parts = self._read_parts() if is_xlsx else {}

    def of_sheet(self, name: str) -> Shown:
        """Return the cells of the sheet *name* that show another text."""
        if name not in self._parts:
            return {}
        data = self._read(self._parts[name])
        if not self._formats and b't="e"' not in data:
            return {}
        return dict(self._cells(data))

    def _cells(self, data: bytes) -> Iterator[tuple[tuple[int, int], str]]:
        for cell in _elements(data, "c"):
            place = _REFERENCE.fullmatch(cell.get("r", ""))
            text = self._text(cell.get("t", "n"), cell.get("s", ""), cell.findtext("{*}v") or "")
            if place and text:
                yield (int(place[2]) - 1, _column(place[1])), text
            cell.clear()

    def _text(self, kind: str, style: str, value: str) -> str:
        if kind == "e":
            return value
        if kind != "n" or style not in self._formats or not _WHOLE.fullmatch(value):
            return ""
        return shown_number(value.partition(".")[0], self._formats[style])

    def _read_formats(self) -> Mapping[str, str]:
        """Return the formats of digits and literals, by the number of the style of a cell."""
        data = self._read("xl/styles.xml")
        codes = {
            each.get("numFmtId"): each.get("formatCode", "") for each in _elements(data, "numFmt")
        }
        styles = next(_elements(data, "cellXfs"), None)
        listed = [] if styles is None else styles.findall("{*}xf")
        formats = {str(n): codes.get(each.get("numFmtId"), "") for n, each in enumerate(listed)}
        return {n: code for n, code in formats.items() if changes_number(code)}

    def _read_parts(self) -> dict[str, str]:
        """Return the names of the parts with the sheets, by the names of these."""
        relations = _elements(self._read("xl/_rels/workbook.xml.rels"), "Relationship")
        targets = {each.get("Id"): each.get("Target", "") for each in relations}
        return {
            sheet.get("name", ""): _path(targets.get(sheet.get(_RELATION), ""))
            for sheet in _elements(self._read(_ROOT), "sheet")
        }

    def _read(self, name: str) -> bytes:
        try:
            return self._archive.read(name) if self._archive else b""
        except KeyError:
            return b""


def changes_number(code: str) -> bool:
    """Return whether a number with the format *code* shows more than its own digits."""
    return code != "0" and "0" in code and _FORMAT.fullmatch(code) is not None


def shown_number(digits: str, code: str) -> str:
    """Return *digits* as the format *code* shows them."""
    parts = list(_PART.finditer(code))
    count = sum(part[4] is not None for part in parts)
    padded = digits.zfill(count)
    waiting = iter([padded[: len(padded) - count + 1], *padded[len(padded) - count + 1 :]])
    return "".join(
        next(waiting) if part[4] else next((text for text in part.groups() if text), "")
        for part in parts
    ).strip()


def _elements(data: bytes, name: str) -> Iterator[Any]:
    """Yield the elements with a local *name*; none of something that isn't XML."""
    try:
        for _, element in etree.iterparse(
            io.BytesIO(data), tag=f"{{*}}{name}", resolve_entities=False, no_network=True
        ):
            yield element
    except etree.XMLSyntaxError:
        return


def _path(target: str) -> str:
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _column(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1
