"""The check of API keys, and how often one, or a wrong one, may be used."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from billhook.engine.isolation.rate_limit import RateLimit
from billhook.gateway.errors import (
    DatabaseAway,
    KeyExpired,
    KeyMissing,
    KeyUnknown,
    ScopeMissing,
    TooManyFailures,
    TooManyRuns,
)
from billhook.gateway.store import ApiCaller, IntegrationStore

_BEARER: Final = b"bearer "
_LONGEST_KEY: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """The limits of keys: runs of one key, and wrong keys from one address."""

    runs_per_second: float = 100
    runs_burst: int = 200
    failures_per_second: float = 0.2
    failures_burst: int = 20


class Doorkeeper:
    """Lets callers with a known key in, as often as the limits allow.

    A wrong key is counted against the address that it came from. A right key is let in all the
    same, so that nobody behind a shared address can be locked out by a neighbour.
    """

    def __init__(self, store: IntegrationStore, limits: RateLimits) -> None:
        self._store = store
        self._runs = RateLimit(per_second=limits.runs_per_second, burst=limits.runs_burst)
        self._failures = RateLimit(
            per_second=limits.failures_per_second, burst=limits.failures_burst
        )

    @property
    def rates(self) -> dict[str, RateLimit]:
        """The limits by name, for sharing them between processes."""
        return {"api-key": self._runs, "wrong-key": self._failures}

    async def admit(self, scope: Mapping[str, Any]) -> ApiCaller:
        """Return who calls; raise 401, 403 or 429 when they may not come in, or 503."""
        try:
            caller = await self._caller(_key(scope["headers"]))
        except (KeyMissing, KeyUnknown, KeyExpired):
            self._count_failure(scope)
            raise
        if not caller.may_run:
            raise ScopeMissing
        if wait := self._runs.use(caller.key_id):
            raise TooManyRuns(wait)
        return caller

    async def _caller(self, key: bytes) -> ApiCaller:
        digest = hashlib.sha256(key).hexdigest()
        caller = self._store.caller(digest)
        if caller is None:
            caller = await self._read_caller(digest)
        if caller is None:
            raise KeyUnknown
        if caller.expires_at is not None and caller.expires_at <= time.time():
            raise KeyExpired
        return caller

    async def _read_caller(self, digest: str) -> ApiCaller | None:
        try:
            return await self._store.read_caller(digest)
        except ConnectionError:
            raise DatabaseAway from None

    def _count_failure(self, scope: Mapping[str, Any]) -> None:
        if wait := self._failures.use(address_group(scope)):
            raise TooManyFailures(wait)


def _key(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1 or given[0][: len(_BEARER)].lower() != _BEARER:
        raise KeyMissing
    key = given[0][len(_BEARER) :].strip()
    if not key or len(key) > _LONGEST_KEY:
        raise KeyMissing
    return key


def address_group(scope: Mapping[str, Any]) -> str:
    """Return the client's address; for IPv6 its /64, since one host may use all of it."""
    client = scope.get("client")
    host: str = client[0] if client else ""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, 64), strict=False))
