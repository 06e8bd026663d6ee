"""Redirects: the request that follows, with its headers and body, and the limits."""

from dataclasses import replace

import pytest

from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.url import MAX_LOCATION_LENGTH, Origin, Url, parse_url
from billhook.engine.http.redirects import MAX_REDIRECTS, follow_redirect
from billhook.engine.http.request import WebRequest
from billhook.engine.verdict import Verdict

POLICY = EgressPolicy()
HEADERS = (
    ("Authorization", "Bearer canary"),
    ("Cookie", "sid=canary"),
    ("X-Api-Key", "canary"),
    ("Accept", "application/pdf"),
    ("Content-Type", "application/json"),
    ("content-language", "sv"),
)
BODY = b'{"key": "canary"}'


def a_request(url: str = "https://api.example.com/invoice/1", method: str = "GET") -> WebRequest:
    read = parse_url(url, limit=MAX_LOCATION_LENGTH)
    assert isinstance(read, Url)
    return WebRequest(
        step="main",
        method=method,
        url=url,
        origin=Origin(scheme=read.scheme, host=read.host, port=read.port),
        target=read.target,
        headers=HEADERS,
        body=BODY if method in {"POST", "PUT", "PATCH"} else None,
        carries_secret=True,
    )


def locations_of(*locations: str) -> list[tuple[str, str]]:
    return [("Location", location) for location in locations]


def follow(
    request: WebRequest, location: str, status: int = 302, before: tuple[WebRequest, ...] = ()
) -> WebRequest | Verdict:
    headers = locations_of(location)
    return follow_redirect([*before, request], status=status, headers=headers, policy=POLICY)


def followed(request: WebRequest, location: str, status: int = 302) -> WebRequest:
    following = follow(request, location, status)
    assert isinstance(following, WebRequest), following
    return following


# Each row: status, method, the method that follows, and whether the body goes along.
@pytest.mark.parametrize(
    ("status", "method", "then", "with_body"),
    [
        pytest.param(301, "GET", "GET", False, id="301 GET"),
        pytest.param(302, "GET", "GET", False, id="302 GET"),
        pytest.param(303, "GET", "GET", False, id="303 GET"),
        pytest.param(307, "GET", "GET", False, id="307 GET"),
        pytest.param(308, "GET", "GET", False, id="308 GET"),
        pytest.param(301, "POST", "GET", False, id="301 POST"),
        pytest.param(302, "POST", "GET", False, id="302 POST"),
        pytest.param(303, "POST", "GET", False, id="303 POST"),
        pytest.param(307, "POST", "POST", True, id="307 POST"),
        pytest.param(308, "POST", "POST", True, id="308 POST"),
        pytest.param(301, "PUT", "PUT", True, id="301 PUT"),
        pytest.param(302, "PATCH", "PATCH", True, id="302 PATCH"),
        pytest.param(303, "PUT", "GET", False, id="303 PUT"),
        pytest.param(302, "DELETE", "DELETE", False, id="302 DELETE"),
        pytest.param(303, "DELETE", "GET", False, id="303 DELETE"),
    ],
)
def test_method_and_body_are_kept_as_in_browsers(
    status: int, method: str, then: str, with_body: bool
) -> None:
    following = followed(a_request(method=method), "/files/1.pdf", status)
    assert following.method == then
    assert following.body == (BODY if with_body else None)


def test_on_the_same_origin_headers_are_kept() -> None:
    following = followed(a_request(), "/files/1.pdf")
    assert following.headers == HEADERS
    assert following.carries_secret
    assert following.url == "https://api.example.com/files/1.pdf"
    assert following.target == "/files/1.pdf"


def test_a_request_that_loses_its_body_loses_the_headers_that_describe_it() -> None:
    following = followed(a_request(method="POST"), "/files/1.pdf", 303)
    assert [name for name, _ in following.headers] == [
        "Authorization",
        "Cookie",
        "X-Api-Key",
        "Accept",
    ]


