"""The guard's verdicts: on addresses, names, ports, redirects, headers and secrets."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billhook.engine.egress.guard import (
    judge,
    judge_address,
    judge_header,
    judge_redirect,
    judge_url,
    secret_may_travel,
)
from billhook.engine.egress.policy import Allowance, EgressPolicy
from billhook.engine.egress.tables import DENIED_HEADERS, DENIED_SUFFIXES, METADATA_HOSTS
from billhook.engine.egress.url import Url, parse_url
from billhook.engine.errors import ConfigurationError, EgressDenied, SourceRedirected, denied
from billhook.engine.verdict import Verdict

POLICY = EgressPolicy()

# The ranges of the security page, written out once more: the guard's table must agree with them.
# fmt: off
IPV4_DENIED = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32",
    "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
    "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)
# fmt: on
IPV6_ALLOWED = "2000::/3"
IPV6_DENIED_INSIDE = ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")


def verdict_of(address: str, policy: EgressPolicy = POLICY) -> Verdict:
    return judge_address(address, host="api.example.com", port=443, policy=policy)


def naively_allowed(text: str) -> bool:
    """Judge an address slowly and plainly, as a second opinion."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in ipaddress.ip_network(network) for network in IPV4_DENIED)
    groups = address.exploded.split(":")
    isatap = groups[5] == "5efe" and groups[4] in {"0000", "0100", "0200", "0300"}
    denied = any(address in ipaddress.ip_network(network) for network in IPV6_DENIED_INSIDE)
    return address in ipaddress.ip_network(IPV6_ALLOWED) and not denied and not isatap


def boundaries() -> list[str]:
    """First, last, one below and one above of every range."""
    texts: set[str] = set()
    for network in map(ipaddress.ip_network, [*IPV4_DENIED, IPV6_ALLOWED, *IPV6_DENIED_INSIDE]):
        kind = type(network.network_address)
        top = 2**network.max_prefixlen - 1
        first, last = int(network.network_address), int(network.broadcast_address)
        for number in (first - 1, first, first + 1, last - 1, last, last + 1):
            if 0 <= number <= top:
                texts.add(str(kind(number)))
    return sorted(texts)


@pytest.mark.parametrize("address", boundaries())
def test_both_sides_of_every_boundary_are_judged_correctly(address: str) -> None:
    assert verdict_of(address).allowed is naively_allowed(address)


@given(st.ip_addresses(v=4))
@settings(deadline=None)
def test_any_ipv4_address_is_judged_as_by_an_independent_check(
    address: ipaddress.IPv4Address,
) -> None:
    assert verdict_of(str(address)).allowed is naively_allowed(str(address))


@given(st.one_of(st.ip_addresses(v=6), st.ip_addresses(network="2000::/3")))
@settings(deadline=None)
def test_any_ipv6_address_is_judged_as_by_an_independent_check(
    address: ipaddress.IPv6Address,
) -> None:
    assert verdict_of(str(address)).allowed is naively_allowed(str(address))


@given(st.sampled_from([*IPV4_DENIED, *IPV6_DENIED_INSIDE]), st.data())
@settings(deadline=None)
def test_every_address_of_a_denied_range_is_denied(network: str, data: st.DataObject) -> None:
    address = data.draw(st.ip_addresses(network=network))
    assert not verdict_of(str(address))


