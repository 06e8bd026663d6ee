"""Encoders: one for each slot that a token may be in, as a value is written there."""

from __future__ import annotations

import json.encoder
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, quote_plus

from billhook.engine.egress.url import encode_target
from billhook.engine.tokens.values import Given, UnfitValue

_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]*", re.ASCII)
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_JSON_STRING: Final = json.encoder.encode_basestring
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
_XML_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_XML_SPACE: Final = {"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_XML_DOUBLE: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"} | _XML_SPACE
)
_XML_SINGLE: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;"} | _XML_SPACE
)
_COOKIE: Final = re.compile(r'("?)[!#-+\--:<-\[\]-~]*\1')  # cookie-value of RFC 6265, 4.1.1
_FIELD_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~A-Za-z0-9-]+")  # token of RFC 9110, section 5.6.2

EMPTY_SEGMENT: Final = "is empty, which would leave a part of the path empty."
EMPTY_INSIDE: Final = "would leave a part of the path empty, with two slashes in a row."

SLOTS: Final[dict[str, str]] = {
    "URL path": "Percent-encoded, all but letters, digits and - . _ ~ (space is %20, / is %2F).",
    "URL query": "Percent-encoded like the path.",
    "form": "Encoded as a form does it: like the path, but a space is +.",
    "JSON string": "Inside quotes: the text, with quotes, backslashes and line breaks escaped.",
    "JSON value": "Without quotes: the value in its own type; text gains its quotes.",
    "XML text": "Between tags: with & < > escaped.",
    "XML attribute": "Inside a quoted attribute: with & < > quotes and line breaks escaped.",
    "header": "As it is. Printable ASCII only, no space at the ends of the header.",
    "text": "As it is.",
}
"""The slots by name, with what happens to a value there."""


def present(given: Given) -> str:
    """Return the text of *given*; null has none."""
    if given.text is None:
        raise UnfitValue("null-value", "is null, which can be sent only bare in a JSON body.")
    return given.text


def encode_text(given: Given) -> str:
    """Write a value into plain text: as it is."""
    return present(given)


def encode_percent(given: Given) -> str:
    """Write a value into a URL's path or query: all but unreserved characters are encoded."""
    text = present(given)
    return text if _UNRESERVED.fullmatch(text) else quote(text, safe="")


def encode_whole_segment(given: Given) -> str:
    """Write a value that is a whole segment of a path, so it can't be empty."""
    encoded = encode_percent(given)
    if not encoded:
        raise UnfitValue("empty-segment", EMPTY_SEGMENT)
    return encoded


def encode_segments(given: Given) -> str:
    """Write a value into a URL's path as several segments, none of them empty."""
    segments = present(given).split("/")
    if not all(segments):
        raise UnfitValue("empty-segment", EMPTY_INSIDE if len(segments) > 1 else EMPTY_SEGMENT)
    return "/".join(quote(segment, safe="") for segment in segments)


def encode_segments_after_slash(given: Given) -> str:
    """Write a value into a URL's path after a slash, so it loses one at its beginning."""
    text = present(given).removeprefix("/")
    return encode_segments(given._replace(text=text))


def encode_raw(given: Given) -> str:
    """Pass a value on into a URL's query as it is; what no URL can hold is encoded or refused."""
    text = present(given)
    if _CONTROL.search(text) or " " in text:
        raise UnfitValue(
            "control-character", "holds a space or control character, which a raw value can't."
        )
    if "#" in text or "\\" in text:
        raise UnfitValue("url-syntax", "holds # or a backslash, which a raw value can't.")
    if _STRAY_PERCENT.search(text):
        raise UnfitValue(
            "url-syntax", "holds a % without two hexadecimal digits, so it isn't encoded already."
        )
    return encode_target(text)


def encode_raw_path(given: Given) -> str:
    """Pass a value on into a URL's path as it is: it may add segments, but no empty ones."""
    text = encode_raw(given)
    if "?" in text:
        raise UnfitValue("url-syntax", "holds a ?, where the query would begin.")
    if not text or "//" in text:
        raise UnfitValue("empty-segment", EMPTY_INSIDE if text else EMPTY_SEGMENT)
    return text


def encode_raw_after_slash(given: Given) -> str:
    """Pass a value on into a URL's path after a slash, so it loses one at its beginning."""
    return encode_raw_path(given).removeprefix("/")


def encode_form(given: Given) -> str:
    """Write a value into a form body (application/x-www-form-urlencoded)."""
    text = present(given)
    return text if _UNRESERVED.fullmatch(text) else quote_plus(text)


def encode_json_string(given: Given) -> str:
    """Write a value inside the quotes of a JSON string."""
    return _JSON_STRING(present(given))[1:-1]


def encode_json_value(given: Given) -> str:
    """Write a value bare into JSON, in its own type."""
    if given.text is None:
        return "null"
    return _JSON_STRING(given.text) if given.quoted else given.text


def encode_xml_text(given: Given) -> str:
    """Write a value between XML tags."""
    return _xml(given, _XML_TEXT)


def encode_xml_attribute(quote_mark: str) -> Callable[[Given], str]:
    """Return the encoder for an attribute in *quote_mark*."""
    table = _XML_DOUBLE if quote_mark == '"' else _XML_SINGLE

    def encode(given: Given) -> str:
        return _xml(given, table)

    return encode


def _xml(given: Given, table: dict[int, str]) -> str:
    text = present(given)
    if _NOT_XML.search(text):
        raise UnfitValue(
            "invalid-xml-char", "holds a character that XML can't hold (XML 1.0, 2.2)."
        )
    return text.translate(table)


def encode_header(given: Given) -> str:
    """Write a value into a header: as it is, printable ASCII only (RFC 9110, section 5.5)."""
    text = present(given)
    if text.isascii() and text.isprintable():
        return text
    if _CONTROL.search(text):
        raise UnfitValue(
            "control-character", "holds a control character, which would break the header."
        )
    raise UnfitValue(
        "non-ascii",
        "holds a letter beyond ASCII, for which headers have no agreed encoding. "
        "Send it in the URL or the body.",
    )


def encode_header_quoted(given: Given) -> str:
    """Write a value inside a quoted string of a header."""
    text = encode_header(given)
    if '"' in text or "\\" in text:
        raise UnfitValue(
            "quoted-string-break", "holds a quote or backslash, which would end the quoted text."
        )
    return text


def encode_cookie(given: Given) -> str:
    """Write a value into the value of a cookie (RFC 6265)."""
    text = encode_header(given)
    if not _COOKIE.fullmatch(text):
        raise UnfitValue(
            "cookie-break",
            "holds a space, quote, comma, semicolon or backslash, which a cookie can't hold.",
        )
    return text


def encode_cookie_name(given: Given) -> str:
    """Write a value into the name of a cookie."""
    text = encode_header(given)
    if not _FIELD_TOKEN.fullmatch(text):
        raise UnfitValue("cookie-break", "holds a character that a cookie's name can't hold.")
    return text
