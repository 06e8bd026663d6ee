"""Paths, conditions and the location of a document as rows of the form, and back.

Each is chosen from a list and then typed, so its inputs differ from the keys of a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from billhook.engine.config import (
    ANSWER_KINDS,
    PATH_KINDS,
    PATTERN_KINDS,
    AnswerConfig,
    ConditionConfig,
    FactConfig,
    PathConfig,
)
from billhook.engine.field import FieldInfo
from billhook.engine.list_config import ROW_PATH_KINDS
from billhook.portal.editor.input_kinds import (
    meant,
    scalar_of,
    scalar_text,
    scalars_of,
    scalars_text,
    visible,
    whole_number_of,
    words_of,
)
from billhook.portal.editor.tree import Node, texts_node

_PATH_WORDS: Final = (
    "JSON, by JSONPath",
    "XML, by XPath",
    "A header",
    "A cookie, by name",
    "Text, by regular expression",
)
_PLAIN: Final = frozenset({"status", "body"})
"""Subjects of a condition that have no path."""
_WITH_PATH: Final = frozenset({"base64", "url", "link"})
_NAMESPACE: Final = re.compile(r'(?<!\S)([^\s=]+)=("(?:[^"\\]|\\.)*"|\S*)')
_BARE: Final = re.compile(r'[^\s"]\S*|')


def _inputs(*infos: FieldInfo) -> dict[str, FieldInfo]:
    return {info.key: info for info in infos}


_HOW: Final = FieldInfo(
    key="how",
    label="In",
    help="",
    kind="choice",
    default="json",
    choices=PATH_KINDS,
    words=_PATH_WORDS,
)
_PATH: Final = FieldInfo(key="path", label="Path", help="", kind="lines", example="$.data[0].id")
_NAMESPACES: Final = FieldInfo(
    key="namespaces", label="Namespaces", help="", kind="exact", example="s=urn:example t=urn:other"
)
PATH_INPUTS: Final = _inputs(_HOW, _PATH, _NAMESPACES)
CONDITION_INPUTS: Final = _inputs(
    replace(
        _HOW,
        label="Check",
        default="status",
        choices=("status", "body", *PATH_KINDS),
        words=("The status", "The text of the body", *_PATH_WORDS),
    ),
    _PATH,
    _NAMESPACES,
    FieldInfo(
        key="test",
        label="It",
        help="",
        kind="choice",
        default="equals",
        choices=("equals", "not_equals", "one_of", "matches", "exists", "missing"),
        words=("is", "is not", "is one of", "matches", "exists", "does not exist"),
    ),
    FieldInfo(key="value", label="Value", help="", kind="exact", example="404, 410"),
)
ROW_CONDITION_INPUTS: Final = CONDITION_INPUTS | _inputs(
    replace(
        _HOW,
        label="Check",
        choices=ROW_PATH_KINDS,
        words=("JSON, by JSONPath", "XML, by XPath", "A column"),
    )
)
FACT_INPUTS: Final = _inputs(
    replace(
        _HOW,
        default="",
        choices=("", "template", *PATH_KINDS),
        words=("By default", "From this text", *_PATH_WORDS),
    ),
    _PATH,
    _NAMESPACES,
)
LOCATION_INPUTS: Final = _inputs(
    FieldInfo(
        key="kind",
        label="The document is",
        help="",
        kind="choice",
        default="",
        choices=("", *ANSWER_KINDS[1:]),
        words=(
            "the response itself",
            "in the response, in base 64",
            "at a URL in the response",
            "in a zip, which is the response",
            "a part of the response, which has several",
            "not available, only a page: contacts are sent there",
        ),
    ),
    _HOW,
    replace(_PATH, help="If empty: the whole response.", example="$.content"),
    _NAMESPACES,
    FieldInfo(
        key="pattern",
        label="File or part",
        help="A pattern that matches exactly one file of the zip. A part: its position (2), its "
        "type (application/pdf) or its Content-ID (cid:invoice@example.com).",
        kind="exact",
        example="*.pdf",
    ),
)


def _text(node: Node, inputs: dict[str, FieldInfo], key: str) -> str:
    text = node.at(key).text
    return str(inputs[key].default) if text is None else text


def path_of(node: Node) -> PathConfig:
    """Return the path in the row *node*."""
    return PathConfig(
        kind=_text(node, PATH_INPUTS, "how"),
        text=meant(_text(node, PATH_INPUTS, "path")),
        namespaces=namespaces_of(_text(node, PATH_INPUTS, "namespaces")),
    )


def path_node(path: PathConfig) -> Node:
    """Return the row of *path*."""
    return texts_node(
        how=path.kind,
        path=visible(path.text, in_lines=True),
        namespaces=namespaces_text(path.namespaces),
    )


def namespaces_of(text: str) -> dict[str, str]:
    """Return the URIs of namespaces by their prefixes: ``s=urn:example``."""
    return {prefix: _unquoted(uri) for prefix, uri in _NAMESPACE.findall(text)}


def _unquoted(text: str) -> str:
    value = scalar_of(text) if text.startswith('"') else text
    return value if isinstance(value, str) else text


def namespaces_text(namespaces: dict[str, str]) -> str:
    """Return the text that :func:`namespaces_of` reads."""
    return " ".join(
        f"{prefix}={uri if _BARE.fullmatch(uri) and uri.isprintable() else json.dumps(uri)}"
        for prefix, uri in namespaces.items()
    )


def condition_of(node: Node) -> ConditionConfig:
    """Return the condition in the row *node*."""
    return _condition(node, _text(node, CONDITION_INPUTS, "how"))


def row_condition_of(node: Node) -> ConditionConfig:
    """Return the condition on a row of a list in the row *node*."""
    return _condition(node, _text(node, ROW_CONDITION_INPUTS, "how"))


def _condition(node: Node, how: str) -> ConditionConfig:
    value = _text(node, CONDITION_INPUTS, "value")
    if how == "status":
        return ConditionConfig(status=tuple(whole_number_of(word) for word in words_of(value)))
    if how == "body":
        return ConditionConfig(body_contains=meant(value))
    test = _TESTS.get(_text(node, CONDITION_INPUTS, "test"), _equals)
    return replace(test(value), path=path_of(node))


def _equals(value: str) -> ConditionConfig:
    return ConditionConfig(equals=scalar_of(value))


_TESTS: Final[dict[str, Callable[[str], ConditionConfig]]] = {
    "equals": _equals,
    "not_equals": lambda value: ConditionConfig(not_equals=scalar_of(value)),
    "one_of": lambda value: ConditionConfig(one_of=scalars_of(value)),
    "matches": lambda value: ConditionConfig(matches=meant(value)),
    "exists": lambda _: ConditionConfig(exists=True),
    "missing": lambda _: ConditionConfig(exists=False),
}


def condition_node(config: ConditionConfig) -> Node:
    """Return the row of *config*."""
    if config.path is None:
        if config.body_contains:
            return texts_node(how="body", value=visible(config.body_contains))
        return texts_node(how="status", value=", ".join(str(each) for each in config.status))
    test, value = _test_of(config)
    node = path_node(config.path)
    node.inner |= texts_node(test=test, value=value).inner
    return node


def _test_of(config: ConditionConfig) -> tuple[str, str]:
    if config.exists is not None:
        return ("exists" if config.exists else "missing"), ""
    if config.one_of:
        return "one_of", scalars_text(config.one_of)
    if config.matches:
        return "matches", visible(config.matches)
    if config.not_equals is not None:
        return "not_equals", scalar_text(config.not_equals)
    return "equals", "" if config.equals is None else scalar_text(config.equals)


def condition_main(node: Node) -> str:
    """Return the input to which a problem of a condition as a whole belongs."""
    return "value" if _text(node, CONDITION_INPUTS, "how") in _PLAIN else "path"


def fact_of(node: Node) -> FactConfig:
    """Return the name or type of a document in the row *node*."""
    if _text(node, FACT_INPUTS, "how") == "template":
        return FactConfig(template=meant(_text(node, FACT_INPUTS, "path")))
    return FactConfig(path=path_of(node))


def fact_node(config: FactConfig) -> Node:
    """Return the row of *config*."""
    if config.path is None:
        return texts_node(how="template", path=visible(config.template, in_lines=True))
    return path_node(config.path)


def location_of(node: Node) -> dict[str, Any]:
    """Return the kind, path and pattern of a document's location in the row *node*."""
    kind = _text(node, LOCATION_INPUTS, "kind") or "body"
    has_path = kind in _WITH_PATH and _text(node, LOCATION_INPUTS, "path").strip() != ""
    pattern = meant(_text(node, LOCATION_INPUTS, "pattern")) if kind in PATTERN_KINDS else ""
    return {"kind": kind, "path": path_of(node) if has_path else None, "pattern": pattern}


def location_node(config: AnswerConfig) -> Node:
    """Return the row of a document's location.

    An answer that has no more than its default keeps its kind, so that it isn't left out.
    """
    is_default = config.kind == "body" and (config.name or config.type or config.authentication)
    node = path_node(config.path or PathConfig(kind="json", text=""))
    kind = "" if is_default else config.kind
    node.inner |= texts_node(kind=kind, pattern=visible(config.pattern)).inner
    return node


def applicable(config: AnswerConfig) -> AnswerConfig:
    """Return *config* without what doesn't apply to its kind: those inputs aren't shown."""
    is_link = config.kind == "link"
    return replace(
        config,
        authentication=config.authentication and config.kind == "url",
        name=None if is_link else config.name,
        type=None if is_link else config.type,
    )
