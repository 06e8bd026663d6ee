"""The rows of a page: the nodes of a JSONPath, the elements of an XPath, or the lines of a CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lxml import etree

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.formats.charset import known_charset
from billhook.engine.answer.rows.row_path import JsonRowPath, RowPath, XmlRowPath, find_nodes

MAX_ROWS: Final = 200_000
"""The most rows of one page."""
_TOO_MANY: Final = f"The page has more than {MAX_ROWS:,} rows. Ask for fewer."
_LONGEST_FIELD: Final = 1_000_000


class RowPlace(Protocol):
    """The location of the rows in a page."""

    def rows(self, content: Content) -> Sequence[Any]:
        """Return the rows of the page; raise Unreadable where it isn't what is expected."""
        ...


@dataclass(frozen=True, slots=True)
class JsonRows:
    """The nodes that a JSONPath finds."""

    text: str

    def rows(self, content: Content) -> Sequence[Any]:
        """Return the objects of the page. A path ``…[*]`` whose list is missing finds none."""
        document = content.json()
        found = self._listed(document)
        rows = list(find_nodes(self.text, document)) if found is None else found
        if len(rows) > MAX_ROWS:
            raise Unreadable(_TOO_MANY)
        return rows

    def _listed(self, document: Any) -> list[Any] | None:
        """Return the items of the list that ``$.name[*]`` names, without walking each."""
        if not self.text.endswith("[*]"):
            return None
        value = JsonNode(self.text[:-3]).find(document)
        return value if isinstance(value, list) else None


@dataclass(frozen=True, slots=True)
class JsonNode:
    """One value at a JSONPath, as it is."""

    text: str

    def find(self, row: Any) -> Any:
        """Return the value, or None."""
        return next(iter(find_nodes(self.text, row)), None)


@dataclass(frozen=True, slots=True)
class XmlRows:
    """The elements that an XPath finds."""

    path: XmlRowPath

    def rows(self, content: Content) -> Sequence[Any]:
        """Return the elements of the page."""
        rows = self.path.find(content.xml())
        if not isinstance(rows, list) or any(not etree.iselement(row) for row in rows):
            raise Unreadable("The XPath of the rows must find elements, not texts or attributes.")
        if len(rows) > MAX_ROWS:
            raise Unreadable(_TOO_MANY)
        return rows


@dataclass(frozen=True, slots=True)
class CsvRows:
    """The lines of a CSV file."""

    delimiter: str
    header: bool
    encoding: str
    quote: str

    def rows(self, content: Content) -> Sequence[Any]:
        """Return each line as a table, by the name of the column.

        Raises Unreadable, with the number of the line, where a line has another number of fields.
        """
        lines = self._lines(_decoded(content, self.encoding))
        if not lines:
            if self.header:
                raise Unreadable(
                    "The file is empty. Its first line should have the columns' names."
                )
            return []
        width = len(lines[0][1])
        names = lines[0][1] if self.header else [str(number + 1) for number in range(width)]
        _check_names(names)
        rows = []
        for number, fields in lines[1:] if self.header else lines:
            if len(fields) != width:
                raise Unreadable(
                    f"Line {number} of the file has {len(fields)} fields, and {width} are expected."
                )
            rows.append(dict(zip(names, fields, strict=True)))
        return rows

    def _lines(self, text: str) -> list[tuple[int, list[str]]]:
        csv.field_size_limit(_LONGEST_FIELD)
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            strict=True,
        )
        lines = []
        try:
            for fields in reader:
                if fields:
                    lines.append((reader.line_num, fields))
                if len(lines) > MAX_ROWS:
                    raise Unreadable(_TOO_MANY)
        except csv.Error:
            raise Unreadable(
                f"Line {reader.line_num} of the file can't be read: a quote has no end, or a "
                "field is too long."
            ) from None
        return lines


def _decoded(content: Content, encoding: str) -> str:
    data = content.body.read()
    charset = known_charset(encoding) or "utf-8"
    try:
        return data.decode("utf-8-sig" if charset == "utf-8" else charset).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            f"Line {line} of the file isn't in {encoding}. Name its charset in rows.csv.encoding."
        ) from None


def _check_names(names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Unreadable(f'The file has {Counter(names)[twice[0]]} columns "{twice[0]}".')


def inner_rows(path: RowPath, row: Any) -> Sequence[Any]:
    """Return the rows within *row*: the nodes or elements that *path* finds."""
    if isinstance(path, JsonRowPath):
        return list(find_nodes(path.text, row))[:MAX_ROWS]
    found = path.find(row) if isinstance(path, XmlRowPath) else []
    return [each for each in found if etree.iselement(each)] if isinstance(found, list) else []
