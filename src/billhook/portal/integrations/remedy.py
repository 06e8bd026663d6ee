"""The line that lets integrations reach an address that the egress policy denies.

The engine says only that an address is denied. Operators and owners also read here what would
allow it; members who can do nothing about it don't.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from billhook.engine.egress.policy import Allowance
from billhook.engine.errors import ConfigurationError
from billhook.engine.verdict import Verdict

SETTING: Final = "BILLHOOK_ALLOW"
_LIFTABLE: Final = frozenset(
    {
        Verdict.DENIED_PORT,
        Verdict.DENIED_SINGLE_LABEL,
        Verdict.DENIED_INTERNAL_NAME,
        Verdict.DENIED_LOOPBACK,
        Verdict.DENIED_PRIVATE,
        Verdict.DENIED_SECRET_OVER_HTTP,
    }
)
"""Denials that an allowance lifts (docs/egress.md)."""


def allowance_for(verdict: Verdict, *, host: str, port: int, address: str = "") -> str:
    """Return the allowance that would lift *verdict*, or an empty text where none does.

    *address* is what *host* resolves to, where that is known: a name is then allowed for it alone.
    """
    if verdict not in _LIFTABLE or not host:
        return ""
    bare = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    is_bound = verdict in {Verdict.DENIED_LOOPBACK, Verdict.DENIED_PRIVATE} and address not in {
        "",
        host,
    }
    text = f"{bare}={address}/{ip_address(address).max_prefixlen}" if is_bound else bare
    return text if _can_be_allowed(text) else ""


def _can_be_allowed(text: str) -> bool:
    try:
        Allowance.parse(text)
    except ConfigurationError:
        return False
    return True


def setting_with(allowance: str, *, present: tuple[str, ...] = ()) -> str:
    """Return the line of the setting with *allowance* after those that are *present*."""
    return f"{SETTING}={','.join((*present, allowance))}"
