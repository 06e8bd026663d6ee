"""The guard's own tables of networks, names and headers, each with where it comes from.

``ipaddress.is_private`` and ``is_global`` are not asked: they miss ranges (168.63.129.16 and
multicast count as global) and change between Python versions. Sources: the IANA registries of
special-purpose addresses (RFC 6890) and of special-use names (RFC 6761), and the clouds' pages on
their metadata services.
"""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from billhook.engine.verdict import Verdict

Network = IPv4Network | IPv6Network

IPV4_DENIED: Final = (
    ("0.0.0.0/8", Verdict.DENIED_UNSPECIFIED),  # "this network", reaches loopback on Linux
    ("10.0.0.0/8", Verdict.DENIED_PRIVATE),  # RFC 1918
    ("100.64.0.0/10", Verdict.DENIED_PRIVATE),  # RFC 6598, shared by carriers and overlays
    ("127.0.0.0/8", Verdict.DENIED_LOOPBACK),
    ("168.63.129.16/32", Verdict.DENIED_METADATA),  # Azure WireServer, a global address
    ("169.254.0.0/16", Verdict.DENIED_LINK_LOCAL),  # holds most clouds' metadata services
    ("172.16.0.0/12", Verdict.DENIED_PRIVATE),  # RFC 1918
    ("192.0.0.0/24", Verdict.DENIED_RESERVED),  # IETF protocols; Oracle's old metadata service
    ("192.0.2.0/24", Verdict.DENIED_RESERVED),  # documentation
    ("192.31.196.0/24", Verdict.DENIED_RESERVED),  # AS112
    ("192.52.193.0/24", Verdict.DENIED_RESERVED),  # AMT
    ("192.88.99.0/24", Verdict.DENIED_RESERVED),  # 6to4 relays, RFC 7526
    ("192.168.0.0/16", Verdict.DENIED_PRIVATE),  # RFC 1918
    ("192.175.48.0/24", Verdict.DENIED_RESERVED),  # AS112
    ("198.18.0.0/15", Verdict.DENIED_RESERVED),  # benchmarks
    ("198.51.100.0/24", Verdict.DENIED_RESERVED),  # documentation
    ("203.0.113.0/24", Verdict.DENIED_RESERVED),  # documentation
    ("224.0.0.0/4", Verdict.DENIED_MULTICAST),
    ("240.0.0.0/4", Verdict.DENIED_RESERVED),  # class E and broadcast
)

_IPV6_ALLOWED: Final = "2000::/3"
"""Global unicast. All else is denied; the table below only says what it is called."""

IPV6_DENIED: Final = (
    ("::/128", Verdict.DENIED_UNSPECIFIED),
    ("::1/128", Verdict.DENIED_LOOPBACK),
    ("::/96", Verdict.DENIED_TUNNEL),  # IPv4-compatible
    ("::ffff:0:0/96", Verdict.DENIED_TUNNEL),  # IPv4-mapped
    ("::ffff:0:0:0/96", Verdict.DENIED_TUNNEL),  # IPv4-translated, RFC 2765
    ("64:ff9b::/96", Verdict.DENIED_TUNNEL),  # NAT64, RFC 6052
    ("64:ff9b:1::/48", Verdict.DENIED_TUNNEL),  # local NAT64, RFC 8215
    ("2001::/32", Verdict.DENIED_TUNNEL),  # Teredo
    ("2001::/23", Verdict.DENIED_RESERVED),  # IETF protocols: ORCHID, AMT, benchmarks, …
    ("2001:db8::/32", Verdict.DENIED_RESERVED),  # documentation
    ("2002::/16", Verdict.DENIED_TUNNEL),  # 6to4
    ("2620:4f:8000::/48", Verdict.DENIED_RESERVED),  # AS112
    ("3fff::/20", Verdict.DENIED_RESERVED),  # documentation, RFC 9637
    ("fc00::/7", Verdict.DENIED_PRIVATE),  # unique local, RFC 4193
    ("fd00:42::42/128", Verdict.DENIED_METADATA),  # Scaleway
    ("fd00:c1::a9fe:a9fe/128", Verdict.DENIED_METADATA),  # Oracle
    ("fd00:ec2::/32", Verdict.DENIED_METADATA),  # AWS: metadata, time, names and pod identity
    ("fd20:ce::254/128", Verdict.DENIED_METADATA),  # Google
    ("fe80::/10", Verdict.DENIED_LINK_LOCAL),
    ("ff00::/8", Verdict.DENIED_MULTICAST),
)

