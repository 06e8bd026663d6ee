"""A response read as JSON, XML or text: each at most once, and only when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lxml import etree

from billhook.engine.answer.formats.charset import charset_of, decode, decode_xml
from billhook.engine.answer.formats.json_text import read_json
from billhook.engine.answer.formats.multipart import BodyParts, is_multipart, split_parts
from billhook.engine.answer.formats.xml_text import corrected
from billhook.engine.answer.kinds import Bytes
from billhook.engine.cookie import set_cookies
from billhook.engine.egress.address import read_address
from billhook.engine.egress.url import MAX_LOCATION_LENGTH, parse_url
from billhook.engine.verdict import Verdict

MAX_DEPTH_TEXT: Final = 50_000_000
"""The most bytes of a response that are read for values; base 64 of a 25 MB document fits."""

_ENTITIES: Final = "The response is XML that declares entities, which is refused."


class Unreadable(Exception):
    """The response isn't what a path or condition needs. *reason* is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Content:
    """One response, for paths and conditions: status, headers, and the body in the form needed.

    Of a response of several parts, JSON, XML and text are those of the root part. *address* is the
    URL of the request that it is to.
    """

    def __init__(
        self,
        status: int,
        headers: Sequence[tuple[str, str]],
        body: Bytes,
        *,
        address: str = "",
    ) -> None:
        self.status = status
        self.headers = tuple(headers)
        self.body = body
        self.address = address
        self._json: list[Any] = []
        self._xml: list[etree._Element] = []
        self._text: list[str] = []
        self._parts: list[BodyParts | None] = []

    @property
    def size(self) -> int:
        """The number of bytes of the body."""
        return self.body.size

    def header(self, name: str) -> list[str]:
        """Return the values of all headers called *name*, in any case."""
        wanted = name.lower()
        return [value for given, value in self.headers if given.lower() == wanted]

    def cookie(self, name: str) -> str | None:
        """Return the value of the cookie called *name* that the response sets, if it sets one."""
        return set_cookies(self.headers).get(name)

    def absolute(self, address: str) -> str:
        """Return *address*, which may be relative to the response's own, as a whole URL.

        One that can't be read stays as it is: it is refused when it is used.
        """
        base = parse_url(self.address, limit=MAX_LOCATION_LENGTH)
        url = base if isinstance(base, Verdict) else read_address(address, base)
        return address if isinstance(url, Verdict) else url.text

    def json(self) -> Any:
        """Return the body as JSON, numbers exact; raise Unreadable if it is none."""
        if not self._json:
            self._json.append(_read_json(self.text()))
        return self._json[0]

    def xml(self) -> etree._Element:
        """Return the root of the body as XML; raise Unreadable if it is none, or has entities."""
        if not self._xml:
            self._xml.append(_read_xml(*self._entity()))
        return self._xml[0]

    def text(self) -> str:
        """Return the body as text; characters that its charset doesn't have are replaced."""
        if not self._text:
            self._text.append(decode(*self._entity()))
        return self._text[0]

    @property
    def is_multipart(self) -> bool:
        """Whether its header says that it has several parts."""
        return is_multipart(self._content_type)

    @property
    def parts(self) -> BodyParts | None:
        """The parts of a response of several; None if it isn't one, or can't be split."""
        if not self._parts:
            has_some = self.is_multipart
            split = split_parts(self._content_type, self._bytes()) if has_some else None
            self._parts.append(split)
        return self._parts[0]

    @property
    def _content_type(self) -> str:
        return next(iter(self.header("Content-Type")), "")

    def _entity(self) -> tuple[bytes, str | None]:
        """Return the bytes to look into, and the charset that their header names."""
        if self.parts is None:
            return self._bytes(), charset_of(self._content_type)
        return self.parts.root.read(), charset_of(self.parts.root.content_type)

    def _bytes(self) -> bytes:
        if self.body.size > MAX_DEPTH_TEXT:
            raise Unreadable(
                f"The response is larger than {MAX_DEPTH_TEXT:,} bytes, too large to look into."
            )
        return self.body.read()


def _read_json(text: str) -> Any:
    try:
        return read_json(text)
    except (ValueError, RecursionError):
        raise Unreadable("The response is not JSON.") from None


def _read_xml(data: bytes, declared: str | None) -> etree._Element:
    """Parse with nothing fetched and no entity but XML's own five (CWE-611, CWE-776).

    The parser gets UTF-8 alone, so that no other charset hides a declaration of entities.
    """
    text = decode_xml(data, declared).rstrip("\0 \t\r\n")
    if "<!ENTITY" in text:
        raise Unreadable(_ENTITIES)
    try:
        root = _parse_xml(text)
    except (etree.XMLSyntaxError, ValueError):
        root = _read_corrected(corrected(text))
    declared_type = root.getroottree().docinfo.internalDTD
    if declared_type is not None and any(declared_type.iterentities()):
        raise Unreadable(_ENTITIES)
    return root


def _read_corrected(text: str) -> etree._Element:
    if "<!ENTITY" in text:
        raise Unreadable(_ENTITIES)
    try:
        return _parse_xml(text)
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable("The response is not XML.") from None


def _parse_xml(text: str) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        recover=False,
        encoding="utf-8",
    )
    return etree.fromstring(text.encode(errors="replace"), parser)
