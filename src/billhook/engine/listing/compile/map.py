"""Compiles the map of a list: for each field, the values to take out of a row and their meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

from billhook.engine.answer.rows.page import RowCondition, RowTaking
from billhook.engine.answer.rows.row_path import RowPath
from billhook.engine.config import PathConfig
from billhook.engine.list_config import (
    CONTACT_FIELDS,
    CUSTOMER_FIELDS,
    FROM_AMOUNTS,
    INVOICE_FIELDS,
    REMOVED_FIELDS,
    MapConfig,
    MappedFieldConfig,
)
from billhook.engine.listing.compile.row_scope import RowScope
from billhook.engine.listing.field_map import (
    AMOUNT,
    BOOLEAN,
    CURRENCY,
    DAY,
    KINDS,
    STATUS,
    TEXT,
    TIME,
    TYPE,
    FieldMap,
)
from billhook.engine.listing.mapper import (
    CONTACTS,
    CREDIT_NOTES,
    CUSTOMERS,
    INVOICES,
    REMOVALS,
    FieldMaps,
)
from billhook.engine.listing.rows import STATUSES, TYPES
from billhook.engine.listing.values.money import MOST_DIGITS, MinorDigits
from billhook.engine.listing.values.times import (
    DOTNET,
    ISO,
    NAMED,
    UNIX,
    UNIX_MS,
    TimeFormat,
    read_zone,
)
from billhook.engine.tokens.catalogue import nearest
from billhook.engine.tokens.dates import BadPattern

FIELDS_OF: Final = {
    INVOICES: INVOICE_FIELDS,
    CREDIT_NOTES: INVOICE_FIELDS,
    CUSTOMERS: CUSTOMER_FIELDS,
    CONTACTS: CONTACT_FIELDS,
    REMOVALS: REMOVED_FIELDS,
}
_REQUIRED: Final = {
    INVOICES: ("id", "number", "customer", "amount"),
    CREDIT_NOTES: ("id", "number", "customer", "amount"),
    CUSTOMERS: ("id", "name"),
    CONTACTS: ("email",),
    REMOVALS: ("id",),
}
_FOR: Final = {
    "format": (DAY, TIME),
    "zone": (DAY, TIME),
    "minor_units": (AMOUNT,),
    "decimal": (AMOUNT,),
    "group": (AMOUNT,),
    "minus": (AMOUNT,),
    "zero": (AMOUNT,),
    "values": (STATUS, TYPE, BOOLEAN, CURRENCY),
    "cases": (STATUS,),
}
"""The kinds of fields that each key is for."""
_WORDS: Final = {
    (DAY, TIME): "dates and times",
    (AMOUNT,): "amounts",
    (STATUS, TYPE, BOOLEAN, CURRENCY): "status, type, active and currency",
    (STATUS,): "the status",
}


@dataclass(slots=True, kw_only=True)
class MapDraft:
    """The map of one kind of row on its way: the paths taken so far, and the cases."""

    rows: RowScope
    where: str
    paths: list[RowPath] = field(default_factory=list)
    cases: list[tuple[RowCondition, ...]] = field(default_factory=list)
    fields: dict[str, FieldMap] = field(default_factory=dict)

    @property
    def taking(self) -> RowTaking:
        """The values to take out of a row."""
        return RowTaking(paths=tuple(self.paths), cases=tuple(self.cases))

    @property
    def maps(self) -> FieldMaps:
        """The meaning of those values."""
        return FieldMaps(fields=dict(self.fields))

    def take(self, config: MappedFieldConfig, names: tuple[str, ...]) -> None:
        """Compile one field. *names* are those of the map, for a template."""
        where = f"{self.where}.{config.name}"
        kind = KINDS.get(config.name, TEXT)
        self._check_source(config, where)
        self._check_keys(config, kind, where)
        template = None
        if config.template:
            others = dict.fromkeys(name for name in names if name != config.name)
            template = self.rows.template(config.template, f"{where}.template", others)
        values = self._values(config, kind, f"{where}.values")
        self.fields[config.name] = FieldMap(
            name=config.name,
            kind=kind,
            sources=tuple(self._sources(config, where)),
            minus=tuple(self._numbers(config.minus, f"{where}.minus")),
            fixed=None if config.value == FROM_AMOUNTS and kind == STATUS else config.value,
            template=template,
            time=self.time(config, kind, where) if kind in {DAY, TIME} else None,
            minor_units=self._minor_units(config, where),
            decimal=config.decimal,
            group=config.group,
            zero_is_empty=config.zero == "empty",
            negative_is_credit=config.negative == "credit-note",
            values=values,
            cases=tuple(self._cases(config, where)),
            from_amounts=kind == STATUS and config.value == FROM_AMOUNTS,
            unknown=config.unknown,
            none=config.none,
        )

    def _check_source(self, config: MappedFieldConfig, where: str) -> None:
        given = [
            config.path is not None,
            config.value is not None,
            bool(config.template),
            bool(config.first_of),
            bool(config.cases),
        ]
        if sum(given) != 1:
            message = (
                "A field has one source: a path, value, template, first_of or, for a status, "
                f"cases. Here are {sum(given)}."
            )
            self.rows.report("field-source", message, where)
        if config.template and KINDS.get(config.name, TEXT) not in {TEXT, "link"}:
            message = "A template makes a text or a link. Give the path to the value instead."
            self.rows.report("misplaced-key", message, f"{where}.template")

    def _check_keys(self, config: MappedFieldConfig, kind: str, where: str) -> None:
        for key, kinds in _FOR.items():
            if getattr(config, key) and kind not in kinds:
                message = f"{key} is for {_WORDS[kinds]}. Remove it here."
                self.rows.report("misplaced-key", message, f"{where}.{key}")
        if config.negative and config.name != "amount":
            message = "negative belongs to the field amount. Move it there."
            self.rows.report("misplaced-key", message, f"{where}.negative")
        self.rows.check_choice(config.zero, ("", "empty"), f"{where}.zero")
        self.rows.check_choice(config.negative, ("", "credit-note"), f"{where}.negative")
        self.rows.check_choice(config.none, ("empty", "skip", "failed"), f"{where}.none")
        self.rows.check_choice(config.unknown, ("stop", "open", "hidden"), f"{where}.unknown")
        if len(config.decimal) > 1 or len(config.group) > 1:
            self.rows.report("invalid-value", "A separator is one sign.", f"{where}.decimal")
        elif config.decimal and config.decimal == config.group:
            message = "decimal and group can't be the same sign."
            self.rows.report("invalid-value", message, f"{where}.group")

    def _sources(self, config: MappedFieldConfig, where: str) -> Iterator[int]:
        if config.path is not None:
            yield from self._numbers((config.path,), where, is_list=False)
        yield from self._numbers(config.first_of, f"{where}.first_of")

    def _numbers(
        self, configs: tuple[PathConfig, ...], where: str, *, is_list: bool = True
    ) -> Iterator[int]:
        """Compile paths, and yield the numbers of the values that they take."""
        for index, config in enumerate(configs):
            path = self.rows.path(config, f"{where}[{index}]" if is_list else where)
            if path is None:
                continue
            if path not in self.paths:
                self.paths.append(path)
            yield self.paths.index(path)

    def _values(
        self, config: MappedFieldConfig, kind: str, where: str
    ) -> dict[str, str | int | float | bool] | None:
        allowed = {STATUS: STATUSES, TYPE: TYPES}.get(kind)
        if config.values is None:
            return None
        for name, value in config.values.items():
            if allowed is not None and value not in allowed:
                message = (
                    f'Billhook has no {config.name} "{value}". It is one of {", ".join(allowed)}.'
                )
                near = nearest(str(value), allowed)
                self.rows.report("unknown-choice", message, f"{where}.{name}", near)
            if kind == BOOLEAN and not isinstance(value, bool):
                self.rows.report("wrong-type", "This is true or false.", f"{where}.{name}")
        return dict(config.values)

    def _cases(self, config: MappedFieldConfig, where: str) -> Iterator[tuple[str, int]]:
        for index, case in enumerate(config.cases):
            place = f"{where}.cases[{index}]"
            self.rows.check_choice(case.value, STATUSES, f"{place}.value")
            if not case.when:
                message = "Say when: when = [{ … }] with one condition at least."
                self.rows.report("missing-key", message, place)
            self.cases.append(self.rows.conditions(case.when, f"{place}.when"))
            yield case.value, len(self.cases) - 1

    def _minor_units(self, config: MappedFieldConfig, where: str) -> MinorDigits | None:
        units = config.minor_units
        numbers = units.values() if isinstance(units, dict) else [units]
        for number in numbers:
            if isinstance(number, int) and not 0 <= number <= MOST_DIGITS:
                message = "minor_units is a number of digits, such as 2."
                self.rows.report("invalid-value", message, f"{where}.minor_units")
        return units

    def time(self, config: MappedFieldConfig, kind: str, where: str) -> TimeFormat:
        """Compile the format and zone of a date or time."""
        zone = self.zone(config.zone, f"{where}.zone")
        form = read_format(self.rows, config.format or ISO, zone, f"{where}.format")
        is_number = form.text in {UNIX, UNIX_MS, DOTNET}
        has_time = is_number or (form.text not in NAMED and form.has_hours)
        needs = (has_time and not form.needs_zone) if kind == DAY else False
        needs = needs or (kind == TIME and form.needs_zone)
        if needs and zone is None and not config.zone:
            message = (
                'The day depends on the time zone. Add zone, such as zone = "Europe/Berlin".'
                if kind == DAY
                else 'The format has no time zone. Add zone, such as zone = "UTC".'
            )
            self.rows.report("missing-zone", message, where)
        return form

    def zone(self, text: str, where: str) -> tzinfo | None:
        """Compile a zone: an IANA name, an offset or a variable; None where there is none."""
        return read_zone_of(self.rows, text, where)


def read_zone_of(rows: RowScope, text: str, where: str) -> tzinfo | None:
    """Return the zone that *text* names, after its variables are filled; report another text."""
    if not text:
        return None
    try:
        return read_zone(rows.text(text, where))
    except BadPattern as bad:
        rows.report("unknown-zone", bad.reason, where, bad.meant)
        return None


def read_format(rows: RowScope, text: str, zone: tzinfo | None, where: str) -> TimeFormat:
    """Return the format that *text* is; report one that can't be read."""
    try:
        return TimeFormat(text, zone)
    except BadPattern as bad:
        near = nearest(text, NAMED)
        message = f"{bad.reason} Other formats are {', '.join(NAMED)}."
        rows.report("date-format", message, where, near or bad.meant)
        return TimeFormat(ISO, zone)


def compile_map(config: MapConfig | None, kind: str, rows: RowScope, where: str) -> MapDraft:
    """Compile the map of rows of this *kind*."""
    draft = MapDraft(rows=rows, where=where)
    if config is None:
        example = 'map = { id = "$.id", … }'
        rows.report(
            "missing-key", f'"map" is missing: it says which field is which. {example}', where
        )
        return draft
    known = FIELDS_OF[kind]
    names = tuple(each.name for each in config.fields)
    for each in config.fields:
        if each.name not in known:
            _report_unknown(rows, each.name, known, kind, where)
        else:
            draft.take(each, names)
    for name in _REQUIRED[kind]:
        if name not in names:
            rows.report("missing-key", f'"{name}" is missing in the map.', f"{where}.{name}")
    return draft


def _report_unknown(
    rows: RowScope, name: str, known: tuple[str, ...], kind: str, where: str
) -> None:
    near = nearest(name, known)
    advice = f'Did you mean "{near}"?' if near else f"It has {', '.join(known)}."
    message = f'There is no field "{name}" in a row of {kind}. {advice}'
    rows.report("unknown-key", message, f"{where}.{name}", near)
