"""A document that is written as text or numbers is read in every form that systems send."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billhook.engine.answer.encoded_bytes import decode_text, decode_value
from billhook.engine.errors import NotADocument, SourceTooLarge

PLENTY = 10_000_000
PDF = b"%PDF-1.7\n\xe2\xe3\xcf\xd3\xff\xfe\xfb\n" + bytes(range(256)) + b"\n%%EOF\n"
LINES = base64.encodebytes(PDF).decode()
PLAIN = base64.b64encode(PDF).decode()


@given(st.binary())
@example(b"\xec\x17")  # 7Bc= looks like a bracket in hexadecimal
@example(b"\xec\x1e\xc1")  # and 7B7B like two
@pytest.mark.parametrize(
    "write",
    [
        base64.b64encode,
        base64.urlsafe_b64encode,
        base64.encodebytes,
        lambda data: base64.b64encode(data).rstrip(b"="),
        lambda data: b"data:application/pdf;base64," + base64.b64encode(data),
        lambda data: b'"' + base64.b64encode(data) + b'"',
        lambda data: base64.b64encode(data).replace(b"A", b"A\r\n"),
        lambda data: json.dumps(base64.encodebytes(data).decode()).encode(),
        lambda data: quote(base64.b64encode(data), safe="").encode(),
        lambda data: json.dumps(list(data)).encode() if data else b"",
        lambda data: json.dumps({"type": "Buffer", "data": list(data)}).encode() if data else b"",
    ],
    ids=[
        "plain",
        "url",
        "lines",
        "unpadded",
        "data-url",
        "quoted",
        "broken-up",
        "escaped-lines",
        "percent-encoded",
        "numbers",
        "buffer",
    ],
)
def test_bytes_are_read_in_all_forms(write, data):
    assert decode_text(write(data).decode(), max_bytes=PLENTY) == data


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(LINES.replace("\n", "\\n"), id="line-breaks-escaped-twice"),
        pytest.param(LINES.replace("\n", "\\\\r\\\\n"), id="line-breaks-escaped-three-times"),
        pytest.param(PLAIN.replace("/", "\\/"), id="slashes-escaped-twice"),
        pytest.param(PLAIN.replace("+", "\\u002B").replace("=", "\\u003d"), id="signs-escaped"),
        pytest.param(LINES.replace("\n", "&#13;\n"), id="carriage-returns-escaped-in-xml"),
        pytest.param(LINES.replace("\n", "&#xD;&#xA;"), id="line-breaks-escaped-in-xml"),
        pytest.param("data:application/pdf;filename=a.pdf;base64," + LINES, id="data-with-name"),
        pytest.param(
            "data:application/pdf;name=R%C3%BC.pdf;base64," + PLAIN, id="data-with-escape"
        ),
        pytest.param('data:a/b;name="x y.pdf"; base64,' + PLAIN, id="data-with-quotes-and-spaces"),
        pytest.param("data:;base64," + LINES, id="data-without-type"),
        pytest.param("DATA:application/pdf;BASE64," + LINES, id="data-in-capitals"),
        pytest.param("data:application/pdf," + quote(PDF), id="data-percent-encoded"),
        pytest.param("\ufeff" + LINES, id="byte-order-mark"),
        pytest.param(f'  "{PLAIN}"\r\n', id="quotes-and-spaces"),
        pytest.param(PDF.hex(), id="hex"),
        pytest.param(PDF.hex().upper(), id="hex-in-capitals"),
        pytest.param("0x" + PDF.hex(), id="hex-of-sql-server"),
        pytest.param("\\x" + PDF.hex(), id="hex-of-postgresql"),
        pytest.param(PDF.hex("-").upper(), id="hex-of-dotnet"),
        pytest.param(PDF.hex("\n", 32), id="hex-in-lines"),
        pytest.param(str(list(PDF)), id="list-in-a-text"),
    ],
)
def test_a_text_is_decoded(text):
    assert decode_text(text, max_bytes=PLENTY) == PDF


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(list(PDF), id="list"),
        pytest.param([byte - 256 if byte > 127 else byte for byte in PDF], id="signed-list"),
        pytest.param({"type": "Buffer", "data": list(PDF)}, id="buffer-of-node"),
        pytest.param({str(at): byte for at, byte in enumerate(PDF)}, id="typed-array"),
        pytest.param(PLAIN, id="text"),
    ],
)
def test_a_json_value_is_decoded(value):
    assert decode_value(value, max_bytes=len(PDF)) == PDF
    with pytest.raises(SourceTooLarge):
        decode_value(value, max_bytes=len(PDF) - 1)


@pytest.mark.parametrize(
    "text", ["%PDF-1.7", "JVBE*", "<html>", "JVBERi0xL", "{}", "[", "[1, 256]"]
)
def test_a_text_in_no_such_form_is_not_a_document(text):
    with pytest.raises(NotADocument, match="base 64"):
        decode_text(text, max_bytes=PLENTY)


@pytest.mark.parametrize(
    "value", [[], {}, [256], [-129], [1.5], [True], ["37"], {"data": 7}, {"1": 37}, 7, None]
)
def test_a_json_value_in_no_such_form_is_not_a_document(value):
    with pytest.raises(NotADocument, match="base 64"):
        decode_value(value, max_bytes=PLENTY)


@pytest.mark.parametrize("text", ["A" * 1_000, "25504446" + "20" * 1_000, "data:," + "x" * 1_000])
def test_a_text_over_the_limit_is_too_large(text):
    with pytest.raises(SourceTooLarge):
        decode_text(text, max_bytes=700)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\\" * 2_000_000, id="backslashes"),
        pytest.param("%" * 2_000_000, id="percent-signs"),
        pytest.param("&" * 2_000_000, id="ampersands"),
        pytest.param("data:" + ";" * 2_000_000, id="parameters"),
        pytest.param("-" * 2_000_000, id="dashes"),
        pytest.param("2550444620" * 400_000, id="hex"),
        pytest.param(" " * 2_000_000 + "x", id="spaces"),
    ],
)
def test_odd_texts_are_judged_in_linear_time(text):
    began = time.process_time()
    with contextlib.suppress(NotADocument):
        decode_text(text, max_bytes=PLENTY)
    assert time.process_time() - began < 3
