"""Decodes the text of a response: the charset is a byte-order mark's, the header's or the XML's."""

from __future__ import annotations

import codecs
import re
from typing import Final

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GENERIC: Final = {"utf-16": "utf-8", "utf-32": "utf-8"}
"""Charsets that say no byte order, each with the charset of texts that don't show one either:
.NET declares UTF-16 for a text that it then writes in UTF-8."""
_ZEROS: Final = (
    (re.compile(rb"[^\0]\0\0\0", re.DOTALL), "utf-32-le"),
    (re.compile(rb"\0\0\0[^\0]", re.DOTALL), "utf-32-be"),
    (re.compile(rb"[^\0]\0", re.DOTALL), "utf-16-le"),
    (re.compile(rb"\0[^\0]", re.DOTALL), "utf-16-be"),
)
"""JSON and XML begin with ASCII, so zeros show the width and order (XML 1.0, appendix F)."""
_WESTERN: Final = "cp1252"
_AS_BROWSERS_DO: Final = {
    "iso8859-1": _WESTERN,
    "ascii": _WESTERN,
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
"""Charsets that browsers read as a larger one, since servers mix them up (WHATWG Encoding, 4.2)."""
_NAMES: Final = """
utf-8 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be ascii gb2312 gbk gb18030 big5 big5hkscs
euc_jp euc_kr cp949 iso2022_jp shift_jis cp932 koi8-r koi8-u mac-roman mac-cyrillic cp037 cp273
cp437 cp500 cp850 cp852 cp858 cp866 cp874 cp1140 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256
cp1257 cp1258 iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8
iso8859-9 iso8859-10 iso8859-11 iso8859-13 iso8859-14 iso8859-15 iso8859-16
"""
CHARSETS: Final = frozenset(_NAMES.split())
"""The charsets that are decoded, all in linear time. Python also calls ``idna``, ``punycode`` and
``unicode_escape`` encodings, and UTF-7 hides markup (CWE-838): none of those is here."""
_PARAMETER: Final = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:+-]+)", re.ASCII | re.IGNORECASE)
_DECLARED: Final = re.compile(
    rb"""<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']"""
)
_DECLARATION: Final = re.compile(r"<\?xml\s[^>]{0,200}\?>")
_SPACE: Final = b" \t\r\n\f\0"


def charset_of(content_type: str) -> str | None:
    """Return the charset that *content_type* names, as Python calls it, if it can be decoded."""
    match = _PARAMETER.search(content_type)
    return known_charset(match[1]) if match else None


def known_charset(label: str) -> str | None:
    """Return Python's name of the charset *label*, or None where it is unknown."""
    name = label.strip().lower().removeprefix("x-").replace("windows-", "cp")
    try:
        name = codecs.lookup(name).name
    except (LookupError, ValueError):  # ValueError: a label with a NUL
        return None
    return _AS_BROWSERS_DO.get(name, name) if name in CHARSETS else None


def decode(data: bytes, declared: str | None = None) -> str:
    """Decode *data*, of which *declared* is the header's charset, without byte-order marks.

    A mark wins over the header, as in browsers. A wide charset counts only where zeros show that it
    is used. What is no UTF-8 is read as Windows-1252, as most of it is.
    """
    charset, data = _charset_and_text(data, declared)
    try:
        text = data.decode(charset)
    except UnicodeDecodeError:
        text = _decode_invalid(data, charset)
    return text.lstrip("\ufeff")


def decode_xml(data: bytes, declared: str | None = None) -> str:
    """Decode *data* as XML, without its declaration and the white space before it.

    The charset is the header's, else that of the declaration (RFC 7303, 3).
    """
    if declared is None and (match := _DECLARED.match(data.lstrip(_SPACE + codecs.BOM_UTF8))):
        declared = known_charset(match[1].decode("ascii"))
    text = decode(data, declared).lstrip("\ufeff \t\r\n\f")
    declaration = _DECLARATION.match(text)
    return text[declaration.end() :] if declaration else text


def _charset_and_text(data: bytes, declared: str | None) -> tuple[str, bytes]:
    """Return the charset of *data*, and *data* from where its text begins."""
    for mark, charset in _BOMS:
        if data.startswith(mark):
            return charset, data[len(mark) :]
    if declared is None or declared in _GENERIC:
        return _width_by_zeros(data) or _GENERIC.get(declared or "", "utf-8"), data
    if declared.startswith(("utf-16", "utf-32")) and b"\0" not in data:
        return "utf-8", data
    return declared, data


def _width_by_zeros(data: bytes) -> str | None:
    head = data[:4]
    return next((charset for zeros, charset in _ZEROS if zeros.match(head)), None)


def _decode_invalid(data: bytes, charset: str) -> str:
    if charset == "utf-8":
        charset = _WESTERN
    if charset == _WESTERN:
        try:
            return data.decode(_WESTERN)
        except UnicodeDecodeError:  # five bytes mean nothing in it
            return data.decode("latin-1")
    return data.decode(charset, errors="replace")