@given(st.ip_addresses(v=4))
@settings(deadline=None)
def test_no_denied_ipv4_address_is_allowed_when_wrapped_in_ipv6(
    address: ipaddress.IPv4Address,
) -> None:
    number = int(address)
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    for wrapped in (
        f"::{address}",
        f"::ffff:{address}",
        f"::ffff:{high}:{low}",
        f"::ffff:0:{address}",
        f"64:ff9b::{address}",
        f"64:ff9b:1::{address}",
        f"2002:{high}:{low}::1",
        f"2001:0:{high}:{low}::1",
        f"2a00:1450::5efe:{address}",
        f"2a00:1450::200:5efe:{address}",
    ):
        assert not verdict_of(wrapped), wrapped


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        pytest.param("0.0.0.0", Verdict.DENIED_UNSPECIFIED, id="zero"),
        pytest.param("::", Verdict.DENIED_UNSPECIFIED, id="IPv6 zero"),
        pytest.param("127.0.0.1", Verdict.DENIED_LOOPBACK, id="loopback"),
        pytest.param("::1", Verdict.DENIED_LOOPBACK, id="IPv6 loopback"),
        pytest.param("10.1.2.3", Verdict.DENIED_PRIVATE, id="RFC 1918"),
        pytest.param("100.64.0.1", Verdict.DENIED_PRIVATE, id="shared"),
        pytest.param("fd12::1", Verdict.DENIED_PRIVATE, id="unique local"),
        pytest.param("169.254.1.1", Verdict.DENIED_LINK_LOCAL, id="link-local"),
        pytest.param("fe80::1", Verdict.DENIED_LINK_LOCAL, id="IPv6 link-local"),
        pytest.param("169.254.169.254", Verdict.DENIED_METADATA, id="most clouds"),
        pytest.param("168.63.129.16", Verdict.DENIED_METADATA, id="Azure"),
        pytest.param("100.100.100.200", Verdict.DENIED_METADATA, id="Alibaba"),
        pytest.param("192.0.0.192", Verdict.DENIED_METADATA, id="Oracle"),
        pytest.param("fd00:ec2::254", Verdict.DENIED_METADATA, id="AWS IPv6"),
        pytest.param("fd20:ce::254", Verdict.DENIED_METADATA, id="Google IPv6"),
        pytest.param("fd00:42::42", Verdict.DENIED_METADATA, id="Scaleway IPv6"),
        pytest.param("fd00:c1::a9fe:a9fe", Verdict.DENIED_METADATA, id="Oracle IPv6"),
        pytest.param("239.1.1.1", Verdict.DENIED_MULTICAST, id="multicast"),
        pytest.param("ff02::1", Verdict.DENIED_MULTICAST, id="IPv6 multicast"),
        pytest.param("255.255.255.255", Verdict.DENIED_RESERVED, id="broadcast"),
        pytest.param("fec0::1", Verdict.DENIED_RESERVED, id="site-local"),
        pytest.param("5f00::1", Verdict.DENIED_RESERVED, id="segment routing"),
        pytest.param("2001::1", Verdict.DENIED_TUNNEL, id="Teredo"),
        pytest.param("::ffff:8.8.8.8", Verdict.DENIED_TUNNEL, id="mapped public"),
        pytest.param("2a00::5efe:808:808", Verdict.DENIED_TUNNEL, id="ISATAP"),
        pytest.param("fe80::1%eth0", Verdict.DENIED_ZONE_ID, id="zone"),
        pytest.param("2606:4700::1111%1", Verdict.DENIED_ZONE_ID, id="zone on a public address"),
        pytest.param("127.1", Verdict.DENIED_NOT_AN_ADDRESS, id="short form"),
        pytest.param("0177.0.0.1", Verdict.DENIED_NOT_AN_ADDRESS, id="octal"),
        pytest.param("8.8.8.8 ", Verdict.DENIED_NOT_AN_ADDRESS, id="space"),
        pytest.param("8.8.8.8\n", Verdict.DENIED_NOT_AN_ADDRESS, id="line break"),
        pytest.param("８.8.8.8", Verdict.DENIED_NOT_AN_ADDRESS, id="full-width digit"),
        pytest.param("[2606:4700::1111]", Verdict.DENIED_NOT_AN_ADDRESS, id="brackets"),
        pytest.param("8.8.8.8/32", Verdict.DENIED_NOT_AN_ADDRESS, id="network"),
        pytest.param("", Verdict.DENIED_NOT_AN_ADDRESS, id="nothing"),
    ],
)
def test_a_denied_address_is_described(address: str, verdict: Verdict) -> None:
    assert verdict_of(address) is verdict


