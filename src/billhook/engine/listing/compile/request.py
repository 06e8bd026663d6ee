"""Compiles one paged request of a list: its rows, its pages and its question what changed."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from billhook.engine.answer.formats.charset import known_charset
from billhook.engine.answer.reading import PLAIN
from billhook.engine.answer.rows.page import PageReading
from billhook.engine.answer.rows.row_list import CsvRows, JsonRows, RowPlace, XmlRows
from billhook.engine.answer.rows.row_path import JsonRowPath, RowPath, XmlRowPath
from billhook.engine.command.command import Command
from billhook.engine.config import StepConfig
from billhook.engine.list_config import (
    CHANGE_KINDS,
    PAGE_KINDS,
    PARAM_PLACES,
    ChangesConfig,
    CsvConfig,
    InnerRowsConfig,
    ListCommandConfig,
    PagesConfig,
    PassConfig,
    RowsConfig,
)
from billhook.engine.listing.compile.map import (
    MapDraft,
    compile_map,
    read_format,
    read_zone_of,
)
from billhook.engine.listing.compile.row_scope import COLUMN, JSON, XPATH, RowScope
from billhook.engine.listing.field_map import TIME, FieldMap
from billhook.engine.listing.listing import ChangeFilter, ListRequest, Paging, Param
from billhook.engine.listing.mapper import CONTACTS, RowMapper
from billhook.engine.listing.paging.json_place import read_json_place
from billhook.engine.listing.values.durations import read_duration
from billhook.engine.listing.values.times import NAMED
from billhook.engine.tokens.text import Scope

POSITION_TOKENS: Final = {
    "number": "PageNumber",
    "offset": "Offset",
    "last-id": "LastId",
    "token": "PageToken",
}
"""The token that carries the position, by the kind of pages."""
SINCE: Final = "ChangedSince"
UNTIL: Final = "ChangedUntil"
SIZE: Final = "PageSize"
MAX_SIZE: Final = 100_000
MAX_PAGES: Final = 1_000_000
_OVERLAP: Final = timedelta(minutes=10)
_OVERLAP_OF_DAYS: Final = timedelta(days=2)
_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestParts:
    """One paged request as typed, of the command itself or of a pass, and the places of its keys.

    ``step`` is the paged step, ``uses`` the tokens in its texts, without those of earlier steps.
    """

    config: ListCommandConfig
    rows: RowsConfig | None
    rows_where: str
    pages: PagesConfig
    pages_where: str
    changes: ChangesConfig
    changes_where: str
    step: StepConfig
    where: str

    @staticmethod
    def of_command(config: ListCommandConfig, where: str) -> RequestParts:
        """Return the command's own request."""
        return RequestParts(
            config=config,
            rows=config.rows,
            rows_where=f"{where}.rows",
            pages=config.pages,
            pages_where=f"{where}.pages",
            changes=config.changes,
            changes_where=f"{where}.changes",
            step=config.steps[-1],
            where=where,
        )

    def of_pass(self, config: PassConfig, where: str, step: StepConfig) -> RequestParts:
        """Return the request of a pass: what it doesn't give is the command's own."""
        rows, pages, changes = config.rows, config.pages, config.changes
        return RequestParts(
            config=self.config,
            rows=self.rows if rows is None else rows,
            rows_where=self.rows_where if rows is None else f"{where}.rows",
            pages=self.pages if pages is None else pages,
            pages_where=self.pages_where if pages is None else f"{where}.pages",
            changes=self.changes if changes is None else changes,
            changes_where=self.changes_where if changes is None else f"{where}.changes",
            step=step,
            where=where,
        )


def compile_request(
    parts: RequestParts, command: Command, kind: str, scope: Scope, currency: str
) -> tuple[ListRequest, RowScope]:
    """Compile *parts*, whose web request is *command*; problems are in the scope returned."""
    rows = RowScope(kind=_kind_of(parts.rows), scope=scope)
    uses = frozenset(command.steps[-1].uses)
    maps = compile_map(parts.config.map, kind, rows, f"commands.{parts.config.name}.map")
    inner = _compile_inner(parts, kind, rows)
    paging = _compile_paging(parts, rows, uses)
    changes, changed = _compile_changes(parts, rows, uses, maps)
    reading = _compile_reading(parts, rows, maps, inner)
    mapper = RowMapper(
        kind,
        maps.maps,
        inner=None if inner is None else inner[1].maps,
        change=None if changed is None else changed[1],
        currency=currency,
    )
    reading = replace(
        reading,
        changed=None if changed is None else changed[0],
        response=command.steps[-1].reading or PLAIN,
    )
    request = ListRequest(
        command=command, reading=reading, mapper=mapper, paging=paging, changes=changes
    )
    return request, rows


