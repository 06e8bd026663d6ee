"""The attempts of a run on the wire: statuses, bytes and times, never a value."""

from __future__ import annotations

from time import perf_counter
from typing import Any, Final, NamedTuple

OK: Final = "ok"
UNFINISHED: Final = "unfinished"
"""The outcome of an attempt that was given up from outside, for instance with Ctrl+C."""


class Timing(NamedTuple):
    """The phases of an attempt, in milliseconds; None for those that it didn't reach.

    A connection that is used again has no ``lookup``, ``connect`` and ``tls``. ``wait`` lasts from
    the request's last byte to the response's first, ``receive`` from there to the end.
    """

    lookup: float | None = None
    connect: float | None = None
    tls: float | None = None
    wait: float | None = None
    receive: float | None = None


class Attempt(NamedTuple):
    """One exchange on the wire. ``outcome`` is ``ok`` or an error's code.

    ``certificate_ends`` is the day on which the server's certificate ends, such as 2026-12-03, if
    that is soon, or else empty.
    """

    step: str
    method: str
    status: int | None
    received_bytes: int
    milliseconds: float
    outcome: str
    timing: Timing
    certificate_ends: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return its facts by name, for JSON: the end of a certificate only if there is one."""
        facts = {**self._asdict(), "timing": self.timing._asdict()}
        if not self.certificate_ends:
            del facts["certificate_ends"]
        return facts


class Progress:
    """An attempt in progress. The transport sets the timestamps; :meth:`attempt` gives them.

    It is mutable and unchecked because it is in the path of every request.
    """

    __slots__ = (
        "began",
        "certificate_ends",
        "connected",
        "ended",
        "first_byte",
        "looked_up",
        "method",
        "outcome",
        "phase",
        "received",
        "secured",
        "sent",
        "status",
        "step",
    )

    def __init__(self, step: str, method: str) -> None:
        self.step = step
        self.method = method
        self.status: int | None = None
        self.received = 0
        self.outcome = UNFINISHED
        self.phase = "whole"
        self.certificate_ends = ""
        self.began = perf_counter()
        self.looked_up: float | None = None
        self.connected: float | None = None
        self.secured: float | None = None
        self.sent: float | None = None
        self.first_byte: float | None = None
        self.ended: float | None = None

    def end(self, outcome: str) -> None:
        """Note that the attempt is over, and how."""
        self.ended = perf_counter()
        self.outcome = outcome

    def attempt(self) -> Attempt:
        """Return what is known by now."""
        return Attempt(
            step=self.step,
            method=self.method,
            status=self.status,
            received_bytes=self.received,
            milliseconds=round(((self.ended or perf_counter()) - self.began) * 1000, 3),
            outcome=self.outcome,
            timing=self._timing(),
            certificate_ends=self.certificate_ends,
        )

    def _timing(self) -> Timing:
        if self.connected is None and self.looked_up is None:  # the connection was there already
            return Timing(
                wait=_milliseconds(self.sent, self.first_byte),
                receive=_milliseconds(self.first_byte, self.ended),
            )
        return Timing(
            lookup=_milliseconds(self.began, self.looked_up),
            connect=_milliseconds(self.looked_up or self.began, self.connected),
            tls=_milliseconds(self.connected, self.secured),
            wait=_milliseconds(self.sent, self.first_byte),
            receive=_milliseconds(self.first_byte, self.ended),
        )


class Trace:
    """The attempts of one run, in order. Give one to ``run_command`` to see them afterwards."""

    __slots__ = ("_progress",)

    def __init__(self) -> None:
        self._progress: list[Progress] = []

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every exchange so far: redirects followed and a repeated request are attempts too."""
        return tuple(progress.attempt() for progress in self._progress)

    @property
    def phase(self) -> str:
        """The phase of the current attempt: lookup, connect, tls, headers, body or whole."""
        return self._progress[-1].phase if self._progress else "whole"

    def begin(self, step: str, method: str) -> Progress:
        """Note that an attempt begins. For transports."""
        progress = Progress(step, method)
        self._progress.append(progress)
        return progress

    def conclude(self, outcome: str) -> None:
        """Give the last attempt the outcome of what it led to: the document or an error's code."""
        if self._progress and self._progress[-1].outcome in {OK, UNFINISHED}:
            self._progress[-1].outcome = outcome


def _milliseconds(since: float | None, until: float | None) -> float | None:
    if since is None or until is None:
        return None
    return round((until - since) * 1000, 3)