@pytest.mark.parametrize("suffix", sorted(DENIED_SUFFIXES))
def test_internal_suffixes_are_denied_and_longer_words_are_not(suffix: str) -> None:
    assert judge_url(f"https://{suffix}/", POLICY).reason == "host-name"
    assert judge_url(f"https://a.b.{suffix}/", POLICY).reason == "host-name"
    assert judge_url(f"https://A.{suffix.upper()}./", POLICY).reason == "host-name"
    assert judge_url(f"https://a.{suffix}x/", POLICY).allowed
    assert judge_url(f"https://a.{suffix}.example.com/", POLICY).allowed


@pytest.mark.parametrize("host", sorted(METADATA_HOSTS))
def test_metadata_hosts_stay_closed_even_when_the_operator_allows_them(host: str) -> None:
    policy = EgressPolicy(allowances=(Allowance(host=host, port=80),))
    assert judge_url(f"http://{host}/", policy) is Verdict.DENIED_METADATA_NAME


@pytest.mark.parametrize(
    ("port", "allowed"),
    [(79, False), (80, True), (81, False), (443, True), (8080, True), (8443, True), (8444, False)],
)
def test_only_the_operators_ports_are_open(port: int, allowed: bool) -> None:
    assert judge_url(f"https://api.example.com:{port}/", POLICY).allowed is allowed


def test_the_operator_may_choose_other_ports() -> None:
    policy = EgressPolicy.from_texts(ports=["9443"])
    assert judge_url("https://api.example.com:9443/", policy).allowed
    assert judge_url("https://api.example.com/", policy) is Verdict.DENIED_PORT


def test_the_operator_may_close_more_networks_even_allowed_ones() -> None:
    policy = EgressPolicy.from_texts(
        allow=["erp.example.com:443"], deny=["52.95.110.0/24", "10.9.0.0/16", "2a00:1::/32"]
    )
    for address, allowed in [
        ("52.95.109.255", True),
        ("52.95.110.0", False),
        ("52.95.110.255", False),
        ("52.95.111.0", True),
        ("2a00:1::1", False),
        ("2a00:2::1", True),
        ("10.8.0.1", True),
        ("10.9.0.1", False),
    ]:
        verdict = judge_address(address, host="erp.example.com", port=443, policy=policy)
        assert verdict.allowed is allowed, address


