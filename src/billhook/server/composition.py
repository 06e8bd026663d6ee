"""The composition of the server: the only module that knows gateway and portal."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from billhook.gateway.app import Gateway
from billhook.gateway.doorkeeper import RateLimits
from billhook.gateway.metrics import GatewayMetrics
from billhook.portal.installation import environment
from billhook.server.app import Application
from billhook.server.django_setup import set_up_django


def create_app() -> Application:
    """Return the whole server as one ASGI application, set up from the environment."""
    set_up_django()
    from billhook.portal.documents.cache import document_cache
    from billhook.portal.documents.held import sweep_left_behind
    from billhook.portal.integrations.store import get_store
    from billhook.portal.mail.sender import MailSender
    from billhook.portal.runs.recorder import get_recorder
    from billhook.server.database import is_database_there
    from billhook.server.handler import PortalHandler
    from billhook.server.health import Health
    from billhook.server.upkeep import Upkeep

    sweep_left_behind()
    document_cache().sweep()
    settings = environment.current()
    store, recorder, portal = get_store(), get_recorder(), PortalHandler()
    gateway = Gateway(
        store=store,
        recorder=recorder,
        limits=rate_limits(settings),
        metrics=GatewayMetrics(REGISTRY),
    )

    async def database() -> bool:
        return await portal.run(is_database_there)

    async def runs() -> bool:
        return gateway.is_open

    async def writing() -> bool:
        return recorder.is_writing

    health = Health(
        checks={"database": database, "writing": writing, "runs": runs},
        registry=_readable_registry(is_one_of_many=settings.workers > 1),
        token=settings.metrics_token,
    )
    parts = (recorder, store, MailSender(), portal, Upkeep())
    return Application(gateway=gateway, health=health, portal=portal, parts=parts)


def rate_limits(settings: environment.Environment) -> RateLimits:
    """Return the limits of the gateway: for two seconds a key may use twice its rate."""
    rate = settings.api_rate
    return RateLimits(runs_per_second=rate, runs_burst=2 * rate)


def _readable_registry(*, is_one_of_many: bool) -> CollectorRegistry:
    """Return where counters are read: those of one process, or of all workers together."""
    if not is_one_of_many:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
