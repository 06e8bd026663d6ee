"""The URL grammar: one reading for every parser."""

from urllib.parse import urlsplit

import pytest
import yarl
from hypothesis import given, settings
from hypothesis import strategies as st

from billhook.engine.egress.url import MAX_URL_LENGTH, Url, parse_host, parse_url
from billhook.engine.verdict import Verdict


def parsed(text: str) -> Url:
    url = parse_url(text)
    assert isinstance(url, Url), url
    return url


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "target"),
    [
        pytest.param("https://a.example", "https", "a.example", 443, "/", id="no path"),
        pytest.param("https://a.example?q=1", "https", "a.example", 443, "/?q=1", id="query only"),
        pytest.param("HTTP://A.Example/X", "http", "a.example", 80, "/X", id="capitals"),
        pytest.param("https://a.example:8443/", "https", "a.example", 8443, "/", id="port"),
        pytest.param("https://a.example./x", "https", "a.example", 443, "/x", id="trailing dot"),
        pytest.param("https://8.8.8.8./", "https", "8.8.8.8", 443, "/", id="dotted address"),
        pytest.param("http://[2A00::0:1]:80/", "http", "2a00::1", 80, "/", id="IPv6"),
        pytest.param(
            "https://bücher.example/", "https", "xn--bcher-kva.example", 443, "/", id="IDN"
        ),
        pytest.param("https://faß.example/", "https", "xn--fa-hia.example", 443, "/", id="sharp s"),
        pytest.param("https://r3---sn.a.example/", "https", "r3---sn.a.example", 443, "/", id="--"),
    ],
)
def test_a_url_is_parsed_into_its_parts(
    text: str, scheme: str, host: str, port: int, target: str
) -> None:
    url = parsed(text)
    assert (url.scheme, url.host, url.port, url.target) == (scheme, host, port, target)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        pytest.param("/a%2Fb?x=%26&y=a+b", "/a%2Fb?x=%26&y=a+b", id="valid escapes stay"),
        pytest.param("/%7e%2d?%c3%a5", "/%7e%2d?%c3%a5", id="small escapes stay small"),
        pytest.param("//a//b/", "//a//b/", id="empty segments stay"),
        pytest.param("/a:b;c=d,e@f!$&'()*+", "/a:b;c=d,e@f!$&'()*+", id="sub-delims stay"),
        pytest.param("/x?filter[id]=1", "/x?filter[id]=1", id="brackets stay"),
        pytest.param("/x?a=b?c/d/../e", "/x?a=b?c/d/../e", id="dots in a query are no segments"),
        pytest.param("/räkning?å=ö", "/r%C3%A4kning?%C3%A5=%C3%B6", id="letters beyond ASCII"),
        pytest.param('/"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D", id="what may not be sent"),
        pytest.param("/.../.a/..b", "/.../.a/..b", id="other dots"),
    ],
)
def test_path_and_query_keep_their_bytes(text: str, target: str) -> None:
    assert parsed(f"https://a.example{text}").target == target


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        pytest.param("", Verdict.DENIED_EMPTY, id="empty"),
        pytest.param("https://a.example/\x7f", Verdict.DENIED_CONTROL_CHARACTER, id="DEL"),
        pytest.param("https://a.example/\x85", Verdict.DENIED_CONTROL_CHARACTER, id="NEL"),
        pytest.param("https://a.example/\xa0", Verdict.DENIED_CONTROL_CHARACTER, id="NBSP"),
        pytest.param("https://a.example/\u2028", Verdict.DENIED_CONTROL_CHARACTER, id="U+2028"),
        pytest.param("https://a.example\u3000/", Verdict.DENIED_CONTROL_CHARACTER, id="U+3000"),
        pytest.param(
            "https://a.example/ ", Verdict.DENIED_CONTROL_CHARACTER, id="space at the end"
        ),
        pytest.param("https://a.example/\ud800", Verdict.DENIED_UNICODE, id="surrogate"),
        pytest.param(
            "https://a.example/a\\b", Verdict.DENIED_BACKSLASH, id="backslash in the path"
        ),
        pytest.param("https:a.example", Verdict.DENIED_SLASHES, id="no slashes"),
        pytest.param("https:/a.example", Verdict.DENIED_SLASHES, id="one slash"),
        pytest.param("/x", Verdict.DENIED_SCHEME, id="path only"),
        pytest.param("a.example:443/x", Verdict.DENIED_SCHEME, id="host as scheme"),
        pytest.param("ＨＴＴＰ://a.example/", Verdict.DENIED_SCHEME, id="full-width scheme"),
        pytest.param("httpſ://a.example/", Verdict.DENIED_SCHEME, id="long s in the scheme"),
        pytest.param("https://@a.example/", Verdict.DENIED_USERINFO, id="empty user info"),
        pytest.param("https://a.example#@b.example/", Verdict.DENIED_FRAGMENT, id="fragment"),
        pytest.param("https://a.example/x#", Verdict.DENIED_FRAGMENT, id="empty fragment"),
        pytest.param("https:///x", Verdict.DENIED_HOST_SYNTAX, id="no host"),
        pytest.param("https://:443/", Verdict.DENIED_HOST_SYNTAX, id="only a port"),
        pytest.param("https://./", Verdict.DENIED_HOST_SYNTAX, id="only a dot"),
        pytest.param("https://a..example/", Verdict.DENIED_HOST_SYNTAX, id="empty label"),
        pytest.param("https://a-.example/", Verdict.DENIED_HOST_SYNTAX, id="hyphen at the end"),
        pytest.param("https://a%2eexample/", Verdict.DENIED_HOST_SYNTAX, id="escape in the host"),
        pytest.param("https://a*.example/", Verdict.DENIED_HOST_SYNTAX, id="star"),
        pytest.param(f"https://{'a' * 64}.example/", Verdict.DENIED_HOST_SYNTAX, id="label of 64"),
        pytest.param("https://0X7F.1/", Verdict.DENIED_HOST_NUMBER, id="hex in capitals"),
        pytest.param("https://a.0x7f/", Verdict.DENIED_HOST_NUMBER, id="last label in hex"),
        pytest.param("https://1.2.3.4.5/", Verdict.DENIED_HOST_NUMBER, id="five numbers"),
        pytest.param("https://1.2.3/", Verdict.DENIED_HOST_NUMBER, id="three numbers"),
        pytest.param("https://१२७.०.०.१/", Verdict.DENIED_HOST_NUMBER, id="Devanagari digits"),
        pytest.param("https://١٢٧.٠.٠.١/", Verdict.DENIED_HOST_NUMBER, id="Arabic digits"),
        pytest.param("https://Bücher.example/", Verdict.DENIED_HOST_UNICODE, id="IDN in capitals"),
        pytest.param("https://bu\u0308cher.example/", Verdict.DENIED_HOST_UNICODE, id="not NFC"),
        pytest.param("https://a\u200bb.example/", Verdict.DENIED_HOST_UNICODE, id="zero width"),
        pytest.param("https://a\u00adb.example/", Verdict.DENIED_HOST_UNICODE, id="soft hyphen"),
        pytest.param("https://ﬀ.example/", Verdict.DENIED_HOST_UNICODE, id="ligature"),
        pytest.param("https://xn--a.example/", Verdict.DENIED_HOST_UNICODE, id="broken A-label"),
        pytest.param("https://xn--abc-.example/", Verdict.DENIED_HOST_SYNTAX, id="ASCII A-label"),
        pytest.param("https://[::1]x/", Verdict.DENIED_HOST_BRACKETS, id="text after brackets"),
        pytest.param("https://x[::1]/", Verdict.DENIED_PORT_SYNTAX, id="text before brackets"),
        pytest.param("https://[]/", Verdict.DENIED_HOST_BRACKETS, id="empty brackets"),
        pytest.param("https://[1.2.3.4]/", Verdict.DENIED_HOST_BRACKETS, id="IPv4 in brackets"),
        pytest.param("https://[fe80::1%eth0]/", Verdict.DENIED_HOST_BRACKETS, id="zone"),
        pytest.param("https://[::1].example/", Verdict.DENIED_HOST_BRACKETS, id="name on brackets"),
        pytest.param("https://[::ffff:01.2.3.4]/", Verdict.DENIED_HOST_BRACKETS, id="octal inside"),
        pytest.param("https://a.example:/", Verdict.DENIED_PORT_SYNTAX, id="empty port"),
        pytest.param("https://a.example:0443/", Verdict.DENIED_PORT_SYNTAX, id="leading zero"),
        pytest.param("https://a.example:4_43/", Verdict.DENIED_PORT_SYNTAX, id="underscore"),
        pytest.param("https://a.example:-1/", Verdict.DENIED_PORT_SYNTAX, id="minus"),
        pytest.param("https://a.example:４４３/", Verdict.DENIED_PORT_SYNTAX, id="full-width port"),
        pytest.param("https://a.example:65536/", Verdict.DENIED_PORT_SYNTAX, id="above 65535"),
        pytest.param("https://a.example/100%", Verdict.DENIED_PERCENT, id="lone percent"),
        pytest.param("https://a.example/?q=%u0041", Verdict.DENIED_PERCENT, id="%u escape"),
        pytest.param("https://a.example/.", Verdict.DENIED_DOT_SEGMENT, id="dot at the end"),
        pytest.param("https://a.example/a/%2E./b", Verdict.DENIED_DOT_SEGMENT, id="half encoded"),
        pytest.param("https://a.example/a/..%2fb", Verdict.DENIED_DOT_SEGMENT, id="encoded slash"),
        pytest.param(
            "https://a.example/a/..%5cb", Verdict.DENIED_DOT_SEGMENT, id="encoded backslash"
        ),
        pytest.param("https://a.example/a/..;x/b", Verdict.DENIED_DOT_SEGMENT, id="path parameter"),
    ],
)
def test_an_ambiguous_url_is_refused(text: str, verdict: Verdict) -> None:
    assert parse_url(text) is verdict


