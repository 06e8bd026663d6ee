"""A response read as JSON, XML or text: each at most once, and only when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from lxml import etree

from billhook.engine.answer.kinds import Bytes

MAX_DEPTH_TEXT: Final = 50_000_000
"""The most bytes of a response that are read for values; base 64 of a 25 MB document fits."""

_ENTITIES: Final = "The response is XML that declares entities, which is refused."


class Unreadable(Exception):
    """The response isn't what a path or condition needs. *reason* is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Content:
    """One response, for paths and conditions: status, headers, and the body in the form needed."""

    def __init__(self, status: int, headers: Sequence[tuple[str, str]], body: Bytes) -> None:
        self.status = status
        self._headers = headers
        self._body = body
        self._json: list[Any] = []
        self._xml: list[etree._Element] = []
        self._text: list[str] = []

    @property
    def size(self) -> int:
        """The number of bytes of the body. Large ones are read in a thread of their own."""
        return self._body.size

    def header(self, name: str) -> list[str]:
        """Return the values of all headers called *name*, in any case."""
        wanted = name.lower()
        return [value for given, value in self._headers if given.lower() == wanted]

    def json(self) -> Any:
        """Return the body as JSON, numbers exact; raise Unreadable if it is none."""
        if not self._json:
            self._json.append(_read_json(self._bytes()))
        return self._json[0]

    def xml(self) -> etree._Element:
        """Return the root of the body as XML; raise Unreadable if it is none, or has entities."""
        if not self._xml:
            self._xml.append(_read_xml(self._bytes()))
        return self._xml[0]

    def text(self) -> str:
        """Return the body as UTF-8 text, with what isn't UTF-8 replaced."""
        if not self._text:
            self._text.append(self._bytes().decode("utf-8-sig", errors="replace"))
        return self._text[0]

    def _bytes(self) -> bytes:
        if self._body.size > MAX_DEPTH_TEXT:
            raise Unreadable(
                f"The response is larger than {MAX_DEPTH_TEXT:,} bytes, too large to look into."
            )
        return self._body.read()


def _read_json(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Unreadable("The response is not JSON.") from None


def _refuse(constant: str) -> None:
    """NaN and Infinity are no JSON (RFC 8259, section 6)."""
    raise ValueError(constant)


def _read_xml(data: bytes) -> etree._Element:
    """Parse with nothing fetched and no entity but XML's own five (CWE-611, CWE-776).

    Nothing is parsed that declares entities in plain sight. UTF-7 and its like hide them from such
    a look; libxml2's own limits end what grows without bound, and the rest is refused afterwards.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, recover=False
    )
    if b"<!ENTITY" in data or "<!ENTITY".encode("utf-16-le") in data:
        raise Unreadable(_ENTITIES)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable("The response is not XML.") from None
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(declared.iterentities()):
        raise Unreadable(_ENTITIES)
    return root
