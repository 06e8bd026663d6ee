"""The rows of a list command in the editor's form: where rows are, the map, pages and changes.

They follow from the descriptions in :mod:`billhook.engine.list_config`. A path is one text, so a
field of the map is one input and, folded away, the form of its values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

from billhook.engine.field import FieldInfo, fields_of
from billhook.engine.list_config import (
    CONTACT_FIELDS,
    LIST_KEYS,
    ROW_FIELDS,
    CaseConfig,
    ChangesConfig,
    CsvConfig,
    InnerRowsConfig,
    LimitsConfig,
    ListCommandConfig,
    MapConfig,
    MappedFieldConfig,
    NudgeConfig,
    PagesConfig,
    PassConfig,
    RemainingConfig,
    RowsConfig,
    SafeguardConfig,
    TotalConfig,
)
from billhook.portal.editor.controls import INPUT_KINDS
from billhook.portal.editor.input_kinds import ON
from billhook.portal.editor.lists.words import FIELD_WORDS
from billhook.portal.editor.path_rows import (
    CONDITION_INPUTS,
    ROW_CONDITION_INPUTS,
    condition_main,
    condition_node,
    condition_of,
    row_condition_of,
)
from billhook.portal.editor.row_kinds import (
    BREAKS,
    RowKind,
    RowPart,
    body_node,
    body_of,
    list_of,
    one_of,
)
from billhook.portal.editor.tree import Node, texts_node

_CSV: Final = "csv"
_OF_CONTACTS: Final = tuple(name for name in ROW_FIELDS if name in CONTACT_FIELDS)
"""The fields of contacts in the order in which a file is read."""
_FORM_OF_ROWS: Final = FieldInfo(
    key="form",
    label="The response is",
    help="",
    kind="choice",
    default="path",
    choices=("path", _CSV),
    words=("JSON or XML, with the rows at a path", "a CSV file, each line of which is a row"),
)
_IS_OWN: Final = FieldInfo(
    key="own", label="Replaces the command's own", help="", kind="boolean", default=False
)


class _ListRow:
    """Reads and shows the described fields of *owner* as a row, its paths as one text each."""

    def __init__(self, owner: type, keys: Iterable[str] = ()) -> None:
        self._owner = owner
        wanted = frozenset(keys)
        self.infos = [info for info in fields_of(owner) if not wanted or info.key in wanted]
        self.parts = {
            info.key: _PARTS[info.kind](info) for info in self.infos if info.kind in _PARTS
        }
        self.inputs = {
            key: each for info in self.infos for key, each in self._inputs_of(info).items()
        }

    def _inputs_of(self, info: FieldInfo) -> Mapping[str, FieldInfo]:
        if info.key in self.parts:
            return {}
        info = replace(info, kind="path-text") if info.kind == "path" else info
        return {info.key: info} | ({BREAKS.key: BREAKS} if info.kind == "body" else {})

    def values(self, node: Node) -> dict[str, Any]:
        """Return the values of the fields in *node*, by attribute."""
        return {info.attribute: self._value(info, node) for info in self.infos}

    def _value(self, info: FieldInfo, node: Node) -> Any:
        if info.key in self.parts:
            value = self.parts[info.key].read(node.at(info.key))
            return info.default if value is None else value
        if info.kind == "body":
            return body_of(node)
        text = node.at(info.key).text
        kind = INPUT_KINDS[self.inputs[info.key].kind]
        return info.default if text is None else kind.read(text)

    def read(self, node: Node) -> Any:
        """Return the config in *node*."""
        return self._owner(**self.values(node))

    def show(self, config: Any) -> Node:
        """Return the row of *config*."""
        node = Node()
        for info in self.infos:
            node.inner |= self._shown(info, getattr(config, info.attribute))
        return node

    def _shown(self, info: FieldInfo, value: Any) -> Mapping[str, Node]:
        if info.key in self.parts:
            is_default = value == info.default and not self.parts[info.key].is_list
            return {} if is_default else {info.key: self.parts[info.key].show(value)}
        if info.kind == "body":
            return body_node(value)
        kind = INPUT_KINDS[self.inputs[info.key].kind]
        return texts_node(**{info.key: kind.show(value)}).inner


def _kind(owner: type, main: str, noun: str = "") -> RowKind:
    row = _ListRow(owner)
    return RowKind(
        inputs=row.inputs,
        parts=row.parts,
        read=row.read,
        show=row.show,
        main=lambda _: main,
        noun=noun,
    )


@cache
def _rows_kind() -> RowKind:
    plain, csv = _kind(RowsConfig, "path"), _csv_kind()
    parts = {key: part for key, part in plain.parts.items() if key != _CSV}

    def read(node: Node) -> RowsConfig:
        config: RowsConfig = plain.read(node)
        if (node.at(_FORM_OF_ROWS.key).text or "") != _CSV:
            return config
        return replace(config, path=None, csv=csv.read(node.at(_CSV)))

    def show(config: RowsConfig) -> Node:
        node: Node = plain.show(replace(config, csv=None))
        if config.csv is not None:
            node.inner |= {_FORM_OF_ROWS.key: Node(text=_CSV), _CSV: csv.show(config.csv)}
        return node

    return RowKind(
        inputs={_FORM_OF_ROWS.key: _FORM_OF_ROWS, **plain.inputs},
        parts={**parts, _CSV: one_of(_csv_kind)(FieldInfo(key=_CSV, label="CSV", help=""))},
        read=read,
        show=show,
        main=plain.main,
        aliases={"json": "path", "xpath": "path"},
    )


@cache
def _csv_kind() -> RowKind:
    return _kind(CsvConfig, "delimiter")


@cache
def _mapped_kind(name: str) -> RowKind:
    row = _ListRow(
        MappedFieldConfig, [info.key for info in fields_of(MappedFieldConfig) if info.key != "name"]
    )
    return RowKind(
        inputs=row.inputs,
        parts=row.parts,
        read=lambda node: MappedFieldConfig(name=name, **row.values(node)),
        show=row.show,
        main=lambda _: "path",
        aliases=dict.fromkeys(("json", "xpath", "column"), "path"),
    )


def _mapped_part(name: str) -> RowPart:
    label = FIELD_WORDS.get(name, name)
    return one_of(lambda: _mapped_kind(name))(FieldInfo(key=name, label=label, help=""))


@cache
def _map_kind(names: tuple[str, ...]) -> RowKind:
    parts = {name: _mapped_part(name) for name in names}
    contacts = one_of(_contacts_kind)(
        FieldInfo(key="contacts", label="Contacts within the row", help="")
    )
    inner = {} if names == _OF_CONTACTS else {"contacts": contacts}

    def read(node: Node) -> MapConfig:
        found = [part.read(node.at(name)) for name, part in parts.items()]
        own = inner["contacts"].read(node.at("contacts")) if inner else None
        return MapConfig(fields=tuple(each for each in found if each is not None), contacts=own)

    def show(config: MapConfig) -> Node:
        shown = {
            each.name: parts[each.name].show(each) for each in config.fields if each.name in parts
        }
        if config.contacts is not None and inner:
            shown["contacts"] = inner["contacts"].show(config.contacts)
        return Node(inner=shown)

    return RowKind(inputs={}, parts={**parts, **inner}, read=read, show=show, main=lambda _: "id")


@cache
def _contacts_kind() -> RowKind:
    info = FieldInfo(key="path", label="Where they are", help="", kind="path-text", default=None)
    kind = INPUT_KINDS[info.kind]
    part = one_of(lambda: _map_kind(_OF_CONTACTS))(FieldInfo(key="map", label="Map", help=""))

    def read(node: Node) -> InnerRowsConfig:
        return InnerRowsConfig(
            path=kind.read(node.at("path").text or "$"),
            map=part.read(node.at("map")) or MapConfig(),
        )

    def show(config: InnerRowsConfig) -> Node:
        return Node(inner={"path": Node(text=kind.show(config.path)), "map": part.show(config.map)})

    return RowKind(
        inputs={"path": info},
        parts={"map": part},
        read=read,
        show=show,
        main=lambda _: "path",
        aliases={"json": "path", "xpath": "path"},
    )


def _optional(kind: RowKind) -> RowKind:
    """Return *kind* with a tick: without it there is no value, and the command's own is used."""

    def read(node: Node) -> Any:
        return kind.read(node) if node.at(_IS_OWN.key).text else None

    def show(config: Any) -> Node:
        node = kind.show(config)
        node.inner[_IS_OWN.key] = Node(text=ON)
        return node

    return replace(kind, inputs={_IS_OWN.key: _IS_OWN, **kind.inputs}, read=read, show=show)