IPV4_METADATA: Final = (
    ("100.100.100.200/32", Verdict.DENIED_METADATA),  # Alibaba, inside a private range
    ("169.254.169.254/32", Verdict.DENIED_METADATA),  # AWS, Azure, Google, Oracle, OpenStack, …
    ("192.0.0.192/32", Verdict.DENIED_METADATA),  # Oracle, classic
)

DENIED_SUFFIXES: Final = frozenset(
    {
        *("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private"),
        *("home.arpa", "localdomain", "onion", "alt", "arpa", "svc", "cluster.local"),
    }
)
"""Endings of names that only private networks use, whatever they resolve to."""

METADATA_HOSTS: Final = frozenset(
    {
        *("metadata", "instance-data", "metadata.google.internal", "metadata.goog"),
        *("instance-data.ec2.internal", "metadata.ec2.internal", "metadata.azure.internal"),
        *("metadata.tencentyun.com", "metadata.platformequinix.com", "metadata.packet.net"),
        *("api.metadata.cloud.ibm.com", "rancher-metadata", "kubernetes.default"),
    }
)
"""Names under which a cloud hands out credentials; some lie in public domains."""

DENIED_HEADERS: Final = frozenset(
    {
        # The transport's own: a second one splits or truncates the request (RFC 9112, 6 and 9.6)
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade"),
        *("te", "trailer", "expect", "accept-encoding", "http2-settings"),
        # They ask for a part of the document
        *("range", "if-range"),
        # They unlock a cloud's metadata service, if every other gate were to fail
        *("metadata", "metadata-flavor", "x-google-metadata-request"),
        # They make the source believe that somebody else asks
        *("forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"),
    }
)
"""Names of headers, in small letters, that can't be configured."""

DENIED_HEADER_PREFIXES: Final = ("proxy-", "x-aws-ec2-metadata-", "x-forwarded-")

_IPV6_BITS: Final = 128
_ISATAP_ID: Final = 0x00005EFE  # RFC 5214, 6.1
_ISATAP_MASK: Final = 0xFCFFFFFF  # the universal and group bits may be either


class NetworkTable:
    """Networks with a verdict each, as sorted integers: one bisection finds an address."""

    def __init__(self, rows: tuple[tuple[str, Verdict], ...], *, otherwise: Verdict) -> None:
        networks = [(ip_network(text), verdict) for text, verdict in rows]
        edges = {0} | {
            edge
            for network, _ in networks
            for edge in (int(network.network_address), int(network.broadcast_address) + 1)
        }
        self._starts = sorted(edges)
        narrow_first = sorted(networks, key=lambda row: row[0].prefixlen, reverse=True)
        self._verdicts = [_verdict_at(start, narrow_first, otherwise) for start in self._starts]

    def verdict(self, address: int) -> Verdict:
        """Return the verdict of the narrowest network that holds *address*."""
        return self._verdicts[bisect_right(self._starts, address) - 1]


def _verdict_at(
    address: int, networks: list[tuple[Network, Verdict]], otherwise: Verdict
) -> Verdict:
    for network, verdict in networks:
        if int(network.network_address) <= address <= int(network.broadcast_address):
            return verdict
    return otherwise


_IPV4: Final = NetworkTable(IPV4_DENIED + IPV4_METADATA, otherwise=Verdict.ALLOWED)
_IPV6: Final = NetworkTable(
    (*IPV6_DENIED, (_IPV6_ALLOWED, Verdict.ALLOWED)), otherwise=Verdict.DENIED_RESERVED
)


def verdict_of_ipv4(address: int) -> Verdict:
    """Return the verdict of an IPv4 address given as a number."""
    return _IPV4.verdict(address)


def verdict_of_ipv6(address: int) -> Verdict:
    """Return the verdict of an IPv6 address given as a number. ISATAP is seen in any network."""
    if (address >> 32) & _ISATAP_MASK == _ISATAP_ID:
        return Verdict.DENIED_TUNNEL
    return _IPV6.verdict(address)


LIFTABLE: Final = frozenset({Verdict.DENIED_LOOPBACK, Verdict.DENIED_PRIVATE})
"""Verdicts that an operator's allowance lifts. Link-local and metadata are never among them."""

LIFTABLE_NETWORKS: Final = tuple(
    ip_network(text) for text, verdict in IPV4_DENIED + IPV6_DENIED if verdict in LIFTABLE
)
"""Networks that must contain the network of an allowance."""
