"""The rows of the editor's form: the fields of each kind, and the config that it represents.

The rows of commands, steps, values and repetitions follow from the descriptions of their fields in
:mod:`billhook.engine.config`. Paths, conditions and the location of the document are typed in
another shape than a file has; :mod:`.path_rows` has those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from billhook.engine.config import PATTERN_KINDS, TYPES, AnswerConfig
from billhook.engine.field import FieldInfo, fields_of
from billhook.portal.editor.controls import INPUT_KINDS
from billhook.portal.editor.input_kinds import meant, visible
from billhook.portal.editor.path_rows import (
    CONDITION_INPUTS,
    FACT_INPUTS,
    LOCATION_INPUTS,
    PATH_INPUTS,
    applicable,
    condition_main,
    condition_node,
    condition_of,
    fact_node,
    fact_of,
    location_node,
    location_of,
    path_node,
    path_of,
)
from billhook.portal.editor.tree import Node, rows_node, texts_node

Main = Callable[[Node], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowKind:
    """One kind of row: its inputs and the rows inside it, by key.

    ``read`` returns the config of a row, and ``show`` the row of a config. ``main`` returns the key
    to which a problem of the row as a whole belongs. ``aliases`` are keys of the file that are
    typed into another input.
    """

    inputs: Mapping[str, FieldInfo]
    parts: Mapping[str, RowPart] = field(default_factory=dict)
    read: Callable[[Node], Any]
    show: Callable[[Any], Node]
    main: Main
    aliases: Mapping[str, str] = field(default_factory=dict)
    noun: str = ""

    def text(self, node: Node, key: str) -> str:
        """Return the text of an input: that of its default if nothing was posted for it."""
        text = node.at(key).text
        return default_text(self.inputs[key]) if text is None else text

    def value(self, node: Node, key: str) -> Any:
        """Return the value of an input."""
        return INPUT_KINDS[self.inputs[key].kind].read(self.text(node, key))

    def is_untouched(self, node: Node) -> bool:
        """Return whether nothing was typed into the row, so that it can be left out."""
        return all(
            self.text(node, key) == default_text(info) for key, info in self.inputs.items()
        ) and all(part.is_untouched(node.at(key)) for key, part in self.parts.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPart:
    """A row inside a row, or a list of them. Rows of a list with ``keeps`` are never left out."""

    info: FieldInfo
    kind: Callable[[], RowKind]
    is_list: bool = True
    keeps: bool = False

    def rows(self, node: Node) -> list[tuple[int, Node]]:
        """Return the rows that count, each with its number in the form."""
        kind = self.kind()
        return [
            (number, row)
            for number, row in enumerate(node.rows)
            if self.keeps or not kind.is_untouched(row)
        ]

    def is_untouched(self, node: Node) -> bool:
        """Return whether nothing was typed into it."""
        return not self.rows(node) if self.is_list else self.kind().is_untouched(node)

    def read(self, node: Node) -> Any:
        """Return the config of the row, None if it is untouched; or those of all rows."""
        kind = self.kind()
        if self.is_list:
            return tuple(kind.read(row) for _, row in self.rows(node))
        return None if kind.is_untouched(node) else kind.read(node)

    def show(self, value: Any) -> Node:
        """Return the form of what :meth:`read` gives as *value*."""
        kind = self.kind()
        if self.is_list:
            return rows_node(kind.show(each) for each in value)
        return Node() if value is None else kind.show(value)


def default_text(info: FieldInfo) -> str:
    """Return the text that an input has if nothing was typed."""
    return INPUT_KINDS[info.kind].show(info.default)


def _keys(*infos: FieldInfo) -> dict[str, FieldInfo]:
    return {info.key: info for info in infos}


BREAKS: Final = FieldInfo(
    key="breaks",
    label="Line breaks in the body",
    help="Multipart bodies need CR LF. ␍ in the body is a single CR.",
    kind="choice",
    default="lf",
    choices=("lf", "crlf"),
    words=("LF", "CR LF"),
)


def body_of(node: Node) -> str:
    """Return the body in the row *node*, with the line breaks that were chosen."""
    text = meant(node.at("body").text or "")
    return text.replace("\n", "\r\n") if node.at("breaks").text == "crlf" else text


def body_node(body: str) -> dict[str, Node]:
    """Return the inputs for *body*. Where only some of its lines end with CR LF, each CR shows."""
    plain = body.replace("\r\n", "\n")
    is_crlf = "\n" in plain and plain.replace("\n", "\r\n") == body
    text = visible(plain if is_crlf else body, in_lines=True)
    return {"body": Node(text=text), "breaks": Node(text="crlf" if is_crlf else "lf")}


@dataclass(frozen=True, slots=True)
class DescribedRow:
    """Reads and shows the described fields of *owner* as a row."""

    owner: type
    parts: Mapping[str, RowPart]

    def values(self, node: Node) -> dict[str, Any]:
        """Return the values of the fields in *node*, by key."""
        return {info.key: self._value(info, node) for info in fields_of(self.owner)}

    def _value(self, info: FieldInfo, node: Node) -> Any:
        if info.key in self.parts:
            return self.parts[info.key].read(node.at(info.key))
        if info.kind == "path":
            return path_of(node)
        if info.kind == "body":
            return body_of(node)
        text = node.at(info.key).text
        return info.default if text is None else INPUT_KINDS[info.kind].read(text)

    def read(self, node: Node) -> Any:
        """Return the config in *node*."""
        return self.owner(**self.values(node))

    def show(self, config: Any) -> Node:
        """Return the row of *config*."""
        node = Node()
        for info in fields_of(self.owner):
            node.inner |= self._shown(info, getattr(config, info.key))
        return node

    def _shown(self, info: FieldInfo, value: Any) -> dict[str, Node]:
        if info.key in self.parts:
            return {info.key: self.parts[info.key].show(value)}
        if info.kind == "path":
            return path_node(value).inner
        if info.kind == "body":
            return body_node(value)
        return texts_node(**{info.key: INPUT_KINDS[info.kind].show(value)}).inner


def described_kind(owner: type, main: str, noun: str = "") -> RowKind:
    """Return the kind of row that follows from the described fields of *owner*."""
    infos = fields_of(owner)
    parts = {info.key: PARTS[info.kind](info) for info in infos if info.kind in PARTS}
    row = DescribedRow(owner, parts)
    return RowKind(
        inputs={key: each for info in infos for key, each in _inputs_of(info).items()},
        parts=parts,
        read=row.read,
        show=row.show,
        main=lambda _: main,
        noun=noun,
    )


def _inputs_of(info: FieldInfo) -> Mapping[str, FieldInfo]:
    if info.kind in PARTS:
        return {}
    if info.kind == "path":
        return PATH_INPUTS
    return {info.key: info} | ({BREAKS.key: BREAKS} if info.kind == "body" else {})


@cache
def _step_kind(owner: Any) -> RowKind:
    return described_kind(owner, "url", "Request")


def step_kind() -> RowKind:
    """Return the kind of a step's row."""
    owner: Any = TYPES.step  # mypy thinks that a class whose values have no hash has none itself
    return _step_kind(owner)


