"""XML bodies with tokens in text and quoted attributes: parsed again after each filling."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final
from xml.etree import ElementTree as ET

from billhook.engine.errors import Problem
from billhook.engine.slots.json import spare_characters
from billhook.engine.tokens.encoders import encode_xml_attribute, encode_xml_text
from billhook.engine.tokens.template import Encode, Template, build_template, place_tokens
from billhook.engine.tokens.text import Scope, Text, TokenUse
from billhook.engine.tokens.values import UnfitValue, Values

_MARKUP: Final = re.compile(
    r"(?P<comment><!--.*?(?:-->|\Z))"
    r"|(?P<cdata><!\[CDATA\[.*?(?:\]\]>|\Z))"
    r"|(?P<instruction><\?.*?(?:\?>|\Z))"
    r"|(?P<declaration><!.*?(?:>|\Z))"
    r"""|(?P<tag><(?:[^<>"']|"[^"]*"|'[^']*')*(?:>|\Z|(?=<)))""",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(r"""\s([^\s=<>"'/]+)\s*=\s*("[^"]*"|'[^']*')""")
_ENCODING: Final = re.compile(r"""<\?xml\s[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_NOT_HERE: Final = {
    "comment": "A comment can't hold a token: nobody reads it there. Move it into an element.",
    "cdata": "A CDATA section can't hold a token, since nothing can be escaped in it. "
    "Write the token as plain text, without <![CDATA[ ]]>.",
    "instruction": "A processing instruction (<? ?>) can't hold a token.",
    "declaration": "A declaration (<! >) can't hold a token.",
    "tag": "In a tag, a token is allowed only in the value of an attribute, inside quotes.",
    "namespace": "A namespace is fixed: it can't hold a token.",
}

Skeleton = tuple[tuple[str, int, tuple[str, ...]], ...]


def compile_xml(text: Text, scope: Scope) -> tuple[Template | None, list[Problem]]:
    """Compile an XML body; return it, or the problems that prevent it."""
    shape = text.shape()
    encoders, problems = _find_slots(text, shape)
    problems += _declaration_problems(text, shape)
    if problems:
        return None, problems
    skeleton, problems = _parse(text)
    if problems:
        return None, problems
    parts, problems = place_tokens(text, scope, lambda token: encoders[token.start])
    check = _check_of_whole(skeleton) if text.tokens else None
    template = build_template(text.where, parts, check=check)
    return (None, problems) if problems else (template, [])


def _find_slots(text: Text, shape: str) -> tuple[dict[int, Encode], list[Problem]]:
    """Return the encoder of each token by its offset; refuse those in markup."""
    encoders: dict[int, Encode] = {token.start: encode_xml_text for token in text.tokens}
    problems = []
    for match in _MARKUP.finditer(shape):
        kind = str(match.lastgroup)
        attributes = dict(_attributes(match)) if kind == "tag" else {}
        for token in text.tokens:
            if not match.start() <= token.start < match.end():
                continue
            name, quote_mark = _attribute_at(token, attributes)
            if name == "xmlns" or name.startswith("xmlns:"):
                problems.append(text.misplaced(token, _NOT_HERE["namespace"]))
            elif quote_mark:
                encoders[token.start] = encode_xml_attribute(quote_mark)
            else:
                problems.append(text.misplaced(token, _NOT_HERE[kind]))
    return encoders, problems


def _attributes(tag: re.Match[str]) -> Iterator[tuple[tuple[int, int], tuple[str, str]]]:
    """Yield the location of each attribute's value in the text, with the name and its quote."""
    for match in _ATTRIBUTE.finditer(tag[0]):
        start, end = match.span(2)
        yield (tag.start() + start, tag.start() + end), (match[1], match[2][0])


def _attribute_at(
    token: TokenUse, attributes: dict[tuple[int, int], tuple[str, str]]
) -> tuple[str, str]:
    for (start, end), found in attributes.items():
        if start < token.start < end:
            return found
    return "", ""


def _declaration_problems(text: Text, shape: str) -> list[Problem]:
    problems = []
    encoding = _ENCODING.match(shape)
    if encoding and encoding[1].lower() != "utf-8":
        message = 'Bodies are sent in UTF-8: write encoding="UTF-8", or leave it out.'
        problems.append(text.problem("unsupported-charset", message, encoding.span(1), "UTF-8"))
    for match in _MARKUP.finditer(shape):
        if match.lastgroup == "declaration":
            message = "A document type (<!DOCTYPE>) is not allowed. Remove it."
            problems.append(text.problem("invalid-xml", message, match.span()))
    return problems


def _parse(text: Text) -> tuple[Skeleton, list[Problem]]:
    marks = dict(zip(text.tokens, spare_characters(text.text), strict=False))
    sample = text.shape(lambda token: marks[token] * (token.end - token.start))
    try:
        return _skeleton(sample), []
    except ET.ParseError as error:
        line, column = error.position
        message = (
            f"The body is not well-formed XML (line {line}, column {column + 1}). "
            "Close every tag, quote every attribute, and write & as &amp; and < as &lt;."
        )
        at = _offset(sample, line, column)
        return (), [text.problem("invalid-xml", message, (at, min(at + 1, len(sample))))]


def _offset(text: str, line: int, column: int) -> int:
    earlier = text.split("\n")[: line - 1]
    return min(sum(len(passed) + 1 for passed in earlier) + column, len(text))


def _skeleton(text: str) -> Skeleton:
    root = ET.fromstring(text)  # noqa: S314 - no document type passes, see above
    return tuple((element.tag, len(element), tuple(element.attrib)) for element in root.iter())


def _check_of_whole(skeleton: Skeleton) -> Callable[[str, Values], None]:
    """Return the check that the filled body still has the template's elements and attributes."""

    def check(filled: str, values: Values) -> None:  # noqa: ARG001 - the form of every check
        try:
            fitting = _skeleton(filled) == skeleton
        except ET.ParseError:
            fitting = False
        if not fitting:
            raise UnfitValue("structure-changed", "changes the structure of the XML body.")

    return check
