"""Writes the tables of authentication.md, integration-file.md, lists.md and imports.md in docs.

``make tables`` rewrites the pages from the descriptions of the fields; their other
text stays as it is. A new scheme gets a section of its own, whose example and explanation are
written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.authentication.scheme import Scheme
from billhook.engine.config import TYPES, TlsConfig
from billhook.engine.field import KINDS, FieldInfo, FieldValue, fields_of
from billhook.engine.integration_file.lists import LIST_KINDS
from billhook.engine.integration_file.presets import Preset, PresetField
from billhook.engine.list_config import (
    ChangesConfig,
    CsvConfig,
    LimitsConfig,
    ListCommandConfig,
    MappedFieldConfig,
    PagesConfig,
    PassConfig,
    RowsConfig,
    SafeguardConfig,
)
from billhook.portal.imports.columns.fields import ImportField, ImportKind
from billhook.portal.imports.columns.fields import fields_of as import_fields
from billhook.portal.imports.columns.headings import LANGUAGES

PAGE: Final = Path(__file__).parents[1] / "docs" / "authentication.md"
_SECTIONS: Final = re.compile(r"^### `(?P<name>.+)`\n(?P<body>(?:(?!^##).*\n?)*)", re.MULTILINE)
_KINDS: Final = re.compile(r"^\| kind \| .+\n(?:\|.*\n)+", re.MULTILINE)
_MADE: Final = re.compile(r"^(?:\| field \| .+\n(?:\|.*\n)+|In addition: .+\n)\n?", re.MULTILINE)


def field_table(fields: Iterable[FieldInfo]) -> str:
    """Return the table of *fields*, one row each."""
    head = "| field | kind | default | label | help |\n|---|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(_cells(info))} |\n" for info in fields)


def _cells(info: FieldInfo) -> tuple[str, ...]:
    kind = " · ".join(f"`{choice}`" for choice in info.choices) or info.kind
    default = {"": "(empty)", True: "`true`", False: "`false`"}.get(
        info.default, f"`{info.default}`"
    )
    return (f"`{info.key}`", kind, "required" if info.required else default, info.label, info.help)


def kind_table() -> str:
    """Return the table of the kinds of fields."""
    rows = "".join(f"| {kind} | {help_} |\n" for kind, help_ in KINDS.items() if kind != "choice")
    return f"| kind | allowed values |\n|---|---|\n{rows}"


def scheme_section(scheme: Scheme, text: str = "") -> str:
    """Return the section of *scheme*, with the hand-written *text* of the old one."""
    prose = _MADE.sub("", text.partition("\n\n")[2] if text.strip() else "").strip()
    parts = [f"### `{scheme.name}`\n", f"{scheme.title}. {scheme.help}\n"]
    parts += [f"{prose}\n"] if prose else []
    parts.append(field_table(scheme.fields))
    if scheme.parts:
        parts.append(f"In addition: {', '.join(f'`{part}`' for part in scheme.parts)}.\n")
    return "\n".join(parts)


def page(text: str) -> str:
    """Return the page *text* with new tables, and its schemes in the order of the form."""
    text = _KINDS.sub(lambda _: kind_table(), text, count=1)
    old = {match["name"]: match["body"].removeprefix("\n") for match in _SECTIONS.finditer(text)}
    sections = [scheme_section(scheme, old.get(scheme.name, "")) for scheme in SCHEMES.values()]
    start = text.index("\n### `") + 1
    end = list(_SECTIONS.finditer(text))[-1].end()
    return f"{text[:start]}{chr(10).join(sections)}\n{text[end:]}"


FORMAT_PAGE: Final = PAGE.with_name("integration-file.md")
_OWNERS: Final[dict[str, Callable[[], type]]] = {
    "## `[tls]`": lambda: TlsConfig,
    "## `[commands.NAME]`": lambda: TYPES.command,
    "## `[[commands.NAME.steps]]`": lambda: TYPES.step,
    "## Extracted values: `extract`": lambda: TYPES.extract,
    "## Values made from others: `derive`": lambda: TYPES.derive,
    "## Conditions: `success_when`, `not_found_when`": lambda: TYPES.condition,
    "### `repeat_until`": lambda: TYPES.repeat,
    "## The document: `answer`": lambda: TYPES.answer,
    "## `[preset]`": lambda: Preset,
    "## `[[preset.fields]]`": lambda: PresetField,
}
"""The class whose fields the table below each heading lists."""
_NOT_KEYS: Final = frozenset({"name", "path"})
"""Kinds of fields that aren't keys of their own: names of tables, and paths."""
_FIELDS: Final = re.compile(r"^\| key \| kind \| meaning \|\n(?:\|.*\n)+", re.MULTILINE)


