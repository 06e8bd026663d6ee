"""The allowance that would lift a denial, for the people who may allow it."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from billhook.engine.egress.policy import Allowance
from billhook.engine.errors import ConfigurationError
from billhook.engine.verdict import Verdict

ALLOW_SETTING: Final = "BILLHOOK_ALLOW"
"""The operator's setting for allowances, in the environment of the server."""
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


def allowance_that_lifts(verdict: Verdict, *, host: str, port: int, address: str = "") -> str:
    """Return the text of the allowance that lifts *verdict*, or an empty text where none does.

    *address* is what *host* resolves to, if that may be shown: a name is then allowed for this
    address only.
    """
    if verdict not in _LIFTABLE or not host:
        return ""
    text = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if address not in {"", host} and verdict in {Verdict.DENIED_LOOPBACK, Verdict.DENIED_PRIVATE}:
        text += f"={address}/{ip_address(address).max_prefixlen}"
    return text if _can_be_allowed(text) else ""


def _can_be_allowed(text: str) -> bool:
    try:
        Allowance.parse(text)
    except ConfigurationError:
        return False
    return True
