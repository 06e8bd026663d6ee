"""Writes the tables of docs/authentication.md and docs/integration-file.md from the code.

``make tables`` rewrites the pages from the descriptions of the fields; their other
text stays as it is. A new scheme gets a section of its own, whose example and explanation are
written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.authentication.scheme import Scheme
from billhook.engine.config import TYPES, TlsConfig
from billhook.engine.field import KINDS, FieldInfo, FieldValue, fields_of
from billhook.engine.integration_file.commands import COMMAND_KINDS
from billhook.engine.integration_file.presets import Preset, PresetField

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
    for heading, owner in _OWNERS.items():
        before, found, after = text.partition(f"\n{heading}\n")
        if not found:
            raise ValueError(f"docs/integration-file.md has no heading {heading}")
        text = before + found + _FIELDS.sub(_as_it_is(key_table(owner())), after, count=1)
    return text


def _as_it_is(text: str) -> Callable[[re.Match[str]], str]:
    return lambda _: text


def key_table(owner: type) -> str:
    """Return the table of the fields of *owner*, with one row for each key of a file."""
    rows = "".join(
        f"| `{info.key}` | {_word(info)} | {_meaning(info)} |\n"
        for info in fields_of(owner)
        if info.kind not in _NOT_KEYS
    )
    return f"| key | kind | meaning |\n|---|---|---|\n{rows}"


def _word(info: FieldInfo) -> str:
    return "list of tables" if info.kind == "preset-fields" else COMMAND_KINDS[info.kind].word


def _meaning(info: FieldInfo) -> str:
    parts = [info.help]
    if info.choices:
        *others, last = (f"`{choice}`" for choice in info.choices)
        parts.append(f"{', '.join(others)} or {last}.")
    if info.required:
        parts.append("Required.")
    elif info.default not in {None, "", False, ()}:
        parts.append(f"Default: {_default(info.default)}.")
    return " ".join(parts)


def _default(value: FieldValue) -> str:
    if isinstance(value, tuple):
        return ", ".join(f'`"{each}"`' for each in value)
    return f"`{value}`" if isinstance(value, str) else f"{value:,}".removesuffix(".0")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    FORMAT_PAGE.write_text(format_page(FORMAT_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
