"""A sample of a list: where its rows may be, and the fields and values of the first of them.

For a person who doesn't know the paths yet. It is read in a reader process, like a page.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.effort import UNBOUNDED
from billhook.engine.answer.formats.json_text import exact
from billhook.engine.answer.reading import PLAIN, Reading
from billhook.engine.errors import DocumentNotFound, SourceStatus
from billhook.engine.tokens.values import Values

JSON: Final = "json"
XML: Final = "xml"
CSV: Final = "csv"
ROWS: Final = 1_000
"""So many rows are looked into: a status may be rare."""
MAX_FIELDS: Final = 150
"""So many fields are found at most, and as many lists of rows."""
MAX_VALUES: Final = 20
_LONGEST: Final = 200
_DEEPEST: Final = 5
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DELIMITERS: Final = (";", "\t", "|", ",")
_FAILED: Final = 500


TakenSample = tuple[
    str,
    list[tuple[str, int]],
    tuple[str, int] | None,
    list[tuple[str, str, list[str]]],
    dict[str, str],
    str,
    str,
]
"""A sample as plain values, as it comes from a reader process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleField:
    """One field of the rows: its path in a row, and the different texts that were found."""

    kind: str
    path: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsFound:
    """A place where rows may be: its path, and their number."""

    path: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSample:
    """The sample of a response. ``form`` is json, xml or csv; ``chosen`` is one of ``found``.

    ``namespaces`` are the prefixes in the paths of XML. ``delimiter`` and ``encoding`` are those of
    a CSV file.
    """

    form: str
    found: tuple[RowsFound, ...]
    chosen: RowsFound | None
    fields: tuple[SampleField, ...]
    namespaces: dict[str, str] = field(default_factory=dict)
    delimiter: str = ""
    encoding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReading:
    """Takes a sample. ``wanted`` is the path of the rows, if a person has chosen it."""

    wanted: str = ""
    response: Reading = PLAIN

    @property
    def weight(self) -> float:
        """The effort of reading it, which grows with the response: it is done apart."""
        return UNBOUNDED

    @property
    def tokens(self) -> tuple[str, ...]:
        """The names of the tokens that its paths use."""
        return self.response.plan_for(_FAILED).tokens

    def take(self, content: Content, values: Values) -> TakenSample:
        """Return the sample of *content*, for :func:`sample_of`.

        Raises the error of a response that isn't a success, and Unreadable for one without rows.
        """
        try:
            self.response.take(content, values)
        except DocumentNotFound as error:  # a list is always there, if only empty
            failure = SourceStatus(content.status)
            failure.source_reason = error.source_reason
            raise failure from None
        return _plain(self._sample(content))

    def _sample(self, content: Content) -> ListSample:
        start = content.text().lstrip("\ufeff \t\r\n")[:1]
        if start and start in "{[":
            return _of_json(content.json(), self.wanted)
        if start == "<":
            return _of_xml(content.xml(), self.wanted)
        return _of_csv(content)


def _plain(sample: ListSample) -> TakenSample:
    return (
        sample.form,
        [(each.path, each.count) for each in sample.found],
        (sample.chosen.path, sample.chosen.count) if sample.chosen else None,
        [(each.kind, each.path, list(each.texts)) for each in sample.fields],
        sample.namespaces,
        sample.delimiter,
        sample.encoding,
    )


def sample_of(taken: TakenSample) -> ListSample:
    """Return the sample that a reader process took."""
    form, found, chosen, fields, namespaces, delimiter, encoding = taken
    return ListSample(
        form=form,
        found=tuple(RowsFound(path=path, count=count) for path, count in found),
        chosen=RowsFound(path=chosen[0], count=chosen[1]) if chosen else None,
        fields=tuple(
            SampleField(kind=kind, path=path, texts=tuple(texts)) for kind, path, texts in fields
        ),
        namespaces=namespaces,
        delimiter=delimiter,
        encoding=encoding,
    )


def _choose(found: list[RowsFound], wanted: str) -> RowsFound | None:
    """Return the rows at the path *wanted*, or else most of them."""
    named = (each for each in found if each.path == wanted)
    return next(named, max(found, key=lambda each: each.count, default=None))


# JSON


def _of_json(document: Any, wanted: str) -> ListSample:
    lists = dict(_lists_in(document, "$", _DEEPEST))
    found = [RowsFound(path=path, count=len(rows)) for path, rows in lists.items()]
    chosen = _choose(found, wanted)
    rows = lists[chosen.path] if chosen else []
    return ListSample(
        form=JSON,
        found=tuple(found),
        chosen=chosen,
        fields=_fields(JSON, (_leaves(row, "$", _DEEPEST) for row in rows[:ROWS])),
    )


