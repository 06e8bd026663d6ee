"""The status of an integration: off, on, or with commands that are paused since they failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from billhook.engine.http.breaker import BreakerState, State
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.store import get_store


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationStatus:
    """A word with its kind and icon for the page; while commands are paused, these and the end."""

    word: str
    kind: str
    icon: str
    until: datetime | None = None
    commands: tuple[str, ...] = ()


_ON: Final = IntegrationStatus(word="On", kind="good", icon="check")


def status_of(integration: Integration) -> IntegrationStatus:
    """Return the status of *integration* in this server process."""
    if not integration.enabled:
        return IntegrationStatus(word="Off", kind="", icon="minus")
    state = get_store().state_of(integration.id)
    return _ON if state is None else _status_of_source(state)


def _status_of_source(state: BreakerState) -> IntegrationStatus:
    if state.state is State.OPEN and state.next_try is not None:
        until = datetime.fromtimestamp(state.next_try, UTC)
        return IntegrationStatus(
            word="Paused", kind="bad", icon="warning", until=until, commands=state.commands
        )
    if state.state is State.HALF_OPEN:
        return IntegrationStatus(
            word="Trying again", kind="warn", icon="info", commands=state.commands
        )
    return _ON
