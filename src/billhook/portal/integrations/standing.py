"""How an integration stands: off, on, or left alone for a while because its source kept failing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from billhook.engine.http.breaker import BreakerState, State
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.store import get_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A word with its kind and sign for the page, and perhaps when the source is tried again."""

    word: str
    kind: str
    icon: str
    until: datetime | None = None


def standing_of(integration: Integration) -> Standing:
    """Return how *integration* stands in this server process."""
    if not integration.enabled:
        return Standing(word="Off", kind="", icon="minus")
    state = get_store().state_of(integration.id)
    return Standing(word="On", kind="good", icon="check") if state is None else _told(state)


def _told(state: BreakerState) -> Standing:
    if state.state is State.OPEN and state.next_try is not None:
        until = datetime.fromtimestamp(state.next_try, UTC)
        return Standing(word="Paused", kind="bad", icon="warning", until=until)
    if state.state is State.HALF_OPEN:
        return Standing(word="Trying again", kind="warn", icon="info")
    return Standing(word="On", kind="good", icon="check")