def _extract_kind() -> RowKind:
    return described_kind(TYPES.extract, "path", "Value")


def _derive_kind() -> RowKind:
    return described_kind(TYPES.derive, "template", "Value")


def _repeat_kind() -> RowKind:
    return described_kind(TYPES.repeat, "when")


def _answer_kind() -> RowKind:
    described = described_kind(TYPES.answer, "kind")
    row = DescribedRow(TYPES.answer, described.parts)

    def show(config: AnswerConfig) -> Node:
        return Node(inner=location_node(config).inner | row.show(config).inner)

    return replace(
        described,
        inputs=LOCATION_INPUTS | dict(described.inputs),
        read=lambda node: applicable(TYPES.answer(**location_of(node), **row.values(node))),
        show=show,
        aliases=dict.fromkeys(("base64", "url", "link"), "path")
        | dict.fromkeys(PATTERN_KINDS, "pattern"),
    )


_CONDITION: Final = RowKind(
    inputs=CONDITION_INPUTS,
    read=condition_of,
    show=condition_node,
    main=condition_main,
    aliases={"matches": "value"},
)
_PATH: Final = RowKind(inputs=PATH_INPUTS, read=path_of, show=path_node, main=lambda _: "path")
_FACT: Final = RowKind(inputs=FACT_INPUTS, read=fact_of, show=fact_node, main=lambda _: "path")


def texts_kind(*infos: FieldInfo, main: str, noun: str) -> RowKind:
    """Return a kind of row that is a tuple of texts."""
    kinds = {info.key: INPUT_KINDS[info.kind] for info in infos}

    def read(node: Node) -> tuple[str, ...]:
        return tuple(kind.read(node.at(key).text or "") for key, kind in kinds.items())

    def show(texts: tuple[str, ...]) -> Node:
        pairs = zip(kinds.items(), texts, strict=True)
        return texts_node(**{key: kind.show(text) for (key, kind), text in pairs})

    return RowKind(inputs=_keys(*infos), read=read, show=show, main=lambda _: main, noun=noun)


_PAIR: Final = texts_kind(
    FieldInfo(key="name", label="Key", help="", example="X-Api-Key"),
    FieldInfo(key="value", label="Value", help=""),
    main="value",
    noun="Header",
)


def list_of(kind: Callable[[], RowKind], *, keeps: bool = False) -> Callable[[FieldInfo], RowPart]:
    """Return a maker of lists of rows of *kind*."""
    return lambda info: RowPart(info=info, kind=kind, keeps=keeps)


def one_of(kind: Callable[[], RowKind]) -> Callable[[FieldInfo], RowPart]:
    """Return a maker of single rows of *kind*."""
    return lambda info: RowPart(info=info, kind=kind, is_list=False)


PARTS: Final[dict[str, Callable[[FieldInfo], RowPart]]] = {
    "requests": list_of(step_kind, keeps=True),
    "steps": list_of(step_kind, keeps=True),
    "extracts": list_of(_extract_kind),
    "derives": list_of(_derive_kind),
    "conditions": list_of(lambda: _CONDITION),
    "pairs": list_of(lambda: _PAIR),
    "repeat": one_of(_repeat_kind),
    "answer": one_of(_answer_kind),
    "fact": one_of(lambda: _FACT),
    "reason": one_of(lambda: _PATH),
}
