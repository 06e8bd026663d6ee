"""The guard: it judges URLs, addresses, redirects and headers by the operator's egress policy.

It decides, and does nothing else: no name is looked up and no socket is opened here. Each decision
is a :class:`Verdict` with its reason, and every rule denies when in doubt.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from billhook.engine.egress.address import read_address
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.tables import (
    DENIED_HEADER_PREFIXES,
    DENIED_HEADERS,
    DENIED_SUFFIXES,
    LIFTABLE,
    METADATA_HOSTS,
    verdict_of_ipv4,
    verdict_of_ipv6,
)
from billhook.engine.egress.url import Url, parse_url
from billhook.engine.verdict import Verdict

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # RFC 9110, 5.1
_LIFTED_FOR_OWN: Final = frozenset(
    {Verdict.DENIED_PORT, Verdict.DENIED_SINGLE_LABEL, Verdict.DENIED_INTERNAL_NAME}
)
"""Denials before a lookup that an allowance lifts, but not where a response leads."""
_ASCII_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def judge_url(text: str, policy: EgressPolicy) -> Verdict:
    """Judge the text of a URL, without looking its name up."""
    url = parse_url(text)
    return url if isinstance(url, Verdict) else judge(url, policy)


def judge(url: Url, policy: EgressPolicy) -> Verdict:
    """Judge a URL that was read: its port, its name, and its address when it holds one."""
    verdict = _judge(url, policy)
    is_only_own = (url.host, url.port) in policy.only_own
    return Verdict.DENIED_LED if is_only_own and verdict in _LIFTED_FOR_OWN else verdict


def _judge(url: Url, policy: EgressPolicy) -> Verdict:
    allowance = policy.allowance(url.host, url.port)
    if allowance is None and url.port not in policy.ports:
        return Verdict.DENIED_PORT
    if url.is_ip:
        return judge_address(url.host, host=url.host, port=url.port, policy=policy)
    if url.host in METADATA_HOSTS:
        return Verdict.DENIED_METADATA_NAME
    return Verdict.ALLOWED if allowance is not None else _judge_name(url.host)


def _judge_name(name: str) -> Verdict:
    """Judge a name whatever it resolves to: search domains and split DNS give odd results."""
    labels = name.split(".")
    if any(".".join(labels[start:]) in DENIED_SUFFIXES for start in range(len(labels))):
        return Verdict.DENIED_INTERNAL_NAME
    return Verdict.DENIED_SINGLE_LABEL if len(labels) == 1 else Verdict.ALLOWED


def judge_address(address: str, *, host: str, port: int, policy: EgressPolicy) -> Verdict:
    """Judge the text of an address, as a resolver gave it or as it is about to be dialled.

    *host* is what the URL named (an allowance is for it and *port*). Text that isn't a
    canonical address is denied: dialling it would resolve it again, in another way.
    """
    known = _known_address(address)
    if isinstance(known, Verdict):
        return known
    if policy.denies(known.version, known.number):
        return Verdict.DENIED_BY_OPERATOR
    if known.verdict not in LIFTABLE:
        return known.verdict
    allowance = policy.allowance(host, port)
    if allowance is not None and allowance.covers(known.version, known.number):
        return Verdict.ALLOWED
    return Verdict.DENIED_LED if (host, port) in policy.only_own else known.verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    """An address as a number, and what the tables say of it."""

    version: int
    number: int
    verdict: Verdict


@lru_cache(maxsize=4096)
def _known_address(text: str) -> _Address | Verdict:
    """Look an address up in the tables. What is remembered is about addresses, never names."""
    if "%" in text:
        return Verdict.DENIED_ZONE_ID
    if not text.isascii():
        return Verdict.DENIED_NOT_AN_ADDRESS
    try:
        if ":" in text:
            number = int(IPv6Address(text))
            return _Address(version=6, number=number, verdict=verdict_of_ipv6(number))
        number = int(IPv4Address(text))
        return _Address(version=4, number=number, verdict=verdict_of_ipv4(number))
    except AddressValueError:
        return Verdict.DENIED_NOT_AN_ADDRESS


def judge_redirect(previous: Url, location: str, policy: EgressPolicy) -> Url | Verdict:
    """Judge where a redirect leads, by the whole policy, and return its target if it may be."""
    if not location.strip():
        return Verdict.DENIED_LOCATION
    target = read_address(location, previous)
    if isinstance(target, Verdict):
        return target
    if previous.scheme == "https" and target.scheme != "https":
        return Verdict.DENIED_DOWNGRADE
    verdict = judge(target, policy)
    return target if verdict.allowed else verdict


def judge_header(name: str, value: str) -> Verdict:
    """Judge a configured header. *value* is the value filled, or the text between its tokens."""
    if _holds_control(name) or _holds_control(value):
        return Verdict.DENIED_HEADER_CONTROL
    if not _HEADER_NAME.fullmatch(name):
        return Verdict.DENIED_HEADER_NAME
    small = name.lower()
    if small in DENIED_HEADERS or small.startswith(DENIED_HEADER_PREFIXES):
        return Verdict.DENIED_HEADER
    return Verdict.ALLOWED


def _holds_control(text: str) -> bool:
    """Say whether *text* could end a header's line for any reader (RFC 9110, 5.5)."""
    if text.isascii():
        return _ASCII_CONTROL.search(text) is not None
    return any(unicodedata.category(character) in _CONTROL_CATEGORIES for character in text)


def secret_may_travel(url: Url, policy: EgressPolicy) -> Verdict:
    """Judge whether a secret may go to *url*: over https, or to a host and port allowed by name."""
    if url.scheme == "https" or policy.allowance(url.host, url.port) is not None:
        return Verdict.ALLOWED
    return Verdict.DENIED_SECRET_OVER_HTTP
