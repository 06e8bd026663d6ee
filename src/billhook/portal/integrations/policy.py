"""The operator's egress policy and the transports that keep it."""

from __future__ import annotations

from functools import cache

from billhook.engine.guard import EgressPolicy
from billhook.engine.transport import HttpTransport
from billhook.portal import environment


@cache
def egress_policy() -> EgressPolicy:
    """Return the egress policy that the environment sets."""
    settings = environment.current()
    return EgressPolicy.from_texts(
        allow=settings.allow, ports=[str(port) for port in settings.ports], deny=settings.deny
    )


def make_transport() -> HttpTransport:
    """Return a new transport, with a pool of its own, that keeps the policy."""
    return HttpTransport(policy=egress_policy())
