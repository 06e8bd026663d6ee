"""The store of live integrations and API keys in memory, for the paths that must be fast.

The gateway and VIEW use it and never wait for the database. A thread looks once a second whether
the row :class:`Revision` has moved on, so that a change made in any process is live in all of them
within two seconds; in the process that made it, it is live when its transaction ends.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

import structlog
from django.db import Error, close_old_connections, connections

from billhook.engine.http.breaker import BreakerState
from billhook.portal.installation.logs import name_of
from billhook.portal.integrations import loading
from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.models import ApiKey
from billhook.portal.integrations.policy import Wiring, open_source
from billhook.portal.integrations.shared_transport import ClosableTransport, SharedTransport

log = structlog.get_logger("billhook.store")

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the revision."""
NOTE_USE_EVERY: Final = 10.0
"""Seconds between two writes of when API keys were last used."""


class OfOrganisation(Protocol):
    """Somebody, or something, that belongs to an organisation."""

    @property
    def organisation_id(self) -> str:
        """The organisation's id."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller of the gateway: an API key, and the organisation that it belongs to."""

    key_id: str
    organisation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything known at one revision. It is replaced as a whole, so readers need no lock."""

    revision: int = -1
    callers: Mapping[str, Caller] = field(default_factory=dict)
    integrations: Mapping[str, LiveIntegration] = field(default_factory=dict)
    in_order: Mapping[tuple[str, str], tuple[LiveIntegration, ...]] = field(default_factory=dict)
    """By organisation and name of a command: the integrations that have it, in their order."""
    by_name: Mapping[tuple[str, str], LiveIntegration] = field(default_factory=dict)
    """The same by organisation and name."""


class CommandStore:
    """Gives callers and live integrations from memory, and keeps them fresh."""

    def __init__(
        self,
        *,
        open_source: loading.OpenSource = open_source,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._open_source = open_source
        self._look_every = look_every
        self._snapshot = Snapshot()
        self._used: dict[str, float] = {}
        self._use_noted = time.monotonic()
        self._refreshing = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_away = False

    def caller(self, digest: str) -> Caller | None:
        """Return whose API key has the SHA-256 *digest*, or None if no valid key has."""
        caller = self._snapshot.callers.get(digest)
        if caller is not None:
            self._used[caller.key_id] = time.time()
        return caller

    def find(
        self, caller: OfOrganisation, integration: str, command: str
    ) -> LiveIntegration | None:
        """Return an integration of *caller*'s organisation that has *command*, or None.

        *integration* is its id, or else its name.
        """
        snapshot = self._snapshot
        found = snapshot.integrations.get(integration)
        if found is None or found.organisation_id != caller.organisation_id:
            found = snapshot.by_name.get((caller.organisation_id, integration))
        return found if found is not None and command in found.commands else None

    def sources_of(self, organisation_id: str, command: str) -> tuple[LiveIntegration, ...]:
        """Return every integration that has *command*, in the organisation's order."""
        return self._snapshot.in_order.get((organisation_id, command), ())

    def state_of(self, integration_id: str) -> BreakerState | None:
        """Return how this process gets on with the source of an integration that is on."""
        live = self._snapshot.integrations.get(integration_id)
        return live.transport.state if live else None

    @asynccontextmanager
    async def one_off_source(self, wiring: Wiring) -> AsyncIterator[ClosableTransport]:
        """Give a source for one use, of settings that aren't saved; it is closed after that."""
        source = self._open_source(wiring)
        try:
            yield source
        finally:
            await source.close()

    async def start(self) -> None:
        """Load everything, then look for changes until :meth:`stop`.

        Raises:
            django.db.Error: if the database isn't there at the start.
        """
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._refresh_and_let_go)
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, name="command-store", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Stop looking, and close every transport once it is idle."""
        self._ended.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        before, self._snapshot, self._loop = self._snapshot, Snapshot(), None
        for live in before.integrations.values():
            await live.transport.retire()

    def refresh(self) -> None:
        """Load what has changed, if the revision has moved on. For any thread that may wait."""
        with self._refreshing:
            # the number first: what changes while we read will be read again
            number = loading.read_revision()
            if number != self._snapshot.revision:
                self._load(number)

    def note_use(self) -> None:
        """Write down when API keys were last used."""
        used, self._used = self._used, {}
        for key_id, when in used.items():
            row = ApiKey.objects.filter(id=key_id)
            row.update(last_used_at=datetime.fromtimestamp(when, tz=UTC))

    def _work(self) -> None:
        while not self._ended.wait(self._look_every):
            self._look(note_use=time.monotonic() - self._use_noted > NOTE_USE_EVERY)
        self._look(note_use=True)
        connections.close_all()

    def _look(self, *, note_use: bool) -> None:
        try:
            self.refresh()
            if note_use:
                self._use_noted = time.monotonic()
                self.note_use()
        except Error as error:
            if not self._is_away:
                log.warning("store-not-refreshed", error=name_of(error))
            self._is_away = True
        except Exception:
            log.exception("store-failed")
        else:
            self._is_away = False
        finally:
            close_old_connections()

    def _refresh_and_let_go(self) -> None:
        try:
            self.refresh()
        finally:
            connections.close_all()

    def _load(self, number: int) -> None:
        before = self._snapshot.integrations
        integrations = self._connect_changed(before)
        self._snapshot = Snapshot(
            revision=number,
            callers={
                digest: Caller(key_id=id_, organisation_id=organisation)
                for digest, id_, organisation in loading.read_valid_keys()
            },
            integrations=integrations,
            in_order=_in_order(integrations),
            by_name={(one.organisation_id, one.name): one for one in integrations.values()},
        )
        for id_, live in before.items():
            if integrations.get(id_) is not live:
                self._retire(live.transport)

    def _connect_changed(self, before: Mapping[str, LiveIntegration]) -> dict[str, LiveIntegration]:
        """Return every enabled integration, in order; what hasn't changed is kept as it is."""
        stamps = loading.read_stamps()
        kept = {
            id_: before[id_]
            for id_, stamp in stamps
            if id_ in before and before[id_].stamp == stamp
        }
        changed = [id_ for id_, _ in stamps if id_ not in kept]
        known = kept | loading.load_integrations(changed, open_source=self._open_source)
        return {id_: known[id_] for id_, _ in stamps if id_ in known}

    def _retire(self, transport: SharedTransport) -> None:
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(transport.retire(), self._loop)


def _in_order(
    integrations: Mapping[str, LiveIntegration],
) -> dict[tuple[str, str], tuple[LiveIntegration, ...]]:
    in_order: dict[tuple[str, str], tuple[LiveIntegration, ...]] = {}
    for live in integrations.values():
        for name in live.commands:
            key = live.organisation_id, name
            in_order[key] = (*in_order.get(key, ()), live)
    return in_order


class _Current:
    """The store that this process uses."""

    store = CommandStore()


def get_store() -> CommandStore:
    """Return this process's store."""
    return _Current.store


def set_store(store: CommandStore) -> None:
    """Use another store in this process: for tests."""
    _Current.store = store
