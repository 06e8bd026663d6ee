"""The operator's egress policy: open ports, closed networks, and private systems allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final, TypeVar

from billhook.engine.egress.proxy import OutgoingProxy
from billhook.engine.egress.tables import (
    LIFTABLE,
    LIFTABLE_NETWORKS,
    METADATA_HOSTS,
    Network,
    verdict_of_ipv4,
    verdict_of_ipv6,
)
from billhook.engine.egress.url import Host, parse_authority, parse_port
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.verdict import Verdict

DEFAULT_PORTS: Final = frozenset({80, 443, 8080, 8443})

_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One private system that the operator allows: a host with its port, perhaps with a network.

    It lifts, for this host and port alone: the list of ports, the rules on names, and the denial
    of loopback and private addresses (only those in *network*, when one is given). It counts for
    the URLs of an integration; with ``also_led``, for redirects and links in responses as well.
    """

    host: str
    port: int
    network: Network | None = None
    also_led: bool = False

    @classmethod
    def parse(cls, text: str, *, also_led: bool = False) -> Allowance:
        """Read ``host:port`` or ``host:port=network``; ConfigurationError says what is wrong."""
        authority, equals, network = text.partition("=")
        host_and_port = parse_authority(authority, default_port=None)
        if isinstance(host_and_port, Verdict):
            raise _error(
                f"“{text}” is not a host and port: {host_and_port.message} "
                "Write host:port or host:port=network, such as erp.example.com:443=10.20.0.0/16."
            )
        host, port = host_and_port
        _refuse_what_stays_closed(host)
        if equals and host.is_ip:
            raise _error(f"“{text}”: an address needs no network. Leave out “={network}”.")
        return cls(
            host=host.text,
            port=port,
            network=_liftable_network(network) if equals else None,
            also_led=also_led,
        )

    def covers(self, version: int, number: int) -> bool:
        """Say whether a loopback or private address may be dialled for this host and port."""
        return self.network is None or _holds(self.network, version, number)


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPolicy:
    """Rules for the traffic that we start, in addition to the guard's own tables.

    ``extra_denied`` closes networks for everything, allowances included. ``only_own`` are the hosts
    and ports whose allowances don't count here, because a response led to them. ``proxy`` is the
    way out for everything but what is allowed by name.
    """

    ports: frozenset[int] = DEFAULT_PORTS
    allowances: tuple[Allowance, ...] = ()
    extra_denied: tuple[Network, ...] = ()
    only_own: frozenset[tuple[str, int]] = frozenset()
    proxy: OutgoingProxy | None = None
    _by_place: dict[tuple[str, int], Allowance] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_place = {(each.host, each.port): each for each in self.allowances}
        object.__setattr__(self, "_by_place", by_place)

    @classmethod
    def from_texts(
        cls,
        *,
        allow: Iterable[str] = (),
        ports: Iterable[str] = (),
        deny: Iterable[str] = (),
        also_led: bool = False,
        proxy: OutgoingProxy | None = None,
    ) -> EgressPolicy:
        """Make a policy of an operator's settings; raise ConfigurationError with every problem.

        No *ports* means the default ones. With *also_led*, redirects and links may lead to what is
        allowed. A problem's ``where`` is allow, ports or deny.
        """
        problems: list[Problem] = []
        parse = partial(Allowance.parse, also_led=also_led)
        allowances = _parse_each("allow", allow, parse, problems)
        numbers = _parse_each("ports", ports, _parse_port, problems)
        networks = _parse_each("deny", deny, _parse_network, problems)
        if problems:
            raise ConfigurationError(tuple(problems))
        return cls(
            ports=frozenset(numbers) or DEFAULT_PORTS,
            allowances=allowances,
            extra_denied=networks,
            proxy=proxy,
        )

    def allowance(self, host: str, port: int) -> Allowance | None:
        """Return the allowance for exactly this host (as in ``Url.host``) and port."""
        return self._by_place.get((host, port)) if self._by_place else None

    def proxy_for(self, host: str, port: int) -> OutgoingProxy | None:
        """Return the proxy on the way to *host*; a private system is reached directly."""
        if self.proxy is None or self.allowance(host, port) is not None:
            return None
        return self.proxy if self.proxy.covers(host) else None

    def for_what_responses_lead_to(self) -> EgressPolicy:
        """Return the policy for the targets of redirects and links, which others choose."""
        own = [each for each in self.allowances if not each.also_led]
        return replace(
            self,
            allowances=tuple(each for each in self.allowances if each.also_led),
            only_own=frozenset((each.host, each.port) for each in own),
        )

    def denies(self, version: int, number: int) -> bool:
        """Say whether the operator has closed the network of an address."""
        return any(_holds(network, version, number) for network in self.extra_denied)


def _holds(network: Network, version: int, number: int) -> bool:
    first, last = int(network.network_address), int(network.broadcast_address)
    return network.version == version and first <= number <= last


def _error(message: str) -> ConfigurationError:
    return ConfigurationError((Problem(code="egress-policy", message=message),))


def _parse_each(
    where: str,
    texts: Iterable[str],
    parse: Callable[[str], _Parsed],
    problems: list[Problem],
) -> tuple[_Parsed, ...]:
    parsed: list[_Parsed] = []
    for text in texts:
        try:
            parsed.append(parse(text.strip()))
        except ConfigurationError as error:
            problems.extend(
                Problem(code=each.code, message=each.message, where=where)
                for each in error.problems
            )
    return tuple(parsed)


def _parse_port(text: str) -> int:
    port = parse_port(text)
    if port is None:
        raise _error(f"“{text}” is not a port. Write a plain number from 1 to 65535.")
    return port


def _parse_network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise _error(
            f"“{text}” is not a network. Write its first address and its length, "
            "such as 10.20.0.0/16."
        ) from None


def _liftable_network(text: str) -> Network:
    network = _parse_network(text)
    first, last = int(network.network_address), int(network.broadcast_address)
    for private in LIFTABLE_NETWORKS:
        if _holds(private, network.version, first) and _holds(private, network.version, last):
            return network
    raise _error(
        f"“{text}” is not inside one private or loopback network, and nothing else can be allowed. "
        "Name a network such as 10.20.0.0/16, or leave it out for a public host on another port."
    )


def _refuse_what_stays_closed(host: Host) -> None:
    """Refuse an allowance that would do nothing: such a host stays closed for everybody."""
    verdict = _verdict_of_host(host)
    if not verdict.allowed and verdict not in LIFTABLE:
        raise _error(f"“{host.text}” can't be allowed. {verdict.message}")


def _verdict_of_host(host: Host) -> Verdict:
    if not host.is_ip:
        known = host.text in METADATA_HOSTS
        return Verdict.DENIED_METADATA_NAME if known else Verdict.ALLOWED
    address = ip_address(host.text)
    if isinstance(address, IPv4Address):
        return verdict_of_ipv4(int(address))
    return verdict_of_ipv6(int(address))