@pytest.mark.parametrize("port", [1, 65535])
def test_the_lowest_and_the_highest_port_are_allowed(port: int) -> None:
    assert parsed(f"https://a.example:{port}/").port == port


def test_a_url_may_be_as_long_as_the_limit_and_no_longer() -> None:
    stem = "https://a.example/"
    longest = stem + "x" * (MAX_URL_LENGTH - len(stem))
    assert isinstance(parse_url(longest), Url)
    assert parse_url(longest + "x") is Verdict.DENIED_TOO_LONG


def test_a_name_may_have_253_characters_and_no_more() -> None:
    label = "a" * 61
    longest = f"{label}.{label}.{label}.{label}.examp"
    assert len(longest) == 253
    assert parsed(f"https://{longest}/").host == longest
    assert parse_url(f"https://{longest}x/") is Verdict.DENIED_HOST_SYNTAX


@pytest.mark.parametrize(
    ("text", "form"),
    [
        pytest.param("https://A.example:443", "https://a.example/", id="default port left out"),
        pytest.param("http://a.example:443/x", "http://a.example:443/x", id="other port kept"),
        pytest.param("https://[2A00::1]:8443/", "https://[2a00::1]:8443/", id="IPv6 in brackets"),
    ],
)
def test_a_url_has_one_written_form(text: str, form: str) -> None:
    assert parsed(text).text == form


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param("https://a.example:443/y", True, id="default port written"),
        pytest.param("https://A.EXAMPLE./y", True, id="another spelling"),
        pytest.param("http://a.example/", False, id="scheme"),
        pytest.param("https://a.example:8443/", False, id="port"),
        pytest.param("https://b.a.example/", False, id="host"),
    ],
)
def test_an_origin_is_scheme_host_and_port(other: str, same: bool) -> None:
    assert (parsed("https://a.example/x").origin == parsed(other).origin) is same