def format_page(text: str) -> str:
    """Return the page *text* about the integration file with new tables of its fields."""
    return _with_tables(text, {heading: owner() for heading, owner in _OWNERS.items()})


def _with_tables(text: str, owners: Mapping[str, type], *, without: Collection[str] = ()) -> str:
    for heading, owner in owners.items():
        before, found, after = text.partition(f"\n{heading}\n")
        if not found:
            raise ValueError(f"the page has no heading {heading}")
        table = key_table(owner, without=without)
        text = before + found + _FIELDS.sub(_as_it_is(table), after, count=1)
    return text


LISTS_PAGE: Final = PAGE.with_name("lists.md")
_LIST_OWNERS: Final[Mapping[str, type]] = {
    "### The command": ListCommandConfig,
    "### `rows`": RowsConfig,
    "### `rows.csv`": CsvConfig,
    "### `pages`": PagesConfig,
    "### `changes`": ChangesConfig,
    "### `[[commands.NAME.passes]]`": PassConfig,
    "### Keys of a field": MappedFieldConfig,
    "### `limits`": LimitsConfig,
    "### `safeguard`": SafeguardConfig,
}


def lists_page(text: str) -> str:
    """Return the page *text* about list commands with new tables of their fields."""
    return _with_tables(text, _LIST_OWNERS, without={info.key for info in fields_of(TYPES.command)})


def _as_it_is(text: str) -> Callable[[re.Match[str]], str]:
    return lambda _: text


def key_table(owner: type, *, without: Collection[str] = ()) -> str:
    """Return the table of the fields of *owner*, with one row for each key of a file."""
    rows = "".join(
        f"| `{info.key}` | {_word(info)} | {_meaning(info)} |\n"
        for info in fields_of(owner)
        if info.kind not in _NOT_KEYS
        if info.key not in without or info.key == "name"
    )
    return f"| key | kind | meaning |\n|---|---|---|\n{rows}"


def _word(info: FieldInfo) -> str:
    return "list of tables" if info.kind == "preset-fields" else LIST_KINDS[info.kind].word


def _meaning(info: FieldInfo) -> str:
    parts = [info.help]
    if info.choices:
        *others, last = (f"`{choice}`" for choice in info.choices if choice)
        parts.append(f"{', '.join(others)} or {last}." if others else f"Only {last}.")
    if info.required:
        parts.append("Required.")
    elif isinstance(info.default, str | int | float | tuple) and info.default:
        parts.append(f"Default: {_default(info.default)}.")
    return " ".join(parts)


def _default(value: FieldValue) -> str:
    if isinstance(value, tuple):
        return ", ".join(f'`"{each}"`' for each in value)
    if value is True:
        return "`true`"
    return f"`{value}`" if isinstance(value, str) else f"{value:,}".removesuffix(".0")


IMPORTS_PAGE: Final = PAGE.with_name("imports.md")
_NAMES: Final = re.compile(r"(<!-- names: .+ -->\n).*?(<!-- end of names -->)", re.DOTALL)
_KIND_TITLES: Final = {
    ImportKind.INVOICES: "Invoices",
    ImportKind.CUSTOMERS: "Customers and contacts",
}


def imports_page(text: str) -> str:
    """Return the page *text* about imports with new tables of the names of columns."""
    tables = "".join(
        f"\n### {title}\n\n{names_table(kind)}" for kind, title in _KIND_TITLES.items()
    )
    return _NAMES.sub(lambda found: f"{found[1]}{tables}\n{found[2]}", text)


def names_table(kind: ImportKind) -> str:
    """Return the table of the names of columns in a file of *kind*."""
    rows = "".join(f"| {_field(field)} | {_names(field)} |\n" for field in import_fields(kind))
    return f"| field | names |\n|---|---|\n{rows}"


def _field(field: ImportField) -> str:
    need = f"<br>{field.need.value}" if field.need else ""
    return f"**{field.label}**{need}"


def _names(field: ImportField) -> str:
    parts = []
    for language, title in LANGUAGES.items():
        names = field.names[language].split("|")
        others = [f"*{name}*" for also in field.also for name in also[language].split("|")]
        parts.append(f"{title}: {', '.join([*names, *others])}.")
    return " ".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    FORMAT_PAGE.write_text(format_page(FORMAT_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    LISTS_PAGE.write_text(lists_page(LISTS_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    IMPORTS_PAGE.write_text(
        imports_page(IMPORTS_PAGE.read_text(encoding="utf-8")), encoding="utf-8"
    )
