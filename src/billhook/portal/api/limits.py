"""The calls that a key may make, and the wrong keys that an address may send."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from typing import Final

from django.http import HttpRequest, HttpResponse

from billhook.engine.isolation.rate_limit import RateLimit
from billhook.portal.api.problems import ApiProblem
from billhook.portal.installation import environment

WINDOW: Final = 60
"""Seconds in which a key may make as many calls as ``BILLHOOK_API_CALLS`` says."""


class _Limits:
    """The limits of this process, which the exchange shares with the others."""

    def __init__(self) -> None:
        calls = environment.current().api_calls
        self.calls = RateLimit(per_second=calls / WINDOW, burst=calls)
        self.failures = RateLimit(per_second=0.2, burst=20)
        self.quota = calls


class _OfThisProcess:
    limits: _Limits | None = None


def _limits() -> _Limits:
    if _OfThisProcess.limits is None:
        _OfThisProcess.limits = _Limits()
    return _OfThisProcess.limits


def forget_limits() -> None:
    """Count from zero, by the settings as they are: for tests."""
    _OfThisProcess.limits = None


def api_rates() -> dict[str, RateLimit]:
    """Return the limits by name, for sharing them between processes."""
    limits = _limits()
    return {"api-call": limits.calls, "api-wrong-key": limits.failures}


def count_call(key_id: str) -> None:
    """Count a call of a key.

    Raises:
        ApiProblem: 429, if there were too many.
    """
    if wait := _limits().calls.use(key_id):
        raise ApiProblem(
            "too-many-calls",
            "This API key has made more calls than the operator allows. "
            "Wait for the time in Retry-After, then continue more slowly.",
            headers=_retry_after(wait),
        )


def count_failure(request: HttpRequest) -> None:
    """Count a wrong key against the address that it came from.

    Raises:
        ApiProblem: 429, if there were too many.
    """
    if wait := _limits().failures.use(_address_group(request)):
        raise ApiProblem(
            "too-many-failures",
            "Too many wrong API keys were sent from this address. "
            "Wait for the time in Retry-After, and check the key.",
            headers=_retry_after(wait),
        )


def show_limits(response: HttpResponse, key_id: str) -> None:
    """Set ``RateLimit`` and ``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers)."""
    limits = _limits()
    room = limits.calls.room(key_id)
    response["RateLimit-Policy"] = f'"calls";q={limits.quota};w={WINDOW}'
    response["RateLimit"] = f'"calls";r={room.uses};t={math.ceil(room.full_in)}'


def _retry_after(wait: float) -> Mapping[str, str]:
    return {"Retry-After": str(max(1, math.ceil(wait)))}


def _address_group(request: HttpRequest) -> str:
    """Return the client's address; for IPv6 its /64, since one host may use all of it."""
    text = str(request.META.get("REMOTE_ADDR", "")).partition("%")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.version == 4:  # noqa: PLR2004 - IPv4
        return text
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, 64), strict=False))
