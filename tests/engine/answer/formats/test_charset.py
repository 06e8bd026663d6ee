"""A response is read in the charset of its byte-order mark, its header or its XML declaration."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.answer.content import Content
from billhook.engine.answer.formats.charset import charset_of, decode, decode_xml
from billhook.engine.body import Body

TEXT = "{Müller & Söhne – 5 €}"
BOM = "\ufeff".encode()


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        pytest.param("text/plain", TEXT.encode(), id="utf-8-by-default"),
        pytest.param("text/plain; charset=utf-8", TEXT.encode(), id="utf-8"),
        pytest.param("text/plain; charset=utf-8", BOM + TEXT.encode(), id="byte-order-mark"),
        pytest.param("text/plain; charset=utf-8", BOM + BOM + TEXT.encode(), id="two-marks"),
        pytest.param("text/plain; charset=ISO-8859-1", BOM + TEXT.encode(), id="mark-wins"),
        pytest.param("text/plain; charset=windows-1252", TEXT.encode("cp1252"), id="windows-1252"),
        pytest.param("text/plain; charset=ISO-8859-1", TEXT.encode("cp1252"), id="latin-1"),
        pytest.param(
            'text/plain;Charset="ISO-8859-15"', TEXT.encode("iso8859-15", "replace"), id="15"
        ),
        pytest.param("text/plain; charset=utf-16", TEXT.encode("utf-16"), id="utf-16-with-mark"),
        pytest.param("text/plain; charset=utf-16", TEXT.encode("utf-16-le"), id="utf-16-le"),
        pytest.param("text/plain; charset=utf-16", TEXT.encode("utf-16-be"), id="utf-16-be"),
        pytest.param("text/plain; charset=utf-16le", TEXT.encode("utf-16-le"), id="little-endian"),
        pytest.param("text/plain", TEXT.encode("utf-16-be"), id="utf-16-without-a-label"),
        pytest.param("text/plain; charset=utf-32", TEXT.encode("utf-32"), id="utf-32"),
        pytest.param("text/plain; charset=utf-16", TEXT.encode(), id="utf-16-that-is-utf-8"),
        pytest.param("text/plain; charset=utf-16le", TEXT.encode(), id="utf-16-le-that-is-utf-8"),
        pytest.param("text/plain; charset=utf-8", TEXT.encode("cp1252"), id="utf-8-that-is-not"),
        pytest.param("text/plain", TEXT.encode("cp1252"), id="windows-1252-without-a-label"),
        pytest.param("text/plain; charset=nonsense", TEXT.encode(), id="unknown"),
        pytest.param("text/plain; charset=idna", TEXT.encode(), id="no-charset-of-texts"),
        pytest.param("text/plain; charset=utf-7", TEXT.encode(), id="utf-7"),
        pytest.param("text/plain; charset=gb2312", TEXT.encode("gb18030"), id="gb2312"),
    ],
)
def test_a_text_is_decoded(content_type, data):
    found = decode(data, charset_of(content_type))
    assert found == (TEXT if "15" not in content_type else TEXT.replace("–", "?"))


@pytest.mark.parametrize(
    ("declaration", "charset", "data_charset"),
    [
        pytest.param("", "", "utf-8", id="no-declaration"),
        pytest.param('encoding="UTF-8"', "", "utf-8", id="utf-8"),
        pytest.param('encoding="ISO-8859-1"', "", "cp1252", id="latin-1"),
        pytest.param("encoding='windows-1252'", "", "cp1252", id="windows-1252"),
        pytest.param('encoding="utf-16"', "utf-8", "utf-8", id="utf-16-declared-in-utf-8"),
        pytest.param('encoding="utf-16"', "", "utf-8", id="utf-16-declared-only"),
        pytest.param('encoding="utf-16"', "", "utf-16", id="utf-16"),
        pytest.param('encoding="utf-8"', "iso-8859-1", "cp1252", id="the-header-wins"),
        pytest.param('encoding="UTF-8"', "", "cp1252", id="utf-8-declared-only"),
        pytest.param('encoding="nonsense"', "", "utf-8", id="unknown"),
    ],
)
@pytest.mark.parametrize("before", ["", "\r\n\r\n", " \n\t", "\ufeff", "\ufeff\n", "\ufeff\ufeff"])
def test_xml_is_decoded(declaration, charset, data_charset, before):
    text = f'{before}<?xml version="1.0" {declaration}?><r><n>Müller €</n></r>'
    if data_charset == "cp1252":
        text = text.replace("\ufeff", "")
    kind = f"text/xml; charset={charset}" if charset else "text/xml"
    content = Content(200, [("Content-Type", kind)], Body(text.encode(data_charset)))
    assert content.xml().findtext("n") == "Müller €"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_for_any_text_utf_8_is_read_as_it_is(text):
    assert decode(text.encode("utf-8"), "utf-8") == text.lstrip("\ufeff") or text[:1] == "\ufffe"


@given(st.binary(max_size=64), st.sampled_from([None, "utf-8", "utf-16", "cp932", "iso2022_jp"]))
def test_for_any_bytes_there_is_a_text(data, charset):
    assert isinstance(decode(data, charset), str)
    assert isinstance(decode_xml(data, charset), str)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"<?xml " * 500_000, id="declarations"),
        pytest.param(b"<?xml version='1.0' " + b"encoding=" * 300_000, id="encodings"),
        pytest.param(b" " * 3_000_000, id="spaces"),
        pytest.param("\ufeff".encode() * 1_000_000, id="marks"),
    ],
)
def test_odd_beginnings_are_decoded_in_linear_time(data):
    began = time.process_time()
    decode_xml(data)
    charset_of("text/xml" + ";charset" * 300_000)
    charset_of("text/xml;" + " " * 1_000_000)
    assert time.process_time() - began < 2