@pytest.mark.parametrize(
    ("url", "location"),
    [
        pytest.param("https://api.example.com/", "https://evil.example.net/", id="host"),
        pytest.param("https://api.example.com/", "https://x.api.example.com/", id="host below"),
        pytest.param("https://api.example.com/", "https://api.example.com:8443/", id="port"),
        pytest.param("http://api.example.com/", "https://api.example.com/", id="scheme, upgraded"),
        pytest.param("https://api.example.com/", "//evil.example.net/", id="scheme-relative"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nothing_configured_is_sent_to_another_origin(url: str, location: str, status: int) -> None:
    following = followed(a_request(url, "POST"), location, status)
    assert following.headers == ()
    assert following.body is None
    assert not following.carries_secret


def test_dropped_headers_stay_dropped_after_returning_to_the_first_origin() -> None:
    first = a_request()
    second = followed(first, "https://evil.example.net/")
    third = follow(second, "https://api.example.com/back", before=(first,))
    assert isinstance(third, WebRequest)
    assert third.origin == first.origin
    assert third.headers == ()
    assert third.body is None
    assert not third.carries_secret


@pytest.mark.parametrize(
    ("location", "target"),
    [
        pytest.param(
            "https://files.example.org/1.pdf?sig=abc%2Fdef%3D&e=1%2b",
            "/1.pdf?sig=abc%2Fdef%3D&e=1%2b",
            id="pre-signed",
        ),
        pytest.param("/a%2Fb/%7Ec?x=%20+", "/a%2Fb/%7Ec?x=%20+", id="path"),
        pytest.param("2.pdf?sig=%2F", "/invoice/2.pdf?sig=%2F", id="relative"),
        pytest.param("//files.example.org?x=%2F", "/?x=%2F", id="scheme-relative"),
    ],
)
def test_path_and_query_keep_their_bytes(location: str, target: str) -> None:
    following = followed(a_request(), location)
    assert following.target == target
    assert following.url == f"{following.origin}{target}"


@pytest.mark.parametrize(
    "locations",
    [
        pytest.param([], id="missing"),
        pytest.param([""], id="empty"),
        pytest.param(["/a", "/b"], id="two"),
        pytest.param(["/a", "/a"], id="twice the same"),
    ],
)
def test_a_redirect_must_have_exactly_one_location(locations: list[str]) -> None:
    verdict = follow_redirect(
        [a_request()], status=302, headers=locations_of(*locations), policy=POLICY
    )
    assert verdict is Verdict.DENIED_LOCATION


def test_from_https_to_http_is_refused_even_for_an_allowed_host() -> None:
    policy = EgressPolicy.from_texts(allow=["erp.example.com:8080"])
    verdict = follow_redirect(
        [a_request()],
        status=302,
        headers=locations_of("http://erp.example.com:8080/"),
        policy=policy,
    )
    assert verdict is Verdict.DENIED_DOWNGRADE


def test_three_redirects_are_followed_and_no_more() -> None:
    trail = [a_request()]
    for number in range(MAX_REDIRECTS):
        following = follow(trail[-1], f"/hop/{number}", before=tuple(trail[:-1]))
        assert isinstance(following, WebRequest)
        trail.append(following)
    assert len(trail) == 4
    verdict = follow(trail[-1], "/hop/last", before=tuple(trail[:-1]))
    assert verdict is Verdict.DENIED_REDIRECT_LIMIT


@pytest.mark.parametrize(
    "location",
    [
        pytest.param("/invoice/1", id="path"),
        pytest.param("1", id="relative"),
        pytest.param("#again", id="fragment"),
        pytest.param("https://API.example.com:443/invoice/1", id="another spelling"),
        pytest.param("//api.example.com./invoice/1", id="trailing dot"),
    ],
)
def test_a_redirect_to_itself_is_detected_immediately(location: str) -> None:
    assert follow(a_request(), location) is Verdict.DENIED_REDIRECT_LOOP


def test_a_circle_of_two_addresses_is_detected() -> None:
    first = a_request()
    second = followed(first, "/other")
    assert follow(second, "/invoice/1", before=(first,)) is Verdict.DENIED_REDIRECT_LOOP


def test_the_same_address_with_another_method_is_not_a_circle() -> None:
    following = followed(a_request(method="POST"), "/invoice/1", 303)
    assert (following.method, following.target) == ("GET", "/invoice/1")


@pytest.mark.parametrize(
    ("location", "verdict"),
    [
        pytest.param("https://127.0.0.1/", Verdict.DENIED_LOOPBACK, id="loopback"),
        pytest.param("https://168.63.129.16/", Verdict.DENIED_METADATA, id="metadata"),
        pytest.param("https://evil.example.net:22/", Verdict.DENIED_PORT, id="port"),
        pytest.param("https://nas.lan/", Verdict.DENIED_INTERNAL_NAME, id="internal name"),
        pytest.param("https://u:p@evil.example.net/", Verdict.DENIED_USERINFO, id="user info"),
        pytest.param("javascript:alert(1)", Verdict.DENIED_SCHEME, id="javascript"),
        pytest.param(
            "https://x\udce4/", Verdict.DENIED_UNICODE, id="bytes beyond UTF-8 in the host"
        ),
    ],
)
def test_the_whole_policy_applies_to_each_redirect(location: str, verdict: Verdict) -> None:
    assert follow(a_request(), location) is verdict


def test_a_configured_url_without_a_path_can_redirect() -> None:
    request = a_request("https://api.example.com?id=1")
    assert followed(request, "x").url == "https://api.example.com/x"


def test_a_request_made_by_hand_with_a_broken_url_is_not_followed() -> None:
    request = replace(a_request(), url="https://api.example.com\\@evil.example.net/")
    assert follow(request, "/x") is Verdict.DENIED_BACKSLASH