def _kind_of(config: RowsConfig | None) -> str:
    if config is None or config.csv is None:
        return JSON if config is None or config.path is None else config.path.kind
    return COLUMN


# Rows


def _compile_reading(
    parts: RequestParts,
    rows: RowScope,
    maps: MapDraft,
    inner: tuple[RowPath, MapDraft] | None,
) -> PageReading:
    config, where = parts.rows or RowsConfig(), parts.rows_where
    pages, pages_where = parts.pages, parts.pages_where
    record = None
    if config.record is not None and rows.kind != COLUMN:
        record = rows.path(config.record, f"{where}.record")
    elif config.record is not None:
        rows.report("misplaced-key", "A line of a CSV file has no record.", f"{where}.record")
    total = pages.total
    return PageReading(
        rows=_row_list(parts.rows, rows, where),
        taking=maps.taking,
        record=record if isinstance(record, JsonRowPath | XmlRowPath) else None,
        include_when=rows.conditions(config.include_when, f"{where}.include_when"),
        removed_when=rows.conditions(config.removed_when, f"{where}.removed_when"),
        id=None if pages.id is None else rows.path(pages.id, f"{pages_where}.id"),
        inner=None if inner is None else (inner[0], inner[1].taking),
        empty_when=rows.page_conditions(
            parts.config.empty_when, f"commands.{parts.config.name}.empty_when"
        ),
        more_when=rows.page_conditions(pages.more_when, f"{pages_where}.more_when"),
        next=rows.page_path(pages.next, f"{pages_where}.next"),
        total=None if total is None else rows.page_path(total.path, f"{pages_where}.total"),
    )


def _row_list(config: RowsConfig | None, rows: RowScope, where: str) -> RowPlace:
    nothing = JsonRows("$[*]")
    if config is None:
        message = '"rows" is missing: it says where the rows of a page are. rows = "$.data[*]"'
        rows.report("missing-key", message, where)
        return nothing
    if (config.path is None) == (config.csv is None):
        message = "Rows are at a json or xpath, or the lines of a csv. Give one of them."
        rows.report("missing-key", message, where)
        return nothing
    if config.csv is not None:
        return _csv_rows(config.csv, rows, f"{where}.csv")
    assert config.path is not None  # noqa: S101 - one of the two is there; for mypy
    if config.path.kind not in {JSON, XPATH}:
        rows.report("path-kind", "Rows are at a json or an xpath.", where)
        return nothing
    path = rows.whole_path(config.path, where)
    if isinstance(path, XmlRowPath):
        return XmlRows(path)
    return JsonRows(path.text) if isinstance(path, JsonRowPath) else nothing


def _csv_rows(config: CsvConfig, rows: RowScope, where: str) -> CsvRows:
    if len(config.delimiter) != 1 or config.delimiter in "\r\n":
        rows.report("invalid-value", "The delimiter is one sign, such as ;.", f"{where}.delimiter")
    if len(config.quote) > 1 or config.quote == config.delimiter:
        message = 'The quote is one sign, such as ", or nothing.'
        rows.report("invalid-value", message, f"{where}.quote")
    if known_charset(config.encoding) is None:
        message = f'There is no charset "{config.encoding}". Write utf-8 or windows-1252, say.'
        rows.report("unknown-choice", message, f"{where}.encoding")
    return CsvRows(
        delimiter=config.delimiter[:1] or ",",
        header=config.header,
        encoding=config.encoding,
        quote=config.quote[:1],
    )


def _compile_inner(
    parts: RequestParts, kind: str, rows: RowScope
) -> tuple[RowPath, MapDraft] | None:
    config: InnerRowsConfig | None = parts.config.map.contacts if parts.config.map else None
    if config is None:
        return None
    where = f"commands.{parts.config.name}.map.contacts"
    if kind != "customers" or rows.kind == COLUMN:
        message = "Contacts within a row belong to the rows of ListCustomers, in JSON or XML."
        rows.report("misplaced-key", message, where)
        return None
    path = rows.path(config.path, where)
    draft = compile_map(config.map, CONTACTS, rows, f"{where}.map")
    return None if path is None else (path, draft)


# Pages


