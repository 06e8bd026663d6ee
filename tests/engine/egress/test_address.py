"""An address in a response is read as browsers read it, and never becomes another host."""

from __future__ import annotations

import time
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.egress.address import read_address
from billhook.engine.egress.url import Url, parse_url
from billhook.engine.verdict import Verdict

BASE = parse_url("https://api.example.com/v1/invoices/INV-1?full=1")
assert isinstance(BASE, Url)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("/files/a b.pdf", "/files/a%20b.pdf", id="space"),
        pytest.param(" \t/files/a.pdf\r\n", "/files/a.pdf", id="space-around"),
        pytest.param("/f?name=a b.pdf", "/f?name=a%20b.pdf", id="space-in-the-query"),
        pytest.param("/Rechnung_M\udcfcller.pdf", "/Rechnung_M%FCller.pdf", id="latin-1"),
        pytest.param("/Rechnung_Müller.pdf", "/Rechnung_M%C3%BCller.pdf", id="utf-8"),
        pytest.param("/a\u00a0b\u2028c", "/a%C2%A0b%E2%80%A8c", id="other-spaces"),
        pytest.param("/100%.pdf", "/100%25.pdf", id="stray-percent-sign"),
        pytest.param("/100%25%2F.pdf", "/100%25%2F.pdf", id="encoded-already"),
        pytest.param('/a"<>|{}.pdf', "/a%22%3C%3E%7C%7B%7D.pdf", id="other-signs"),
        pytest.param("/a.pdf#page=2", "/a.pdf", id="fragment"),
        pytest.param("a.pdf", "/v1/invoices/a.pdf", id="relative"),
        pytest.param("./a.pdf", "/v1/invoices/a.pdf", id="dot"),
        pytest.param("../files/a.pdf", "/v1/files/a.pdf", id="two-dots"),
        pytest.param("../../../../a.pdf", "/a.pdf", id="beyond-the-root"),
        pytest.param("/files/../a.pdf", "/a.pdf", id="dots-in-a-whole-path"),
        pytest.param("..", "/v1/", id="folder-above"),
        pytest.param("?id=7", "/v1/invoices/INV-1?id=7", id="query"),
        pytest.param("a b/c d.pdf?e=f g", "/v1/invoices/a%20b/c%20d.pdf?e=f%20g", id="both"),
        pytest.param("", "/v1/invoices/INV-1?full=1", id="empty"),
    ],
)
def test_a_relative_address_is_resolved_and_encoded(text, found):
    url = read_address(text, BASE)
    assert isinstance(url, Url)
    assert (str(url.origin), url.target) == ("https://api.example.com", found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://files.example.net/a b.pdf", "https://files.example.net/a%20b.pdf"),
        ("HTTPS://Files.example.net/x/../ü", "https://files.example.net/%C3%BC"),
        ("//files.example.net/a.pdf?sig=a%2Fb%3D", "https://files.example.net/a.pdf?sig=a%2Fb%3D"),
        ("https://files.example.net?a=../b", "https://files.example.net/?a=../b"),
        ("http://files.example.net:8080/", "http://files.example.net:8080/"),
    ],
)
def test_a_whole_address_keeps_its_host(text, found):
    url = read_address(text, BASE)
    assert isinstance(url, Url)
    assert url.text == found


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("https://evil.example\t/", Verdict.DENIED_CONTROL_CHARACTER),
        ("https://evil .example/", Verdict.DENIED_CONTROL_CHARACTER),
        ("https://evil.example\u2028@x/", Verdict.DENIED_CONTROL_CHARACTER),
        ("/a\r\nX: y", Verdict.DENIED_CONTROL_CHARACTER),
        ("/a\\b", Verdict.DENIED_BACKSLASH),
        ("https://api.example.com\\@evil.example/", Verdict.DENIED_BACKSLASH),
        ("https://me@evil.example/", Verdict.DENIED_USERINFO),
        ("javascript:alert( 1 )", Verdict.DENIED_SCHEME),
        ("data:application/pdf;base64,AA", Verdict.DENIED_SCHEME),
        ("file:///etc/passwd", Verdict.DENIED_SCHEME),
        ("https:/x", Verdict.DENIED_SLASHES),
        ("///evil.example/", Verdict.DENIED_HOST_SYNTAX),
        ("/%2e%2e/x", Verdict.DENIED_DOT_SEGMENT),
        ("/..;/x", Verdict.DENIED_DOT_SEGMENT),
        ("/" + "ü" * 4_000, Verdict.DENIED_TOO_LONG),
        ("/x" * 5_000, Verdict.DENIED_TOO_LONG),
        ("/\ud800", Verdict.DENIED_UNICODE),
    ],
)
def test_an_address_that_parsers_read_differently_is_denied(text, verdict):
    assert read_address(text, BASE) is verdict


@given(st.text())
def test_for_any_text_the_grammar_holds_after_reading(text):
    url = read_address(text, BASE)
    if isinstance(url, Url):
        assert url.text.isascii()
        assert parse_url(url.text, limit=100_000) == url
        assert read_address(url.text, BASE) == url


@given(
    st.lists(st.sampled_from([".", "..", "a", "b.pdf", "c d", "ü", "x=1"]), min_size=1, max_size=9),
    st.booleans(),
)
def test_dots_are_resolved_as_the_standard_library_does(segments, rooted):
    text = "/" * rooted + "/".join(segments)
    url = read_address(text, BASE)
    assert isinstance(url, Url)
    expected = urljoin(BASE.text, text).replace(" ", "%20").replace("ü", "%C3%BC")
    assert url.text == expected


def test_odd_addresses_are_read_in_linear_time():
    began = time.process_time()
    for text in ("../" * 2_700, "a/../" * 1_600, "%" * 8_000, "/" * 8_000, "a:" * 4_000):
        read_address(text, BASE)
    assert time.process_time() - began < 1
