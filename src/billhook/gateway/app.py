"""The gateway as an ASGI application: one address, at which a command is run."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from billhook.engine.errors import BillhookError
from billhook.engine.isolation.rate_limit import RateLimit
from billhook.gateway.body import (
    SECONDS,
    Receive,
    Scalar,
    read_body,
    read_tokens,
    refuse_other_bodies,
)
from billhook.gateway.direct import direct_of
from billhook.gateway.doorkeeper import Doorkeeper, RateLimits
from billhook.gateway.errors import (
    CallerLeft,
    CommandNotFound,
    DatabaseAway,
    GatewayError,
    InternalError,
    MethodNotAllowed,
    RouteNotFound,
    ShuttingDown,
)
from billhook.gateway.metrics import GatewayMetrics
from billhook.gateway.response import GatewayResponse, Send, problem_reply
from billhook.gateway.route import Route, is_run_path, read_route
from billhook.gateway.run import ApiRun
from billhook.gateway.store import ApiCaller, IntegrationStore, Recorder, RunnableIntegration
from billhook.gateway.traces import facts

Scope = MutableMapping[str, Any]

log = structlog.get_logger("billhook.gateway")


class Gateway:
    """Responds to ``POST /api/v1/integrations/{integration}/commands/{command}/run``.

    It accepts runs between :meth:`open` and :meth:`close`; otherwise it responds with 503.
    """

    def __init__(
        self,
        *,
        store: IntegrationStore,
        recorder: Recorder,
        limits: RateLimits | None = None,
        metrics: GatewayMetrics | None = None,
        body_seconds: float = SECONDS,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._doorkeeper = Doorkeeper(store, limits or RateLimits())
        self._metrics = metrics or GatewayMetrics(CollectorRegistry())
        self._body_seconds = body_seconds
        self._is_open = False

    @property
    def is_open(self) -> bool:
        """Whether runs are taken."""
        return self._is_open

    @property
    def rates(self) -> dict[str, RateLimit]:
        """The limits of keys by name, which processes may share."""
        return self._doorkeeper.rates

    def open(self) -> None:
        """Take runs from now on."""
        self._is_open = True

    def close(self) -> None:
        """Accept no new runs; those in progress are finished."""
        self._is_open = False

    @staticmethod
    def owns(scope: Scope) -> bool:
        """Say whether the path of *scope* is the gateway's: the address of a run."""
        return is_run_path(scope["raw_path"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request; no error except a cancellation gets past here."""
        try:
            reply = await self._reply(scope, receive)
        except CallerLeft as left:
            self._metrics.answered(left.status, left.code)
            return
        except GatewayError as error:
            reply = self._problem(error)
        except Exception as error:  # noqa: BLE001 - the outermost edge
            log.error("gateway-failed", **facts(error))  # noqa: TRY400 - its text may hold values
            reply = self._problem(InternalError())
        await reply.send(send, direct=direct_of(scope))

    async def _reply(self, scope: Scope, receive: Receive) -> GatewayResponse:
        route = self._route(scope)
        caller = await self._doorkeeper.admit(scope)
        run = ApiRun(
            await self._integration(caller, route),
            route.command,
            caller,
            recorder=self._recorder,
            metrics=self._metrics,
        )
        reply = await run.reply(self._tokens(scope, receive), receive)
        self._metrics.answered(reply.status, reply.code)
        return reply

    async def _tokens(self, scope: Scope, receive: Receive) -> Mapping[str, Scalar]:
        refuse_other_bodies(scope["headers"])
        direct = direct_of(scope)
        body = direct.take_body() if direct is not None else None
        if body is None:
            body = await read_body(receive, seconds=self._body_seconds)
        return read_tokens(body)

    def _route(self, scope: Scope) -> Route:
        route = read_route(scope["raw_path"])
        if route is None:
            raise RouteNotFound
        if scope["method"] != "POST":
            raise MethodNotAllowed
        if not self._is_open:
            raise ShuttingDown
        return route

    async def _integration(self, caller: ApiCaller, route: Route) -> RunnableIntegration:
        wanted = caller, route.integration, route.command
        found = self._store.find(*wanted)
        if found is None:
            found = await self._read_integration(*wanted)
        if found is None:
            raise CommandNotFound
        return found

    async def _read_integration(
        self, caller: ApiCaller, integration: str, command: str
    ) -> RunnableIntegration | None:
        try:
            return await self._store.read_integration(caller, integration, command)
        except ConnectionError:
            raise DatabaseAway from None

    def _problem(self, error: BillhookError | GatewayError) -> GatewayResponse:
        self._metrics.answered(error.status, error.code)
        return problem_reply(error)