def _compile_paging(parts: RequestParts, rows: RowScope, uses: Collection[str]) -> Paging:
    config, where = parts.pages, parts.pages_where
    rows.check_choice(config.kind, PAGE_KINDS, f"{where}.kind")
    rows.check_choice(config.in_, PARAM_PLACES, f"{where}.in")
    rows.check_choice(config.last_page, ("empty", "short"), f"{where}.last_page")
    if config.total is not None:
        rows.check_choice(config.total.of, ("rows", "pages"), f"{where}.total.of")
    _check_position(config, rows, uses, where)
    _check_misplaced(config, rows, uses, where)
    _check_numbers(config, rows, where)
    is_offset = config.kind == "offset"
    return Paging(
        kind=config.kind,
        size=config.size,
        first=(0 if is_offset else 1) if config.first_page is None else config.first_page,
        max_pages=config.max_pages,
        position=_param(config.param, config.in_, parts, rows, f"{where}.param"),
        size_param=_param(config.size_param, config.in_, parts, rows, f"{where}.size_param"),
        last_page=config.last_page,
        total_is_pages=config.total is not None and config.total.of == "pages",
        has_total=config.total is not None,
        has_more_when=bool(config.more_when),
        has_next=config.next is not None,
    )


def _check_position(config: PagesConfig, rows: RowScope, uses: Collection[str], where: str) -> None:
    """Report pages of which the request or the response doesn't say the position."""
    token = POSITION_TOKENS.get(config.kind)
    if token is not None and not config.param and token not in uses:
        message = (
            f'Nothing carries the position. Name its parameter, param = "…", or write '
            f"{{{{{token}}}}} in the URL or body."
        )
        rows.report("missing-key", message, f"{where}.param")
    if token is not None and config.param and token in uses:
        message = f"The position is in param and in {{{{{token}}}}}. Keep one of them."
        rows.report("misplaced-key", message, f"{where}.param")
    if config.kind in {"token", "next-url"} and config.next is None:
        message = f'Say where the next {config.kind.removeprefix("next-")} is: next = "$.next".'
        rows.report("missing-key", message, f"{where}.next")


def _check_misplaced(
    config: PagesConfig, rows: RowScope, uses: Collection[str], where: str
) -> None:
    """Report what another kind of pages has."""
    kind = config.kind
    for other, token in POSITION_TOKENS.items():
        if token in uses and other != kind:
            message = f'{{{{{token}}}}} goes with pages of the kind "{other}".'
            rows.report("misplaced-key", message, f"{where}.kind", other)
    if config.param and kind not in POSITION_TOKENS:
        message = f'Pages of the kind "{kind}" have no param. Remove it, or choose another kind.'
        rows.report("misplaced-key", message, f"{where}.param")
    if config.first_page is not None and kind not in {"number", "offset"}:
        message = 'first_page goes with the kinds "number" and "offset".'
        rows.report("misplaced-key", message, f"{where}.first_page")
    if config.next is not None and kind not in {"token", "next-url"}:
        message = 'next goes with the kinds "token" and "next-url".'
        rows.report("misplaced-key", message, f"{where}.next")
    if config.id is not None and kind != "last-id":
        message = 'id goes with the kind "last-id".'
        rows.report("misplaced-key", message, f"{where}.id")


def _check_numbers(config: PagesConfig, rows: RowScope, where: str) -> None:
    if not 1 <= config.size <= MAX_SIZE:
        message = f"size is a whole number from 1 to {MAX_SIZE:,}."
        rows.report("invalid-value", message, f"{where}.size")
    if not 1 <= config.max_pages <= MAX_PAGES:
        message = f"max_pages is a whole number from 1 to {MAX_PAGES:,}."
        rows.report("invalid-value", message, f"{where}.max_pages")
    if config.first_page is not None and config.first_page < 0:
        rows.report("invalid-value", "first_page is 0 or more.", f"{where}.first_page")


def _param(name: str, place: str, parts: RequestParts, rows: RowScope, where: str) -> Param | None:
    """Compile a parameter that Billhook adds."""
    if not name:
        return None
    if place == "json":
        _check_json(name, parts.step, rows, where)
    return Param(name=name, place=place)


def _check_json(name: str, step: StepConfig, rows: RowScope, where: str) -> None:
    if read_json_place(name) is None:
        message = 'In a JSON body, param is a plain path such as "$.filter.since".'
        rows.report("path-syntax", message, where)
    if step.method not in _BODY_METHODS or not _may_be_json(step.body):
        message = "The request has no JSON body in which this could be set. Give it one, or {}."
        rows.report("misplaced-key", message, where)


