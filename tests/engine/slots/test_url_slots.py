"""A URL takes tokens in its path and query alone, and no value leads elsewhere."""

from __future__ import annotations

import pytest

from small_commands import SITE, compile_step, fill, misfits, problems_of


@pytest.mark.parametrize(
    ("url", "code", "span"),
    [
        pytest.param("{{A}}", "forbidden-position", (0, 5), id="token-as-url"),
        pytest.param("{{A}}/x", "forbidden-position", (0, 5), id="token-as-base"),
        pytest.param("{{A}}://a.example/", "forbidden-position", (0, 5), id="token-as-scheme"),
        pytest.param("https://{{A}}.example/", "forbidden-position", (8, 13), id="token-as-label"),
        pytest.param(
            "https://a.example{{A}}", "forbidden-position", (17, 22), id="token-after-host"
        ),
        pytest.param(
            "https://a.example:{{A}}/", "forbidden-position", (18, 23), id="token-as-port"
        ),
        pytest.param("https://{{A}}@a.example/", "forbidden-position", (8, 13), id="token-as-user"),
        pytest.param("https://{{S}}/", "forbidden-position", (8, 13), id="secret-as-host"),
        pytest.param("{{S}}/x", "forbidden-position", (0, 5), id="secret-as-base"),
        pytest.param(
            "https://a.example:{{S}}/", "forbidden-position", (18, 23), id="secret-as-port"
        ),
        pytest.param("{{Base}}{{A}}", "forbidden-position", (8, 13), id="token-after-base"),
        pytest.param("{{Base}}x", "url-syntax", (8, 9), id="text-after-base"),
        pytest.param("{{Base}}:80/", "url-syntax", (8, 12), id="port-after-base"),
        pytest.param("https://{{Base}}/x", "invalid-host", (8, 16), id="base-as-host"),
        pytest.param("{{Host}}/x", "invalid-host", (0, 8), id="host-as-base"),
        pytest.param("{{UserInfo}}/", "invalid-host", (0, 12), id="base-with-user"),
        pytest.param("{{Query}}/", "invalid-host", (0, 9), id="base-with-query"),
        pytest.param("{{Fragment}}/", "invalid-host", (0, 12), id="base-with-fragment"),
        pytest.param("{{Script}}/", "invalid-host", (0, 10), id="base-that-is-no-url"),
        pytest.param("{{Empty}}/", "invalid-host", (0, 9), id="empty-base"),
        pytest.param("https://{{Empty}}/", "invalid-host", (8, 17), id="empty-host"),
        pytest.param("https://{{Host}}:{{Host}}/", "port", (0, 26), id="host-as-port"),
        pytest.param(
            "https://a.example/#{{A}}", "forbidden-position", (18, 24), id="token-in-fragment"
        ),
        pytest.param("https://a.example/#x", "url-syntax", (18, 20), id="fragment"),
        pytest.param("https://a.example/a b", "control-character", (19, 20), id="space"),
        pytest.param(
            "https://a.example/\u2028", "control-character", (18, 19), id="line-separator"
        ),
        pytest.param("https://a.example\\{{A}}", "url-syntax", (0, 23), id="backslash"),
        pytest.param("https://a.example/%2{{A}}", "url-syntax", (0, 25), id="half-an-escape"),
        pytest.param("https://a.example/../{{A}}", "dot-segment", (0, 26), id="dot-segment"),
        pytest.param(
            "https://a.example/{{Dots}}/x", "dot-segment", (0, 28), id="variable-dot-segment"
        ),
        pytest.param(
            "https://a.example/{{Empty}}/x", "empty-segment", (18, 27), id="variable-empty"
        ),
        pytest.param("https://u:p@a.example/", "userinfo", (0, 22), id="user-info"),
        pytest.param("a.example/{{A}}", "scheme", (0, 15), id="no-scheme"),
        pytest.param("ftp://a.example/", "scheme", (0, 16), id="ftp"),
        pytest.param("https:///{{A}}", "invalid-host", (0, 14), id="no-host"),
        pytest.param("https://a_b..example/", "invalid-host", (0, 21), id="bad-host"),
        pytest.param("", "length", (0, 0), id="empty"),
        pytest.param(SITE + "x" * 2048, "length", (0, 2066), id="too-long"),
    ],
)
def test_an_invalid_url_is_reported_at_the_invalid_part(url, code, span):
    (problem,) = problems_of(url=url)
    assert (problem.code, problem.where) == (code, "commands.Case.url")
    assert (problem.start, problem.end) == span