@cache
def _pass_kind() -> RowKind:
    plain = _kind(PassConfig, "name", "Request")
    parts = {
        key: replace(part, kind=cache(lambda part=part: _optional(part.kind())))
        if key in {"rows", "pages", "changes"}
        else part
        for key, part in plain.parts.items()
    }
    row = _ListRow(PassConfig)
    row.parts = parts
    return replace(plain, parts=parts, read=row.read, show=row.show)


_CONDITION: Final = RowKind(
    inputs=CONDITION_INPUTS,
    read=condition_of,
    show=condition_node,
    main=condition_main,
    aliases={"matches": "value"},
)
_ROW_CONDITION: Final = replace(
    _CONDITION, inputs=ROW_CONDITION_INPUTS, read=row_condition_of, main=lambda _: "path"
)


def _shared(owner: type, main: str) -> Any:
    """Return a maker of single rows of *owner*, whose kind is made once."""
    return one_of(cache(lambda: _kind(owner, main)))


_PARTS: Final[Mapping[str, Any]] = {
    "rows": one_of(_rows_kind),
    "csv": one_of(_csv_kind),
    "conditions": list_of(lambda: _CONDITION),
    "row-conditions": list_of(lambda: _ROW_CONDITION),
    "total": _shared(TotalConfig, "path"),
    "map": one_of(lambda: _map_kind(ROW_FIELDS)),
    "cases": list_of(cache(lambda: _kind(CaseConfig, "value", "Case"))),
    "pages": _shared(PagesConfig, "kind"),
    "changes": _shared(ChangesConfig, "kind"),
    "mapped-field": one_of(lambda: _mapped_kind("field")),
    "passes": list_of(_pass_kind),
    "limits": _shared(LimitsConfig, "rate"),
    "remaining": _shared(RemainingConfig, "header"),
    "safeguard": _shared(SafeguardConfig, "hidden"),
    "nudge": _shared(NudgeConfig, "header"),
}
"""The kinds of fields of a list command that are rows inside its row."""
_LIST_ROW: Final = _ListRow(ListCommandConfig, LIST_KEYS)


def list_values(node: Node) -> dict[str, Any]:
    """Return the values that only a list command has, by attribute."""
    return _LIST_ROW.values(node)


LIST: Final = RowKind(
    inputs=_LIST_ROW.inputs,
    parts=_LIST_ROW.parts,
    read=_LIST_ROW.values,
    show=_LIST_ROW.show,
    main=lambda _: "map",
)
"""The part of a command's row that only list commands have."""