def _lists_in(value: Any, path: str, depth: int) -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists of objects in *value*, each with its path."""
    if isinstance(value, list):
        rows = [each for each in value if isinstance(each, dict)]
        if rows or not value:
            yield f"{path}[*]", rows
    elif isinstance(value, dict) and depth:
        for key, each in list(value.items())[:MAX_FIELDS]:
            yield from _lists_in(each, path + _step(key), depth - 1)


def _step(key: str) -> str:
    return f".{key}" if _NAME.fullmatch(key) else f"[{json.dumps(key)}]"


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each plain value in *value*; of a list, those of its first."""
    if isinstance(value, dict):
        for key, each in list(value.items())[:MAX_FIELDS] if depth else ():
            yield from _leaves(each, path + _step(key), depth - 1)
    elif isinstance(value, list):
        if value and depth:
            yield from _leaves(value[0], f"{path}[0]", depth - 1)
    else:
        yield path, _text(exact(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


# XML


def _of_xml(root: etree._Element, wanted: str) -> ListSample:
    prefixes = _prefixes(root)
    lists: dict[str, list[etree._Element]] = {}
    for element in root.iter(etree.Element):
        if len(element) and len(lists) < MAX_FIELDS:
            lists.setdefault(_way(element, prefixes), []).append(element)
    found = [
        RowsFound(path=path, count=len(rows)) for path, rows in lists.items() if rows[0] is not root
    ]
    chosen = _choose(found, wanted)
    rows = lists[chosen.path] if chosen else []
    return ListSample(
        form=XML,
        found=tuple(found),
        chosen=chosen,
        fields=_fields(XML, (_elements(row, "", prefixes, _DEEPEST) for row in rows[:ROWS])),
        namespaces={prefix: uri for uri, prefix in prefixes.items()},
    )


def _prefixes(root: etree._Element) -> dict[str, str]:
    """Return a prefix for each namespace of an element, as its own prefix where it has one."""
    found: dict[str, str] = {}
    for element in root.iter(etree.Element):
        name = etree.QName(element)
        if name.namespace and name.namespace not in found and len(found) < MAX_FIELDS:
            own = element.prefix
            free = own if own and own not in found.values() else f"n{len(found) + 1}"
            found[name.namespace] = free
    return found


def _tag(element: etree._Element, prefixes: dict[str, str]) -> str:
    name = etree.QName(element)
    prefix = prefixes.get(name.namespace or "")
    return f"{prefix}:{name.localname}" if prefix else name.localname


def _way(element: etree._Element, prefixes: dict[str, str]) -> str:
    above = [_tag(each, prefixes) for each in element.iterancestors()]
    return "/" + "/".join([*reversed(above), _tag(element, prefixes)])


def _elements(
    element: etree._Element, path: str, prefixes: dict[str, str], depth: int
) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each attribute, and of each element without others inside."""
    for name, text in element.attrib.items():
        if not str(name).startswith("{"):
            yield f"{path}@{name}", str(text)
    seen = set()
    for child in element.iterchildren(etree.Element):
        tag = _tag(child, prefixes)
        if tag in seen:
            continue
        seen.add(tag)
        if len(child) and depth:
            yield from _elements(child, f"{path}{tag}/", prefixes, depth - 1)
        elif not len(child):
            yield f"{path}{tag}", (child.text or "").strip()


# CSV


def _of_csv(content: Content) -> ListSample:
    text, encoding = _decoded(content)
    first = text.splitlines()[0] if text.strip() else ""
    if not first:
        raise Unreadable("The response is empty, so there are no rows to choose from.")
    delimiter = max(_DELIMITERS, key=first.count)
    if not first.count(delimiter):
        raise Unreadable("The response is neither JSON, nor XML, nor a CSV file with columns.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = [line for line in reader if line]
    except csv.Error:
        raise Unreadable("The CSV file can't be read: a quote has no end.") from None
    names, rows = lines[0], lines[1:]
    chosen = RowsFound(path="", count=len(rows))
    return ListSample(
        form=CSV,
        found=(chosen,),
        chosen=chosen,
        fields=_fields(CSV, (zip(names, row, strict=False) for row in rows[:ROWS])),
        delimiter=delimiter,
        encoding=encoding,
    )


def _decoded(content: Content) -> tuple[str, str]:
    data = content.body.read()
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("windows-1252", "replace"), "windows-1252"


def _fields(form: str, rows: Any) -> tuple[SampleField, ...]:
    """Return the fields of all *rows*, each with its different texts."""
    texts: dict[str, dict[str, None]] = {}
    for row in rows:
        for path, text in row:
            if path in texts or len(texts) < MAX_FIELDS:
                known = texts.setdefault(path, {})
                if text and len(known) < MAX_VALUES:
                    known[text[:_LONGEST]] = None
    kind = {JSON: "json", XML: "xpath", CSV: "column"}[form]
    return tuple(
        SampleField(kind=kind, path=path, texts=tuple(known)) for path, known in texts.items()
    )
