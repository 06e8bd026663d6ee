"""Writes the tables of docs/authentication.md from the descriptions of the schemes' fields.

``python tools/write_tables.py`` rewrites the page; its other text stays as it is. A new scheme gets
a section of its own, whose example and explanation are written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.authentication.scheme import Scheme
from billhook.engine.field import KINDS, FieldInfo

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


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
