"""The fields of a sample in the editor's form: which are offered, and what a choice changes."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from billhook.engine.answer.rows.sample import CSV, XML, ListSample, SampleField
from billhook.engine.config import PathConfig
from billhook.engine.list_config import FROM_AMOUNTS
from billhook.portal.editor.command_row import LIST_PART, command_kind
from billhook.portal.editor.controls import INPUT_KINDS
from billhook.portal.editor.editing import find_row
from billhook.portal.editor.form import EditorForm
from billhook.portal.editor.input_kinds import YES
from billhook.portal.editor.lists.texts import path_text, table_text
from billhook.portal.editor.lists.words import FIELDS_OF_LIST, REQUIRED_FIELDS
from billhook.portal.editor.tree import Node
from billhook.portal.mapping.forms import form_of
from billhook.portal.mapping.guess import guess_fields

SAMPLE: Final = "sample"
"""The first part of the keys of everything about a sample that is posted."""
_PREFIX: Final = re.compile(r"([A-Za-z_][\w.-]*):(?!:)")
_MOST_TEXT: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedField:
    """One field of a sample: its path as the form has it, its texts, and the field it is used as.

    ``is_guess`` says that nobody has chosen that yet.
    """

    number: int
    path: str
    shown: str
    texts: tuple[str, ...]
    use: str
    is_guess: bool

    @property
    def posted_texts(self) -> str:
        """Its texts as they are posted back."""
        return json.dumps(self.texts)


def offered_fields(sample: ListSample, form: EditorForm) -> list[OfferedField]:
    """Return the fields of *sample*, with what each is used as in the command that is tried."""
    row = form.commands[form.tried]
    wanted = FIELDS_OF_LIST[command_kind().value(row, "name")]
    mapped = row.at(LIST_PART).at("map")
    used = {
        mapped.at(name).at("path").text: name for name in wanted if mapped.at(name).at("path").text
    }
    paths = {each.path: _path_text(each, sample) for each in sample.fields}
    free = [each for each in sample.fields if paths[each.path] not in used]
    guessed = guess_fields(free, [name for name in wanted if name not in used.values()])
    return [
        OfferedField(
            number=number,
            path=paths[each.path],
            shown=each.path.removeprefix("$."),
            texts=each.texts,
            use=used.get(paths[each.path]) or guessed.get(each.path, ""),
            is_guess=paths[each.path] not in used and each.path in guessed,
        )
        for number, each in enumerate(sample.fields)
    ]


def rows_text(sample: ListSample, path: str) -> str:
    """Return the path of rows as the form has it."""
    kind = "xpath" if sample.form == XML else "json"
    return path_text(PathConfig(kind=kind, text=path, namespaces=_used(path, sample)))


def _path_text(field: SampleField, sample: ListSample) -> str:
    namespaces = _used(field.path, sample) if field.kind == "xpath" else {}
    return path_text(PathConfig(kind=field.kind, text=field.path, namespaces=namespaces))


def _used(path: str, sample: ListSample) -> dict[str, str]:
    prefixes = set(_PREFIX.findall(path)) & sample.namespaces.keys()
    return {prefix: sample.namespaces[prefix] for prefix in sorted(prefixes)}


def use_sample(form: EditorForm, key: str) -> str:
    """Put the chosen fields of the posted sample into the command at *key* of *form*.

    Return the id of the field to go to, or nothing. A sample that isn't there changes nothing.
    """
    try:
        kind, row = find_row(form, key)
    except (LookupError, ValueError):
        return ""
    command = kind.value(row, "name")
    wanted = FIELDS_OF_LIST.get(command, ())
    sample, listed = form.tree.at(SAMPLE), row.put(LIST_PART)
    if not wanted or not sample.inner:
        return ""
    _put_rows(sample, listed.put("rows"))
    _put_fields(sample, listed.put("map"), wanted, REQUIRED_FIELDS[command])
    return f"{key}-{LIST_PART}-map-{wanted[0]}-path"


def _put_rows(sample: Node, rows: Node) -> None:
    if sample.at("form").text == CSV:
        rows.put("form").text = CSV
        csv = rows.put(CSV)
        csv.put("delimiter").text = INPUT_KINDS["text"].show(sample.at("delimiter").text or ",")
        csv.put("encoding").text = sample.at("encoding").text or "utf-8"
        csv.put("header").text = YES
    else:
        rows.put("form").text = "path"
        rows.put("path").text = sample.at("rows").text or ""


def _put_fields(
    sample: Node, mapped: Node, wanted: Iterable[str], required: Collection[str]
) -> None:
    wanted = tuple(wanted)
    chosen = {use: (path, texts) for path, use, texts in _chosen(sample) if use in wanted}
    offered = {path for path, _, _ in _chosen(sample)}
    for name in wanted:
        present = mapped.at(name).at("path").text
        if name in chosen and chosen[name][0] != present:
            path, texts = chosen[name]
            mapped.inner[name] = _field_node(name, path, texts)
        elif name not in chosen and present in offered:
            mapped.inner.pop(name, None)
    if "id" in required and not _is_mapped(mapped.at("id")) and "number" in chosen:
        path, texts = chosen["number"]
        mapped.inner["id"] = _field_node("id", path, texts)  # a system may have no other id
    if "status" in wanted and "status" not in mapped.inner and "open_amount" in mapped.inner:
        mapped.inner["status"] = Node(inner={"value": Node(text=FROM_AMOUNTS)})


def _is_mapped(field: Node) -> bool:
    return any(field.at(key).text for key in ("path", "value", "template", "first_of"))


def _chosen(sample: Node) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the path, the use and the texts of each field that was posted."""
    for row in sample.at("field").rows:
        yield row.at("path").text or "", row.at("use").text or "", _texts(row.at("texts").text)


def _texts(posted: str | None) -> list[str]:
    try:
        found: Any = json.loads((posted or "[]")[:_MOST_TEXT])
    except (ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _field_node(name: str, path: str, texts: list[str]) -> Node:
    node = Node(inner={"path": Node(text=path)})
    for key, value in form_of(name, texts).items():
        text = table_text(value) if isinstance(value, dict) else value
        node.put(key).text = text
    return node
