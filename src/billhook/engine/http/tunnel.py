"""Tunnels through the operator's outgoing proxy, which CONNECT opens (RFC 9110, 9.3.6)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from billhook.engine.egress.policy import Allowance, EgressPolicy
from billhook.engine.egress.proxy import OutgoingProxy
from billhook.engine.errors import SourceUnreachable
from billhook.engine.http_status import SUCCESS

_WANTS_CREDENTIALS: Final = 407
_NO_CONNECTION: Final = frozenset({502, 503, 504})


@lru_cache(maxsize=64)
def policy_for_proxy(host: str, port: int) -> EgressPolicy:
    """Return the policy for reaching the proxy itself, which may be in a private network.

    Link-local and metadata addresses stay denied, as for everything that the operator allows.
    """
    return EgressPolicy(allowances=(Allowance(host=host, port=port),))


def authorities(
    proxy: OutgoingProxy, host: str, port: int, addresses: Sequence[str]
) -> tuple[str, ...]:
    """Return what the proxy is asked to connect to: judged addresses in turn, or the name."""
    hosts = (host,) if proxy.by_name else tuple(addresses)
    return tuple(f"[{each}]:{port}" if ":" in each else f"{each}:{port}" for each in hosts)


def judge_answer(status: int) -> None:
    """Raise SourceUnreachable unless the proxy has opened the tunnel."""
    if status in SUCCESS:
        return
    if status == _WANTS_CREDENTIALS:
        raise SourceUnreachable("proxy-credentials")
    raise SourceUnreachable("proxy-failed" if status in _NO_CONNECTION else "proxy-denied")
