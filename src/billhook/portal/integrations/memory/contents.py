"""Contents of the store: filled as it is used, and made to follow every change."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Final

from billhook.portal.integrations import loading
from billhook.portal.integrations.live import LEAST_KILOBYTES, LiveIntegration
from billhook.portal.integrations.memory import rows
from billhook.portal.integrations.memory.known_digests import KnownDigests
from billhook.portal.integrations.memory.recent import Recent
from billhook.portal.integrations.memory.rows import Caller, Changed, SourceOrder
from billhook.portal.integrations.shared_transport import SharedTransport

MOST_LIVE: Final = 64 * 1024
"""Kilobytes of integrations, by :attr:`LiveIntegration.kilobytes`: some 2,500 small ones."""
MOST_CALLERS: Final = 20_000
MOST_ORDERS: Final = 5_000
RELOADED: Final = 20
"""So many integrations that were changed are loaded at once, before anybody asks for them."""
_CHUNK: Final = 20


class StoreContents:
    """Integrations, orders and callers, at one revision of the database.

    Reading takes no lock. Changes hold one, also while they read the database: so nothing that was
    read before a change can come in after the change was seen.
    """

    def __init__(
        self, open_source: loading.OpenSource, retire: Callable[[SharedTransport], None]
    ) -> None:
        self.revision = -1
        self.integrations: Recent[str, LiveIntegration] = Recent(
            MOST_LIVE, weigh=lambda live: live.kilobytes
        )
        self.names: Recent[tuple[str, str], str] = Recent(MOST_ORDERS)
        self.orders: Recent[tuple[str, str], SourceOrder] = Recent(MOST_ORDERS)
        self.callers: Recent[str, Caller] = Recent(MOST_CALLERS)
        self.digests = KnownDigests()
        self._open_source = open_source
        self._retire = retire
        self._changing = threading.Lock()
        self._to_come: deque[str] = deque()

    def follow(self) -> None:
        """Take in what has changed since the last time. The first time, load what was used last."""
        with self._changing:
            # the number first: what changes while we read will be read again
            number = rows.read_revision()
            if number == self.revision:
                return
            changed = None if self.revision < 0 else rows.read_changes(self.revision, number)
            if changed is None:
                self._take_in_everything()
            else:
                self._take_in(changed)
            self.revision = number

    def load_more(self, seconds: float) -> None:
        """Load integrations that may soon be needed, as long as there is room, for so long."""
        end = time.monotonic() + seconds
        while self._to_come and self.integrations.has_room and time.monotonic() < end:
            chunk = [self._to_come.popleft() for _ in range(min(_CHUNK, len(self._to_come)))]
            with self._changing:
                self._load([id_ for id_ in chunk if self.integrations.peek(id_) is None])

    def load_integration(self, id_: str) -> LiveIntegration | None:
        """Return an enabled integration, from the database if it isn't here."""
        with self._changing:
            here = self.integrations.get(id_)
            return here or next(iter(self._load([id_])), None)

    def load_named(self, organisation_id: str, id_or_name: str) -> LiveIntegration | None:
        """Return an organisation's enabled integration by its id or name."""
        with self._changing:
            id_ = rows.read_id(organisation_id, id_or_name)
            if id_ is None:
                return None
            self.names.put((organisation_id, id_or_name), id_)
            here = self.integrations.get(id_)
            return here or next(iter(self._load([id_])), None)

    def load_order(self, organisation_id: str, command: str) -> SourceOrder:
        """Return the first sources of *command* in an organisation."""
        with self._changing:
            order = rows.read_order(organisation_id, command)
            self.orders.put((organisation_id, command), order)
            return order

    def load_caller(self, digest: str) -> Caller | None:
        """Return whose key has this digest."""
        with self._changing:
            caller = rows.read_caller(digest)
            if caller is None:
                self.digests.remove(digest)
            else:
                self.callers.put(digest, caller)
            return caller

    def _load(self, ids: Collection[str]) -> list[LiveIntegration]:
        if not ids:
            return []
        loaded = loading.load_integrations(ids, open_source=self._open_source)
        for id_, live in loaded.items():
            for gone in self.integrations.put(id_, live):
                self._retire(gone.transport)
        return list(loaded.values())

    def _take_in_everything(self) -> None:
        """Look at all that is here again; what is still the same stays as it is."""
        self.digests = KnownDigests(rows.read_digests())
        callers = rows.read_last_callers(MOST_CALLERS)
        self._drop_callers(lambda _: True)
        for digest, caller in callers:
            self.callers.put(digest, caller)
        self._drop_orders(lambda _: True)
        self._drop_changed(live.id for live in self.integrations.values())
        self._to_come = deque(rows.read_newest_ids(MOST_LIVE // LEAST_KILOBYTES))

    def _take_in(self, changed: Changed) -> None:
        self._drop_orders(lambda organisation: organisation in changed.orders)
        self._take_in_keys(changed)
        here = self.integrations.values()
        at_risk = {live.id for live in here if live.organisation_id in changed.organisations}
        dropped = self._drop_changed(at_risk | changed.integrations)
        again = dict.fromkeys((*dropped, *self._new(changed.integrations)))
        self._load(list(again)[:RELOADED])

    def _new(self, ids: Iterable[str]) -> list[str]:
        """Return those of *ids* that aren't here, if there is room for them."""
        has_room = self.integrations.has_room
        return [id_ for id_ in ids if has_room and self.integrations.peek(id_) is None]

    def _take_in_keys(self, changed: Changed) -> None:
        self._drop_callers(
            lambda caller: (
                caller.key_id in changed.keys or caller.organisation_id in changed.organisations
            )
        )
        for digest, caller in rows.read_callers_of(changed.keys):
            self.digests.add(digest)
            if self.callers.has_room:
                self.callers.put(digest, caller)

    def _drop_callers(self, is_gone: Callable[[Caller], bool]) -> None:
        for digest, caller in self.callers.items():
            if is_gone(caller):
                self.callers.drop(digest)

    def _drop_orders(self, is_gone: Callable[[str], bool]) -> None:
        for key in self.orders:
            if is_gone(key[0]):
                self.orders.drop(key)

    def _drop_changed(self, ids: Iterable[str]) -> list[str]:
        """Drop those of *ids* that aren't any more what they are here, and return them."""
        here = {id_: live for id_ in ids if (live := self.integrations.peek(id_)) is not None}
        stamps = rows.read_stamps(here)
        dropped = [id_ for id_, live in here.items() if stamps.get(id_) != live.stamp]
        for id_ in dropped:
            self.integrations.drop(id_)
            self._retire(here[id_].transport)
        return dropped