def _may_be_json(body: str) -> bool:
    """Say whether *body* is JSON, as far as it can be seen before its tokens are filled."""
    try:
        return isinstance(json.loads(body), dict | list)
    except RecursionError:
        return False
    except ValueError:
        return "{{" in body and body.lstrip()[:1] in {"{", "["}


# Changes


def _compile_changes(
    parts: RequestParts, rows: RowScope, uses: Collection[str], maps: MapDraft
) -> tuple[ChangeFilter, tuple[RowPath, FieldMap] | None]:
    config, where = parts.changes, parts.changes_where
    rows.check_choice(config.kind, CHANGE_KINDS, f"{where}.kind")
    rows.check_choice(config.in_, PARAM_PLACES, f"{where}.in")
    _check_question(config, rows, uses, where)
    changed = _change_field(config, rows, f"{where}.field", maps)
    zone = read_zone_of(rows, config.zone, f"{where}.zone")
    form = read_format(rows, config.format, zone, f"{where}.format")
    if config.format not in NAMED and not config.zone and config.kind != "none":
        message = 'A pattern has no time zone of its own. Add zone, such as zone = "UTC".'
        rows.report("missing-zone", message, where)
    overlap = _duration(config.overlap, rows, f"{where}.overlap")
    default = _OVERLAP if form.has_hours else _OVERLAP_OF_DAYS
    return ChangeFilter(
        kind=config.kind,
        format=form,
        since=_param(config.param, config.in_, parts, rows, f"{where}.param"),
        until=_param(config.until_param, config.in_, parts, rows, f"{where}.until_param"),
        in_text=SINCE in uses,
        overlap=default if overlap is None else overlap,
        slice=_duration(config.slice, rows, f"{where}.slice", least=timedelta(hours=1)),
        retention=_duration(config.retention, rows, f"{where}.retention"),
        start=_day(config.start, rows, f"{where}.start"),
        may_be_missing=config.may_be_missing,
        has_times=changed is not None or "changed" in maps.fields,
    ), changed


def _check_question(
    config: ChangesConfig, rows: RowScope, uses: Collection[str], where: str
) -> None:
    is_asked = config.kind != "none"
    if is_asked and not config.param and SINCE not in uses:
        message = (
            f'Nothing carries the time. Name its parameter, param = "…", or write {{{{{SINCE}}}}} '
            "in the URL, a header or the body."
        )
        rows.report("missing-key", message, f"{where}.param")
    if config.param and SINCE in uses:
        message = f"The time is in param and in {{{{{SINCE}}}}}. Keep one of them."
        rows.report("misplaced-key", message, f"{where}.param")
    for key in ("param", "until_param", "slice", "retention", "overlap"):
        if not is_asked and getattr(config, key):
            message = f'{key} needs kind = "changed" or kind = "created".'
            rows.report("misplaced-key", message, f"{where}.{key}")
    if config.slice and not config.until_param and UNTIL not in uses:
        message = f"A slice needs its end: until_param, or {{{{{UNTIL}}}}} in the URL or body."
        rows.report("missing-key", message, f"{where}.slice")


def _change_field(
    typed: ChangesConfig, rows: RowScope, where: str, maps: MapDraft
) -> tuple[RowPath, FieldMap] | None:
    """Compile the row's own time, read from the row rather than the record."""
    config = typed.field
    if config is None:
        return None
    path = None if config.path is None else rows.path(config.path, where)
    if config.path is None:
        rows.report("field-source", "Give the path to the row's own time.", where)
    form = maps.time(config, TIME, where)
    field = FieldMap(name="changed", kind=TIME, sources=(0,), time=form)
    return None if path is None else (path, field)


def _duration(
    text: str, rows: RowScope, where: str, *, least: timedelta = timedelta()
) -> timedelta | None:
    if not text:
        return None
    duration = read_duration(text)
    if duration is None or duration < least:
        example = "31 days" if least else "10 minutes"
        message = f'This is a duration such as "{example}".'
        rows.report("invalid-value", message, where)
        return None
    return duration


def _day(text: str, rows: RowScope, where: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        rows.report("invalid-value", "This is a date such as 2024-01-01.", where)
        return None


PAGE_TOKENS: Final = (*POSITION_TOKENS.values(), SIZE, SINCE, UNTIL)
"""The tokens that only a paged request has."""
