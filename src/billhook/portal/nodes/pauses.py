"""Pauses of commands, passed on between processes: a source found dead by one is known by all.

Each process reports the pauses that it found and the ends that it saw; see
:mod:`billhook.portal.nodes.exchange`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from functools import cache, partial
from operator import itemgetter
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from billhook.engine.http.breaker import SourcePause
from billhook.engine.source import Source

Opened = TypeVar("Opened")
_REPORTED: Final = 30.0
"""Seconds for which the end of a pause is reported."""


class PauseBoard:
    """The pauses of all sources, those found here and those found elsewhere.

    They are by integration and command: ``7x2k9d4mq1zt/GetInvoiceImage``.
    """

    name = "pauses"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: WeakValueDictionary[str, Source] = WeakValueDictionary()
        self._found: dict[str, tuple[float, SourcePause | None]] = {}
        """The time of the last change that this process saw, and the pause; None: it is in use."""
        self._heard: dict[str, tuple[float, SourcePause | None]] = {}

    def watch(self, source: Opened, integration_id: str) -> Opened:
        """Return *source*, paused as far as other processes found; its pauses are reported."""
        if isinstance(source, Source):
            with self._lock:
                self._sources[integration_id] = source
                heard = {_parts(key): pause for key, (_, pause) in self._heard.items()}
            for (whose, command), pause in heard.items():
                if whose == integration_id and pause is not None:
                    source.adopt_pause(command, pause)
            source.watch_pauses(partial(self._note, integration_id))
        return source

    def report(self) -> dict[str, list[Any]] | None:
        """Return what this process has found and others may not know yet."""
        now = time.time()
        with self._lock:
            self._found = {key: each for key, each in self._found.items() if _is_current(each, now)}
            return {key: _as_list(*each) for key, each in self._found.items()} or None

    def receive(self, process: str, content: Mapping[str, Any]) -> None:  # noqa: ARG002 - it doesn't matter whose it is
        """Take over what another process has found, if it is news."""
        now = time.time()
        for key, written in content.items():
            at, pause = _from_list(written)
            integration_id, command = _parts(key)
            with self._lock:
                known = max((each[0] for each in self._known(key)), default=0.0)
                if at <= known:
                    continue
                self._heard[key] = at, pause
                source = self._sources.get(integration_id)
            if source is not None:
                source.adopt_pause(command, pause)
        with self._lock:
            self._heard = {key: each for key, each in self._heard.items() if _is_current(each, now)}

    def pause_of(self, integration_id: str, command: str) -> SourcePause | None:
        """Return the present pause of a command, found here or elsewhere."""
        key = _key(integration_id, command)
        with self._lock:
            _, pause = max(self._known(key), key=itemgetter(0), default=(0.0, None))
        return pause if pause is not None and pause.until > time.time() else None

    def forget(self, process: str) -> None:
        """Keep the pauses of a process that reports no longer: they end by themselves."""

    def _known(self, key: str) -> list[tuple[float, SourcePause | None]]:
        return [board[key] for board in (self._found, self._heard) if key in board]

    def _note(self, integration_id: str, command: str, pause: SourcePause | None) -> None:
        key = _key(integration_id, command)
        with self._lock:
            self._found[key] = time.time(), pause
            self._heard.pop(key, None)


def _key(integration_id: str, command: str) -> str:
    return f"{integration_id}/{command}"


def _parts(key: str) -> tuple[str, str]:
    integration_id, _, command = key.partition("/")
    return integration_id, command


def _is_current(change: tuple[float, SourcePause | None], now: float) -> bool:
    at, pause = change
    return (at if pause is None else pause.until) > now - _REPORTED


def _as_list(at: float, pause: SourcePause | None) -> list[Any]:
    return [at, *((pause.since, pause.until, pause.next_pause) if pause else ())]


def _from_list(written: list[Any]) -> tuple[float, SourcePause | None]:
    at, *pause = map(float, written)
    if not pause:
        return at, None
    since, until, next_pause = pause
    return at, SourcePause(since=since, until=until, next_pause=next_pause)


@cache
def pause_board() -> PauseBoard:
    """Return the board of this process."""
    return PauseBoard()
