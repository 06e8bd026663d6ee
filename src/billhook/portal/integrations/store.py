"""The store of live integrations and API keys in memory, for the paths that must be fast.

What was used lately is in memory, up to a bound, and is given without waiting; the rest is read and
compiled when it is first asked for, in the store's own thread. That thread also looks once a second
whether the row :class:`Revision` has moved on, so that a change made in any process is live in all
of them within two seconds; in the process that made it, it is live when its transaction ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, Protocol

import structlog
from django.db import Error, close_old_connections, connections, transaction

from billhook.engine.http.breaker import BreakerState
from billhook.portal.installation.logs import name_of
from billhook.portal.integrations import loading
from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.memory.contents import StoreContents
from billhook.portal.integrations.memory.reading_thread import ReadingThread
from billhook.portal.integrations.memory.rows import Caller
from billhook.portal.integrations.memory.sources import SourcesInOrder, first_order
from billhook.portal.integrations.models import ApiKey
from billhook.portal.integrations.policy import Wiring, open_source
from billhook.portal.integrations.shared_transport import ClosableTransport, SharedTransport

log = structlog.get_logger("billhook.store")

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the revision."""
NOTE_USE_EVERY: Final = 10.0
"""Seconds between two writes of when API keys were last used."""
_LOAD_AT_START: Final = 1.0
"""Seconds at the start in which integrations are loaded before anybody asks for them."""
_LOAD_AT_LOOK: Final = 0.1
"""The same at each look, until all are there or the memory is full."""
_WRITTEN_AT_ONCE: Final = 100


class OfOrganisation(Protocol):
    """Somebody, or something, that belongs to an organisation."""

    @property
    def organisation_id(self) -> str:
        """The organisation's id."""
        ...


class CommandStore:
    """Gives callers and live integrations from memory or the database, and keeps them fresh."""

    def __init__(
        self,
        *,
        open_source: loading.OpenSource = open_source,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._open_source = open_source
        self._contents = StoreContents(open_source, self._retire)
        self._thread = ReadingThread(
            self._look, look_every=look_every, at_end=lambda: self._attempt(self._finish)
        )
        self._used: dict[str, float] = {}
        self._use_noted = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_away = False

    def caller(self, digest: str) -> Caller | None:
        """Return whose API key has the SHA-256 *digest*, if that is in memory."""
        caller = self._contents.callers.get(digest)
        if caller is not None:
            self.count_use(caller.key_id)
        return caller

    def count_use(self, key_id: str) -> None:
        """Note that an API key is used now; it is written down later."""
        self._used[key_id] = time.time()

    async def read_caller(self, digest: str) -> Caller | None:
        """Return whose API key has the SHA-256 *digest*, or None if no valid key has.

        Raises:
            StoreAway: if the database doesn't respond.
        """
        if digest not in self._contents.digests:
            return None
        caller = await self._thread.read(digest, lambda: self._contents.load_caller(digest))
        return self.caller(digest) or caller

    def find(
        self, caller: OfOrganisation, integration: str, command: str
    ) -> LiveIntegration | None:
        """Return an integration of *caller*'s organisation that has *command*, if it is in memory.

        *integration* is its id, or else its name.
        """
        found = self._in_memory(caller.organisation_id, integration)
        return found if found is not None and command in found.commands else None

    async def read_integration(
        self, caller: OfOrganisation, integration: str, command: str
    ) -> LiveIntegration | None:
        """Return an integration of *caller*'s organisation that has *command*, or None.

        Raises:
            StoreAway: if the database doesn't respond.
        """
        key = caller.organisation_id, integration
        found = self._in_memory(*key)
        if found is None:
            found = await self._thread.read(key, lambda: self._contents.load_named(*key))
        return found if found is not None and command in found.commands else None

    def sources_of(self, organisation_id: str, command: str) -> SourcesInOrder:
        """Return the integrations that have *command*, to be iterated in the organisation's order.

        The iteration raises StoreAway if the database doesn't respond.
        """
        return SourcesInOrder(self._contents, self._thread, organisation_id, command)

    async def configuration_of(self, organisation_id: str, command: str) -> str:
        """Return a text that changes when a source of *command*, or their order, does.

        Raises:
            StoreAway: if the database doesn't respond.
        """
        order = await first_order(self._contents, self._thread, organisation_id, command)
        return order.configuration

    def state_of(self, integration_id: str) -> BreakerState | None:
        """Return how this process gets on with the source of an integration that is on."""
        live = self._contents.integrations.peek(integration_id)
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
        """Load what was used last, then look for changes until :meth:`stop`.

        Raises:
            django.db.Error: if the database isn't there at the start.
        """
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._refresh_and_let_go)
        self._thread.start()

    async def stop(self, *, seconds: float) -> None:
        """Stop looking, and close every transport once it is idle."""
        await asyncio.to_thread(self._thread.stop, seconds=seconds)
        self._loop = None
        before, self._contents = self._contents, StoreContents(self._open_source, self._retire)
        for live in before.integrations.values():
            await live.transport.retire()

    def refresh(self) -> None:
        """Take in what has changed, if the revision has moved on. For any thread that may wait."""
        is_new = self._contents.revision < 0
        self._contents.follow()
        if is_new:
            self._contents.load_more(_LOAD_AT_START)

    def notice_change(self) -> None:
        """Take in a change that this process has just made, if this store is in use."""
        if self._contents.revision >= 0:
            self.refresh()

    def note_use(self) -> None:
        """Write down when API keys were last used."""
        used, self._used = self._used, {}
        waiting = sorted(used)  # in one order, so that processes can't wait for each other
        for start in range(0, len(waiting), _WRITTEN_AT_ONCE):
            with transaction.atomic():
                for key_id in waiting[start : start + _WRITTEN_AT_ONCE]:
                    when = datetime.fromtimestamp(used[key_id], tz=UTC)
                    ApiKey.objects.filter(id=key_id).update(last_used_at=when)

    def _in_memory(self, organisation_id: str, id_or_name: str) -> LiveIntegration | None:
        found = self._contents.integrations.get(id_or_name)
        if found is not None and found.organisation_id == organisation_id:
            return found
        id_ = self._contents.names.get((organisation_id, id_or_name))
        named = self._contents.integrations.get(id_) if id_ else None
        return named if named is not None and named.name == id_or_name else None

    def _look(self) -> None:
        self._attempt(self.refresh)
        self._attempt(lambda: self._contents.load_more(_LOAD_AT_LOOK))
        if time.monotonic() - self._use_noted > NOTE_USE_EVERY:
            self._use_noted = time.monotonic()
            self._attempt(self.note_use)

    def _finish(self) -> None:
        self.refresh()  # first, because it writes nothing: while the database is away, it fails
        self.note_use()

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
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

    def _retire(self, transport: SharedTransport) -> None:
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(transport.retire(), self._loop)


class _Current:
    """The store that this process uses."""

    store = CommandStore()


def get_store() -> CommandStore:
    """Return this process's store."""
    return _Current.store


def set_store(store: CommandStore) -> None:
    """Use another store in this process: for tests."""
    _Current.store = store
