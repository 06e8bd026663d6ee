"""Authentication in the rows of the form: read into what the engine compiles, and shown."""

from __future__ import annotations

from typing import Final

from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.authentication.scheme import Scheme
from billhook.engine.config import AuthenticationConfig
from billhook.engine.field import FieldInfo
from billhook.portal.editor.input_kinds import (
    NO,
    YES,
    meant,
    number_of,
    number_text,
    visible,
    words_of,
)
from billhook.portal.editor.row_kinds import PARTS, RowKind, list_of, texts_kind
from billhook.portal.editor.tree import Node, rows_node, texts_node

Typed = str | bool | float
VARIABLE: Final = texts_kind(
    FieldInfo(key="name", label="Name", help="", example="BaseUrl"),
    FieldInfo(
        key="value", label="Value", help="", kind="exact", example="https://billing.example.com"
    ),
    main="value",
    noun="Variable",
)
_PARAMETER: Final = texts_kind(
    FieldInfo(key="name", label="Name", help="", example="audience"),
    FieldInfo(key="value", label="Value", help="", kind="exact"),
    main="value",
    noun="Parameter",
)


def authentication_config(node: Node) -> AuthenticationConfig | None:
    """Return the authentication in *node*; None if no scheme was chosen."""
    scheme = AUTHENTICATION.text(node, "scheme")
    if not scheme:
        return None
    info = SCHEMES.get(scheme)
    parts = info.parts if info else ()
    given = {
        key: part.read(node.at(key)) for key, part in AUTHENTICATION.parts.items() if key in parts
    }
    if "extra" in given:
        given["extra"] = dict(given["extra"])
    return AuthenticationConfig(scheme=scheme, fields=_fields(node, info) if info else {}, **given)


def _fields(node: Node, info: Scheme) -> dict[str, Typed]:
    stated = words_of(AUTHENTICATION.text(node, "stated"))
    order = [name for name in stated if info.field(name)]
    order += [each.key for each in info.fields if each.key not in order]
    fields = [each for name in order if (each := info.field(name)) is not None]
    return {
        each.key: _value(each, text)
        for each in fields
        for text in (text_of_field(node, each),)
        if each.key in stated or text != _default_text(each)
    }


def text_of_field(node: Node, info: FieldInfo) -> str:
    """Return the text of the field *info* in *node*: its default, unless something was typed."""
    text = node.at(f"field-{info.key}").text
    return _default_text(info) if text is None else text


def _default_text(info: FieldInfo) -> str:
    return _text(info.default if isinstance(info.default, bool) else str(info.default), info)


def _value(info: FieldInfo, text: str) -> Typed:
    if info.kind == "boolean":
        return text == YES
    if info.kind == "seconds" and text.strip():
        number = number_of(text)
        return int(number) if number.is_integer() else number
    return meant(text)


def _text(value: Typed, info: FieldInfo | None) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    in_lines = info is not None and info.kind == "request-text"
    return visible(value, in_lines=in_lines) if isinstance(value, str) else number_text(value)


def authentication_node(config: AuthenticationConfig | None) -> Node:
    """Return the row of *config*."""
    if config is None:
        return Node()
    info = SCHEMES.get(config.scheme)
    node = texts_node(scheme=config.scheme, stated=" ".join(config.fields))
    texts = {
        name: _text(value, info.field(name) if info else None)
        for name, value in config.fields.items()
    }
    node.inner |= {
        "field": texts_node(**texts),
        "extra": rows_node(_PARAMETER.show(pair) for pair in config.extra.items()),
        "headers": AUTHENTICATION.parts["headers"].show(config.headers),
        "refused_when": AUTHENTICATION.parts["refused_when"].show(config.refused_when),
        "requests": AUTHENTICATION.parts["requests"].show(config.requests),
        "derive": AUTHENTICATION.parts["derive"].show(config.derive),
    }
    return node


AUTHENTICATION: Final = RowKind(
    inputs={
        "scheme": FieldInfo(
            key="scheme",
            label="Authentication scheme",
            help="Applies to all requests: basic, OAuth 2, sessions and signatures. A key in a "
            "header of one request needs no scheme.",
            kind="choice",
        ),
        "stated": FieldInfo(key="stated", label="", help=""),
    },
    parts={
        key: PARTS[kind](FieldInfo(key=key, label=label, help=help_, kind=kind))
        for key, kind, label, help_ in (
            ("headers", "pairs", "Headers", ""),
            ("refused_when", "conditions", "The session has ended when", ""),
            ("requests", "requests", "The requests that open the session", ""),
            ("derive", "derives", "Values made from those of the session", ""),
        )
    }
    | {
        "extra": list_of(lambda: _PARAMETER)(
            FieldInfo(key="extra", label="More parameters", help="")
        )
    },
    read=authentication_config,
    show=authentication_node,
    main=lambda _: "scheme",
)