@pytest.mark.parametrize(
    ("url", "filled", "target"),
    [
        pytest.param("{{Base}}/x", "https://b.example/api/x", "/api/x", id="base-and-slash"),
        pytest.param("{{Base}}", "https://b.example/api/", "/api/", id="base-alone"),
        pytest.param(
            "{{Base}}?a={{A}}", "https://b.example/api/?a=v", "/api/?a=v", id="base-query"
        ),
        pytest.param(
            "{{Scheme}}://{{Host}}:{{Port}}/{{A}}", "https://h.example:8443/v", "/v", id="parts"
        ),
        pytest.param("https://x-{{Host}}/", "https://x-h.example/", "/", id="part-of-a-name"),
        pytest.param("HTTPS://A.Example:443/x", "https://a.example/x", "/x", id="normal-form"),
        pytest.param(
            "https://b\u00fccher.example/", "https://xn--bcher-kva.example/", "/", id="idn"
        ),
        pytest.param(
            "https://[2606:4700::1]:8443/{{A}}", "https://[2606:4700::1]:8443/v", "/v", id="ipv6"
        ),
        pytest.param("https://a.example", "https://a.example", "/", id="no-path"),
        pytest.param(
            "https://a.example?x={{A}}", "https://a.example?x=v", "/?x=v", id="query-alone"
        ),
        pytest.param(
            "https://a.example/{{Path}}/{{A}}",
            "https://a.example/v1%2Fx/v",
            "/v1%2Fx/v",
            id="variable-in-path",
        ),
        pytest.param(
            "https://a.example/a%2Fb?x=%26&y=a+b",
            "https://a.example/a%2Fb?x=%26&y=a+b",
            "/a%2Fb?x=%26&y=a+b",
            id="escapes-stay",
        ),
        pytest.param(
            "https://a.example/\u00e5?\u00e4={{A}}",
            "https://a.example/%C3%A5?%C3%A4=v",
            "/%C3%A5?%C3%A4=v",
            id="letters",
        ),
        pytest.param(
            "https://a.example/x?ids[]={{A}}",
            "https://a.example/x?ids[]=v",
            "/x?ids[]=v",
            id="brackets",
        ),
        pytest.param(
            "https://a.example//{{A}}/",
            "https://a.example//v/",
            "//v/",
            id="empty-segments-as-typed",
        ),
        pytest.param(
            "https://a.example/{{Empty}}{{A}}",
            "https://a.example/v",
            "/v",
            id="empty-variable-beside",
        ),
    ],
)
def test_a_url_is_sent_as_typed(url, filled, target):
    request = fill(compile_step(url=url))
    assert (request.url, request.target) == (filled, target)


@pytest.mark.parametrize(
    ("path", "values", "codes"),
    [
        pytest.param("{{A}}", {"A": ".."}, ["dot-segment"], id="dots"),
        pytest.param("{{A}}", {"A": "."}, ["dot-segment"], id="dot"),
        pytest.param("{{A}}{{B}}", {"A": ".", "B": "."}, ["dot-segment"], id="dots-of-two"),
        pytest.param(".{{A}}", {"A": "."}, ["dot-segment"], id="dot-after-a-dot"),
        pytest.param(".{{A}}", {"A": ""}, ["dot-segment"], id="nothing-after-a-dot"),
        pytest.param("%2e{{A}}", {"A": "."}, ["dot-segment"], id="dot-after-an-escaped-dot"),
        pytest.param("{{A}};v=1", {"A": ".."}, ["dot-segment"], id="dots-before-a-parameter"),
        pytest.param("x%2F{{A}}", {"A": ".."}, ["dot-segment"], id="dots-after-an-escaped-slash"),
        pytest.param("{{A}}", {"A": "a/../b"}, ["dot-segment"], id="dots-between-slashes"),
        pytest.param("{{A}}", {"A": "..\\x"}, ["dot-segment"], id="dots-and-backslash"),
        pytest.param("{{A}}", {"A": "x/.."}, ["dot-segment"], id="dots-at-the-end"),
        pytest.param("x/{{A}}?q", {"A": ".."}, ["dot-segment"], id="dots-before-the-query"),
        pytest.param("{{A}}", {"A": ""}, ["empty-segment"], id="empty"),
        pytest.param("{{A}}/x", {"A": ""}, ["empty-segment"], id="empty-before-more"),
        pytest.param("{{A}}{{B}}", {"A": "", "B": ""}, ["empty-segment"], id="empty-of-two"),
        pytest.param("{{A}}/{{B}}", {"A": None, "B": None}, ["null-value"] * 2, id="two-nulls"),
        pytest.param("?{{A}}=1&id=2", {"A": "id"}, ["duplicate-key"], id="key-twice"),
        pytest.param(
            "?{{A}}=1&{{B}}=2", {"A": "id", "B": "id"}, ["duplicate-key"], id="keys-equal"
        ),
        pytest.param("{{A}}", {"A": "x" * 3000}, ["too-long"], id="too-long"),
    ],
)
def test_a_value_that_changes_the_url_is_refused(path, values, codes):
    assert misfits(compile_step(url=SITE + path), **values) == codes


@pytest.mark.parametrize(
    ("path", "value", "filled"),
    [
        pytest.param("{{A}}", "...", "...", id="three-dots"),
        pytest.param("{{A}}", "%2e%2e", "%252e%252e", id="escaped-dots-stay-text"),
        pytest.param("{{A}}", ".x", ".x", id="dot-before-text"),
        pytest.param("{{A}}", "a/b", "a%2Fb", id="slash"),
        pytest.param("{{A}}", "a\r\nb", "a%0D%0Ab", id="line-break"),
        pytest.param("x{{A}}", "", "x", id="empty-beside-text"),
        pytest.param("?a={{A}}", "", "?a=", id="empty-in-query"),
        pytest.param("?a={{A}}", "..", "?a=..", id="dots-in-query"),
    ],
)
def test_a_value_that_only_looks_dangerous_is_sent(path, value, filled):
    assert fill(compile_step(url=SITE + path), A=value).url == SITE + filled