class TestAllowance:
    """``host:port`` and ``host:port=network``."""

    def test_a_literal_address_allows_only_itself_with_its_port(self) -> None:
        policy = EgressPolicy.from_texts(allow=["127.0.0.1:9000", "[::1]:9000"])
        assert judge_url("http://127.0.0.1:9000/x", policy).allowed
        assert judge_url("http://[::1]:9000/x", policy).allowed
        assert judge_url("http://127.0.0.1:9001/x", policy) is Verdict.DENIED_PORT
        assert judge_url("http://127.0.0.1:8080/x", policy) is Verdict.DENIED_LOOPBACK
        assert judge_url("http://127.0.0.2:9000/x", policy) is Verdict.DENIED_PORT
        assert judge_url("http://localhost:9000/x", policy) is Verdict.DENIED_PORT
        assert judge_url("http://[::ffff:127.0.0.1]:9000/x", policy) is Verdict.DENIED_PORT

    def test_a_name_with_a_network_allows_only_that_network(self) -> None:
        policy = EgressPolicy.from_texts(allow=["erp.corp:443=10.20.0.0/16"])
        assert judge_url("https://erp.corp/", policy).allowed
        assert judge_url("https://crm.corp/", policy) is Verdict.DENIED_INTERNAL_NAME
        for address, verdict in [
            ("10.19.255.255", Verdict.DENIED_PRIVATE),
            ("10.20.0.0", Verdict.ALLOWED),
            ("10.20.255.255", Verdict.ALLOWED),
            ("10.21.0.0", Verdict.DENIED_PRIVATE),
            ("127.0.0.1", Verdict.DENIED_LOOPBACK),
            ("::ffff:10.20.0.1", Verdict.DENIED_TUNNEL),
            ("93.184.216.34", Verdict.ALLOWED),
        ]:
            judged = judge_address(address, host="erp.corp", port=443, policy=policy)
            assert judged is verdict, address

    @pytest.mark.parametrize(
        ("host", "port"),
        [
            pytest.param("crm.example.com", 443, id="another host"),
            pytest.param("erp.example.com", 8443, id="another port"),
            pytest.param("a.erp.example.com", 443, id="a host below"),
        ],
    )
    def test_it_applies_only_to_its_host_and_port(self, host: str, port: int) -> None:
        policy = EgressPolicy.from_texts(allow=["erp.example.com:443=10.0.0.0/8"])
        verdict = judge_address("10.20.0.7", host=host, port=port, policy=policy)
        assert verdict is Verdict.DENIED_PRIVATE

    @pytest.mark.parametrize(
        "address",
        [
            *["169.254.1.1", "169.254.169.254", "fe80::1", "100.100.100.200", "fd00:ec2::254"],
            *[
                "168.63.129.16",
                "0.0.0.0",
                "224.0.0.1",
                "192.0.2.1",
                "::ffff:10.0.0.1",
                "64:ff9b::1",
            ],
        ],
    )
    def test_it_never_allows_link_local_metadata_or_reserved_addresses(self, address: str) -> None:
        policy = EgressPolicy.from_texts(allow=["erp.example.com:443"])
        judged = judge_address(address, host="erp.example.com", port=443, policy=policy)
        assert not judged

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "fd12::1", "100.64.0.1"])
    def test_without_a_network_it_allows_private_and_loopback_addresses(self, address: str) -> None:
        policy = EgressPolicy.from_texts(allow=["Billing:8000"])
        assert judge_address(address, host="billing", port=8000, policy=policy).allowed
        assert judge_url("http://billing:8000/", policy).allowed

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            pytest.param("erp.example.com", "port must be", id="no port"),
            pytest.param("erp.example.com:http", "port must be", id="port in words"),
            pytest.param("https://erp.example.com:443", "not a host and port", id="a URL"),
            pytest.param("::1:9000", "not a host and port", id="IPv6 without brackets"),
            pytest.param("*.example.com:443", "not a host and port", id="star"),
            pytest.param("erp.example.com:443=", "is not a network", id="empty network"),
            pytest.param("erp.example.com:443=10.20.0.1/16", "is not a network", id="host bits"),
            pytest.param("erp.example.com:443=8.8.8.0/24", "not inside one private", id="public"),
            pytest.param("erp.example.com:443=0.0.0.0/0", "not inside one private", id="all"),
            pytest.param("erp.example.com:443=169.254.0.0/16", "not inside", id="link-local"),
            pytest.param("10.0.0.1:443=10.0.0.0/8", "an address needs no network", id="literal"),
            pytest.param("169.254.169.254:80", "can't be allowed", id="metadata address"),
            pytest.param("[fe80::1]:80", "can't be allowed", id="link-local literal"),
            pytest.param("metadata.goog:80", "can't be allowed", id="metadata host"),
        ],
    )
    def test_a_problem_is_reported_with_its_text(self, text: str, says: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            EgressPolicy.from_texts(allow=[text])
        (problem,) = caught.value.problems
        assert says in problem.message
        assert "“" in problem.message
        assert problem.where == "allow"

    def test_all_problems_of_a_policy_are_reported_together(self) -> None:
        with pytest.raises(ConfigurationError) as caught:
            EgressPolicy.from_texts(
                allow=["x", "y:80"], ports=["443", "http"], deny=["10.0.0.0/33"]
            )
        assert [problem.where for problem in caught.value.problems] == ["allow", "ports", "deny"]


def test_a_public_host_may_be_allowed_on_another_port() -> None:
    policy = EgressPolicy.from_texts(allow=["api.example.com:9443", "8.8.8.8:9443"])
    assert judge_url("https://api.example.com:9443/", policy).allowed
    assert judge_url("https://8.8.8.8:9443/", policy).allowed
    assert judge_url("https://8.8.4.4:9443/", policy) is Verdict.DENIED_PORT


def read(text: str) -> Url:
    url = parse_url(text)
    assert isinstance(url, Url)
    return url


@pytest.mark.parametrize(
    ("location", "target"),
    [
        pytest.param("https://b.example/x", "https://b.example/x", id="absolute"),
        pytest.param("//b.example/x", "https://b.example/x", id="scheme-relative"),
        pytest.param("/x?y#z", "https://a.example/x?y", id="path, fragment dropped"),
        pytest.param("x", "https://a.example/one/x", id="relative path"),
        pytest.param("./x", "https://a.example/one/x", id="one dot"),
        pytest.param("../x/./y/", "https://a.example/x/y/", id="two dots"),
        pytest.param("../../../x", "https://a.example/x", id="above the root"),
        pytest.param("..", "https://a.example/", id="only dots"),
        pytest.param("?page=2", "https://a.example/one/two?page=2", id="query"),
        pytest.param("#top", "https://a.example/one/two?q=1%2F", id="fragment"),
        pytest.param("a%2Fb?c=%2f%3D", "https://a.example/one/a%2Fb?c=%2f%3D", id="escapes"),
        pytest.param("/å", "https://a.example/%C3%A5", id="letters beyond ASCII"),
        pytest.param("/x|y?{z}", "https://a.example/x%7Cy?%7Bz%7D", id="unsendable"),
    ],
)
def test_a_location_is_resolved_against_the_previous_url(location: str, target: str) -> None:
    result = judge_redirect(read("https://a.example/one/two?q=1%2F"), location, POLICY)
    assert isinstance(result, Url)
    assert result.text == target


@pytest.mark.parametrize(
    ("location", "verdict"),
    [
        pytest.param("", Verdict.DENIED_LOCATION, id="empty"),
        pytest.param("/x\ty", Verdict.DENIED_CONTROL_CHARACTER, id="tab"),
        pytest.param("https://a .example/", Verdict.DENIED_CONTROL_CHARACTER, id="space in host"),
        pytest.param("/\\evil.example", Verdict.DENIED_BACKSLASH, id="backslash"),
        pytest.param("///evil.example", Verdict.DENIED_HOST_SYNTAX, id="three slashes"),
        pytest.param("http://a.example/", Verdict.DENIED_DOWNGRADE, id="downgrade"),
        pytest.param("http://127.0.0.1/", Verdict.DENIED_DOWNGRADE, id="downgrade comes first"),
        pytest.param("https:x", Verdict.DENIED_SLASHES, id="scheme without slashes"),
        pytest.param("data:text/html,x", Verdict.DENIED_SCHEME, id="data"),
        pytest.param("/a/..;/b", Verdict.DENIED_DOT_SEGMENT, id="dots with a parameter"),
        pytest.param("%2e%2e/x", Verdict.DENIED_DOT_SEGMENT, id="encoded dots"),
        pytest.param("https://x@b.example/", Verdict.DENIED_USERINFO, id="user info"),
        pytest.param("https://b.example:22/", Verdict.DENIED_PORT, id="port"),
        pytest.param("https://[::1]/", Verdict.DENIED_LOOPBACK, id="address"),
        pytest.param("https://nas.lan/", Verdict.DENIED_INTERNAL_NAME, id="name"),
        pytest.param("/\ud800", Verdict.DENIED_UNICODE, id="half of a surrogate pair"),
        pytest.param("https://b\udcff.example/", Verdict.DENIED_UNICODE, id="bytes in the host"),
        pytest.param("/" + "x" * 8192, Verdict.DENIED_TOO_LONG, id="too long"),
    ],
)
def test_a_refused_location_is_reported_with_the_reason(location: str, verdict: Verdict) -> None:
    assert judge_redirect(read("https://a.example/one/two"), location, POLICY) is verdict


def test_a_presigned_location_may_be_longer_than_a_configured_url() -> None:
    location = "https://files.example/x?sig=" + "A" * 4000
    assert isinstance(judge_redirect(read("https://a.example/"), location, POLICY), Url)
    assert parse_url(location) is Verdict.DENIED_TOO_LONG


@pytest.mark.parametrize("name", sorted(DENIED_HEADERS))
def test_denied_headers_are_denied_regardless_of_case(name: str) -> None:
    assert judge_header(name, "1") is Verdict.DENIED_HEADER
    assert judge_header(name.title(), "1") is Verdict.DENIED_HEADER
    assert judge_header(f"Y-{name}", "1").allowed


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        pytest.param("Authorization", "Bearer a.b", Verdict.ALLOWED, id="credential"),
        pytest.param("Cookie", "sid=1", Verdict.ALLOWED, id="cookie"),
        pytest.param("X-Name", "Åsa 漢", Verdict.ALLOWED, id="letters beyond ASCII"),
        pytest.param("X-Name", "", Verdict.ALLOWED, id="empty value"),
        pytest.param("Proxy-Anything", "1", Verdict.DENIED_HEADER, id="Proxy-*"),
        pytest.param("X-Forwarded-Host", "1", Verdict.DENIED_HEADER, id="X-Forwarded-*"),
        pytest.param("X-AWS-EC2-Metadata-Token", "1", Verdict.DENIED_HEADER, id="IMDSv2"),
        pytest.param("", "1", Verdict.DENIED_HEADER_NAME, id="empty name"),
        pytest.param("X:A", "1", Verdict.DENIED_HEADER_NAME, id="colon"),
        pytest.param("X-Å", "1", Verdict.DENIED_HEADER_NAME, id="name beyond ASCII"),
        pytest.param("X(A)", "1", Verdict.DENIED_HEADER_NAME, id="delimiters"),
        pytest.param("X-A\n", "1", Verdict.DENIED_HEADER_CONTROL, id="line break in the name"),
        pytest.param("X-A", "a\tb", Verdict.DENIED_HEADER_CONTROL, id="tab"),
        pytest.param("X-A", "a\r\n b", Verdict.DENIED_HEADER_CONTROL, id="folding"),
        pytest.param("X-A", "a\x7f", Verdict.DENIED_HEADER_CONTROL, id="DEL"),
        pytest.param("X-A", "a\x85b", Verdict.DENIED_HEADER_CONTROL, id="NEL"),
        pytest.param("X-A", "a\u2028b", Verdict.DENIED_HEADER_CONTROL, id="U+2028"),
        pytest.param("X-A", "a\ud800", Verdict.DENIED_HEADER_CONTROL, id="surrogate"),
    ],
)
def test_a_header_is_judged_by_name_and_value(name: str, value: str, verdict: Verdict) -> None:
    assert judge_header(name, value) is verdict


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        pytest.param("https://api.example.com/", Verdict.ALLOWED, id="https"),
        pytest.param("http://api.example.com/", Verdict.DENIED_SECRET_OVER_HTTP, id="http"),
        pytest.param("http://erp.example.com:8080/", Verdict.ALLOWED, id="allowed host"),
        pytest.param("http://erp.example.com/", Verdict.DENIED_SECRET_OVER_HTTP, id="other port"),
    ],
)
def test_a_secret_travels_over_https_or_to_an_allowed_host(url: str, verdict: Verdict) -> None:
    policy = EgressPolicy.from_texts(allow=["erp.example.com:8080"])
    assert secret_may_travel(read(url), policy) is verdict


def test_a_verdict_is_true_only_when_it_allows() -> None:
    assert [verdict for verdict in Verdict if verdict] == [Verdict.ALLOWED]
    assert judge(read("https://api.example.com/"), POLICY)


@pytest.mark.parametrize("verdict", [each for each in Verdict if not each.allowed], ids=repr)
def test_every_denial_becomes_an_error_with_a_clear_message(verdict: Verdict) -> None:
    error = denied(verdict)
    assert isinstance(error, EgressDenied | SourceRedirected)
    assert error.verdict is verdict
    assert error.public_message == verdict.message
    assert verdict.message[0].isupper()
    assert verdict.message.endswith(".")


def test_an_allowed_verdict_is_not_an_error() -> None:
    with pytest.raises(ValueError, match="no error"):
        denied(Verdict.ALLOWED)
