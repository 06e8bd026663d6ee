"""The composition of the server: the only module that knows gateway and portal."""

from __future__ import annotations

from prometheus_client import REGISTRY

from billhook.gateway.app import Gateway
from billhook.gateway.doorkeeper import RateLimits
from billhook.gateway.metrics import GatewayMetrics
from billhook.portal.installation import environment
from billhook.portal.nodes.node import this_node
from billhook.server.app import Application
from billhook.server.django_setup import set_up_django
from billhook.server.jobs.child import JobProcesses
from billhook.server.jobs.registry import name_node, readable_registry


def create_app(jobs: JobProcesses | None = None) -> Application:
    """Return the whole server as one ASGI application, set up from the environment.

    With *jobs*, those processes run as long as the server does.
    """
    set_up_django()
    from billhook.portal.api.limits import api_rates
    from billhook.portal.documents.unattended import unattended_fetches
    from billhook.portal.documents.visits.document_page import reader_rates
    from billhook.portal.integrations.store import get_store
    from billhook.portal.mail.sender import MailSender
    from billhook.portal.nodes.exchange import Exchange
    from billhook.portal.nodes.pauses import pause_board
    from billhook.portal.nodes.shared_rate import SharedRate
    from billhook.portal.project.postgresql.limits import STATEMENT_SECONDS, TimeLimits
    from billhook.portal.runs.recorder import get_recorder
    from billhook.portal.storage.shelves import follow_shelves
    from billhook.server.database import is_database_there
    from billhook.server.handler import PortalHandler
    from billhook.server.health import Health
    from billhook.server.threads import DatabaseThreads
    from billhook.server.upkeep import Upkeep

    TimeLimits.statement = STATEMENT_SECONDS
    settings = environment.current()
    store, recorder, portal = get_store(), get_recorder(), PortalHandler()
    gateway = Gateway(
        store=store,
        recorder=recorder,
        limits=rate_limits(settings),
        metrics=GatewayMetrics(REGISTRY),
    )

    probe = DatabaseThreads(1, name="health")

    async def database() -> bool:
        return await probe.run(is_database_there)

    async def runs() -> bool:
        return gateway.is_open

    async def writing() -> bool:
        return recorder.is_writing

    health = Health(
        checks={"database": database, "writing": writing, "runs": runs},
        registry=readable_registry(jobs, is_one_of_many=settings.workers > 1),
        token=settings.metrics_token,
        node=this_node().name,
    )
    name_node()
    rates = gateway.rates | reader_rates() | api_rates()
    exchange = Exchange(
        (pause_board(), *(SharedRate(name, rate) for name, rate in rates.items())),
        for_jobs=(pause_board(),),
        followers=(follow_shelves,),
        has_siblings=settings.workers > 1,
    )
    more = () if jobs is None else (jobs,)
    parts = (recorder, store, exchange, MailSender(), portal, Upkeep(), unattended_fetches(), *more)
    return Application(
        gateway=gateway,
        health=health,
        portal=portal,
        parts=parts,
        stop_seconds=settings.stop_seconds,
        on_close=() if jobs is None else (jobs.ask_to_stop,),
    )


def rate_limits(settings: environment.Environment) -> RateLimits:
    """Return the limits of the gateway: for two seconds a key may use twice its rate."""
    rate = settings.api_rate
    return RateLimits(runs_per_second=rate, runs_burst=2 * rate)
