"""The health pages: is the server alive, is it ready, what has it counted?"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from billhook.gateway.body import Receive
from billhook.gateway.response import OWN_HEADERS, GatewayResponse, Send

Scope = MutableMapping[str, Any]
Check = Callable[[], Awaitable[bool]]

PATHS: Final = ("/healthz", "/readyz", "/metrics")
_CHECK_EVERY: Final = 1.0
"""Seconds for which the result of a check is reused, so that frequent requests cost nothing."""
_CHECK_SECONDS: Final = 0.7
"""Seconds that a check may take, so that ``/readyz`` always responds within one."""
_FORWARDED: Final = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host"})


class Health:
    """The responses to ``/healthz``, ``/readyz`` and ``/metrics``.

    ``checks`` are run, by name, for ``/readyz``. ``/metrics`` is for requests from this machine
    itself, not through a proxy, or with *token*; for others it doesn't exist. They also see in
    ``/readyz`` which *node* has responded.
    """

    def __init__(
        self,
        *,
        checks: dict[str, Check],
        registry: CollectorRegistry,
        token: str = "",
        node: str = "",
    ) -> None:
        self._checks = checks
        self._registry = registry
        self._token = token
        self._node = node
        self._checked_at = float("-inf")
        self._state: dict[str, bool] = {}
        self._running: dict[str, asyncio.Future[bool]] = {}

    @staticmethod
    def owns(scope: Scope) -> bool:
        """Return whether the path of *scope* is one of these."""
        return scope["path"] in PATHS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Respond to one request."""
        await (await self._reply(scope)).send(send)

    async def _reply(self, scope: Scope) -> GatewayResponse:
        if scope["method"] not in {"GET", "HEAD"}:
            return _text(405, "Ask with GET.\n", extra=((b"allow", b"GET, HEAD"),))
        match scope["path"]:
            case "/healthz":
                return _text(200, "alive\n")
            case "/readyz":
                return await self._ready(scope)
            case _:
                return self._metrics(scope)

    async def _ready(self, scope: Scope) -> GatewayResponse:
        if time.monotonic() - self._checked_at > _CHECK_EVERY:
            found = await asyncio.gather(*map(self._check, self._checks))
            self._state = dict(zip(self._checks, found, strict=True))
            self._checked_at = time.monotonic()
        ready = all(self._state.values())
        named = {"node": self._node} if self._node and self._may_know(scope) else {}
        content = json.dumps({"ready": ready, **named, "checks": self._state}) + "\n"
        return _text(200 if ready else 503, content, media_type=b"application/json")

    async def _check(self, name: str) -> bool:
        """Return the result of one check; False for one that doesn't return in time.

        It goes on then, and until it has ended, no second one begins.
        """
        task = self._running.get(name)
        if task is None or task.done():
            task = asyncio.ensure_future(self._checks[name]())
            self._running[name] = task
        done, _ = await asyncio.wait([task], timeout=_CHECK_SECONDS)
        return bool(done) and task.exception() is None and task.result()

    def _metrics(self, scope: Scope) -> GatewayResponse:
        if not self._may_know(scope):
            return _text(404, "There is nothing at this address.\n")
        content = generate_latest(self._registry).decode()
        return _text(200, content, media_type=CONTENT_TYPE_LATEST.encode())

    def _may_know(self, scope: Scope) -> bool:
        return _is_local(scope) or self._has_token(scope)

    def _has_token(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        expected = f"Bearer {self._token}".encode()
        return bool(self._token) and hmac.compare_digest(given, expected)


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """Respond that there is no such page."""
    await _text(404, "There is nothing at this address.\n").send(send)


def _is_local(scope: Scope) -> bool:
    """Return whether the request comes from this machine, and not on behalf of another."""
    client = scope.get("client")
    if not client or any(name in _FORWARDED for name, _ in scope["headers"]):
        return False
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


def _text(
    status: int,
    text: str,
    *,
    media_type: bytes = b"text/plain; charset=utf-8",
    extra: tuple[tuple[bytes, bytes], ...] = (),
) -> GatewayResponse:
    content = text.encode()
    headers = (
        (b"content-type", media_type),
        (b"content-length", b"%d" % len(content)),
        *extra,
        *OWN_HEADERS,
    )
    return GatewayResponse(status=status, code="", headers=headers, content=content)