def test_a_bare_host_is_parsed_without_scheme_or_port() -> None:
    host = parse_host("Billing.Example")
    assert not isinstance(host, Verdict)
    assert host.text == "billing.example"
    assert parse_host("billing.example/evil?") is Verdict.DENIED_HOST_SYNTAX
    assert parse_host("billing.example:80") is Verdict.DENIED_HOST_SYNTAX


# What a careless parser could read in another way, glued together at random.
_PIECES = st.sampled_from(
    [
        *["http", "https", "HTTPS", "ftp", ":", "/", "//", "///", "\\", "@", "#", "?", "[", "]"],
        *["a.example", "127.0.0.1", "127.1", "0x7f", "::1", "::ffff:1.2.3.4", "2606:4700::1111"],
        *[":80", ":443", ":0", ":", ".", "..", "%2e", "%2F", "%00", "%", "%25", ";", "&", "|"],
        *["xn--bcher-kva", "bücher", "ß", "。", "．", "①", "ﬀ", "\u200d", "\u00ad", "１"],
        *["\t", "\n", "\r", " ", "\x00", "\x7f", "\xa0", "-", "_", "user:pw", "localhost", "1"],
    ]
)
_GLUED = st.lists(_PIECES, max_size=12).map("".join)
_PREFIXED = st.tuples(st.sampled_from(["http://", "https://"]), _GLUED).map("".join)
_TEXTS = st.one_of(
    _GLUED, _PREFIXED, st.text(max_size=40), st.text(max_size=30).map("http://".__add__)
)


@given(_TEXTS)
@settings(deadline=None)
def test_no_other_parser_reads_an_accepted_url_differently(text: str) -> None:
    url = parse_url(text)
    if isinstance(url, Verdict):
        return
    for spelling in (text, url.text) if text.isascii() else (url.text,):
        split = urlsplit(spelling)
        other = yarl.URL(spelling, encoded=True)
        assert split.scheme == other.scheme == url.scheme
        assert _same_host(split.hostname, url)
        assert _same_host(other.raw_host, url)
        assert (split.port or {"http": 80, "https": 443}[url.scheme]) == other.port == url.port
        assert split.username is None
        assert other.user is None
        assert not split.fragment
        assert not other.fragment


def _same_host(host: str | None, url: Url) -> bool:
    assert host is not None
    mine = parse_host(f"[{host}]" if ":" in host else host)
    return not isinstance(mine, Verdict) and mine.text == url.host


@given(_TEXTS)
@settings(deadline=None)
def test_the_written_form_is_ascii_and_parses_to_itself(text: str) -> None:
    url = parse_url(text)
    if isinstance(url, Verdict):
        return
    assert url.text.isascii()
    assert parse_url(url.text, limit=100_000) == url


@given(_TEXTS)
@settings(deadline=None)
def test_the_parsed_url_is_the_one_that_is_sent(text: str) -> None:
    url = parse_url(text)
    if isinstance(url, Verdict):
        return
    other = yarl.URL(url.text, encoded=True)
    empty_query = (
        "?" if url.target.count("?") == 1 and url.target.endswith("?") else ""
    )  # yarl drops it
    assert f"{other.raw_path_qs}{empty_query}" == url.target
    assert f"{other}{empty_query}" == url.text
